"""Speed of two models on the same lines, measured in alternating rounds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.model.longest_input import longest_input_tokens
from monoglot.progress import SILENT, Progress

ModelAndTokenizer = tuple[PreTrainedModel, PreTrainedTokenizerFast]
BATCH_LINES = 8
LONGEST_TOKENS = 512


@dataclass(frozen=True)
class Throughput:
    """Speed and size of one model; seconds are medians over rounds.

    Attributes:
        lines: Lines read in a round.
        bytes: UTF-8 bytes of raw text in them.
        seconds: What reading them took, tokenizer and all logits included.
        parameter_bytes: Memory of the parameters; tied ones count once.
    """

    lines: int
    bytes: int
    seconds: float
    parameter_bytes: int

    @property
    def lines_per_second(self) -> float:
        """Lines (sentences) per second."""
        return self.lines / self.seconds

    @property
    def bytes_per_second(self) -> float:
        """Bytes of raw text per second."""
        return self.bytes / self.seconds

    def to_dict(self) -> dict[str, float]:
        """Figures and counts, for JSON."""
        return vars(self) | {n: getattr(self, n) for n in ("lines_per_second", "bytes_per_second")}


@dataclass(frozen=True)
class SpeedComparison:
    """Speeds of two models that alternated on the same lines.

    Attributes:
        first: The first model.
        second: The second model.
        round_ratios: In each round, how many times as fast the first was.
    """

    first: Throughput
    second: Throughput
    round_ratios: tuple[float, ...]

    @property
    def speedup(self) -> float:
        """How many times as fast the first model is: the median over rounds."""
        return median(self.round_ratios)

    @property
    def memory_ratio(self) -> float:
        """Memory of the first model's parameters as a share of the second's."""
        return self.first.parameter_bytes / self.second.parameter_bytes

    def to_dict(self) -> dict[str, Any]:
        """Figures and counts, for JSON."""
        ratios = {"speedup": self.speedup, "memory_ratio": self.memory_ratio}
        return ratios | {
            "rounds": len(self.round_ratios),
            "round_ratios": list(self.round_ratios),
            "model": self.first.to_dict(),
            "against": self.second.to_dict(),
        }


def compare_speed(
    first: ModelAndTokenizer,
    second: ModelAndTokenizer,
    lines: Sequence[str],
    *,
    rounds: int = 5,
    progress: Progress = SILENT,
) -> SpeedComparison:
    """Measure how fast two models read the same lines, in alternating rounds.

    Args:
        first: A model and its tokenizer.
        second: What it is compared with.
        lines: The text; lines of more than 512 tokens are cut.
        rounds: Turns of each; there is one before that doesn't count.
        progress: Where to show how far it is.
    """
    seconds: tuple[list[float], list[float]] = ([], [])
    with progress.task("Measuring speed", 2 * (rounds + 1)) as advance:
        for turn in range(rounds + 1):
            # Who begins changes: the second one finds caches and clock as the first one left them.
            for side in (0, 1) if turn % 2 else (1, 0):
                taken = _seconds((first, second)[side], lines)
                advance(1)
                if turn:
                    seconds[side].append(taken)
    size_bytes = sum(len(line.encode()) for line in lines)
    results = [
        Throughput(len(lines), size_bytes, median(taken), parameter_bytes(model))
        for taken, (model, _) in zip(seconds, (first, second), strict=True)
    ]
    ratios = tuple(b / a for a, b in zip(*seconds, strict=True))
    return SpeedComparison(results[0], results[1], ratios)


def parameter_bytes(model: PreTrainedModel) -> int:
    """Compute the memory of a model's parameters; tied ones count once."""
    return sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())


@torch.inference_mode()
def _seconds(one: ModelAndTokenizer, lines: Sequence[str]) -> float:
    """Measure the seconds in which a model reads some lines, shortest first."""
    model, tokenizer = one
    longest = min(LONGEST_TOKENS, longest_input_tokens(model, tokenizer))
    started = time.perf_counter()
    lists = tokenizer(list(lines), truncation=True, max_length=longest)["input_ids"]
    lists = sorted((ids for ids in lists if ids), key=len)
    for start in range(0, len(lists), BATCH_LINES):
        batch = lists[start : start + BATCH_LINES]
        width = len(batch[-1])
        ids = torch.tensor([[*one, *[0] * (width - len(one))] for one in batch])
        mask = torch.tensor([[1] * len(one) + [0] * (width - len(one)) for one in batch])
        inputs = {"input_ids": ids.to(model.device), "attention_mask": mask.to(model.device)}
        if model.config.is_encoder_decoder:
            inputs["decoder_input_ids"] = inputs["input_ids"]
        model(**inputs)
    if model.device.type != "cpu":
        torch.accelerator.synchronize()
    return time.perf_counter() - started
