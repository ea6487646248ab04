"""Whether a model does what the model did that it was made from, wherever all tokens are kept ones.

Outputs are compared on single texts, pairs, padded batches and prompts: all ways in which a model gets text.
A few of each are enough, as `kept_weights` compares the rows of all kept tokens.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.errors import ModelError
from monoglot.model.longest_input import longest_input_tokens
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.vocabulary import as_it_was
from monoglot.untrusted import refusing

ModelAndTokenizer = tuple[PreTrainedModel, PreTrainedTokenizerFast]

LONGEST_TOKENS = 128
MOST_TEXTS, MOST_PAIRS, BATCH_TEXTS, MOST_PROMPTS = 6, 2, 4, 4
TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-4}
"""Largest difference, in units of the largest output, that comes from another order of sums alone."""
HALF_TOLERANCE = 3e-2
"""The same for weights of 16 bits."""
KINDS = ("texts", "pairs", "batches", "prompts")


@dataclass(frozen=True)
class OutputComparison:
    """Differences between the outputs of two models.

    Attributes:
        compared: How many single texts, pairs, padded batches and prompts were compared.
        largest_difference: Largest absolute difference of a logit, or of a hidden state if there is no head;
            infinite if an output is NaN or infinite.
        largest_output: Largest absolute value of the source's outputs.
        tolerance: Difference that is taken for rounding.
        prompts_changed: Prompts that are segmented differently than by the source.
        fault: What is wrong, in a sentence; empty if nothing is.
    """

    compared: Mapping[str, int]
    largest_difference: float
    largest_output: float
    tolerance: float
    prompts_changed: tuple[str, ...] = ()
    fault: str = field(default="")


@torch.inference_mode()
def compare_outputs(
    source: ModelAndTokenizer,
    target: ModelAndTokenizer,
    source_of: Int64[np.ndarray, " target"],
    lines: Sequence[str],
    prompts: Sequence[str] = (),
    *,
    progress: Progress = SILENT,
) -> OutputComparison:
    """Compare outputs on texts that both tokenizers segment alike.

    Args:
        source: The original model and its tokenizer.
        target: The model that was made from it by keeping tokens, and its tokenizer.
        source_of: The source id of each target id, -1 for new ones; only logits of kept tokens are compared.
        lines: The text; of lines that are segmented differently the words that are not are compared.
        prompts: Texts that come before others; all of them must be segmented alike.
        progress: Where to show how far it is.

    Raises:
        ModelError: If a model can't be run on text.
    """
    probe = _Probe(source, target, torch.from_numpy(source_of))
    alike = [line for line in lines if probe.inputs(line)]
    alike = alike or [word for line in lines for word in line.split() if probe.inputs(word)]
    changed = tuple(prompt for prompt in prompts if probe.inputs(prompt) is None)
    # Long lines are compared as single texts; how texts are put together shows on short ones as well.
    short = sorted(alike, key=len)[:BATCH_TEXTS]
    before_text = [
        both if short and probe.inputs(both := prompt + short[0]) else prompt
        for prompt in prompts[:MOST_PROMPTS]
        if prompt not in changed
    ]
    can_pad = source[1].pad_token is not None and target[1].pad_token is not None
    given: dict[str, Iterable[tuple[object, ...]]] = {
        "texts": [(line,) for line in alike[:MOST_TEXTS]],
        "pairs": list(pairwise(short))[:MOST_PAIRS],
        "batches": [(short,)] if can_pad and len(short) > 1 else [],
        "prompts": [(prompt,) for prompt in before_text],
    }
    compared = dict.fromkeys(KINDS, 0)
    with progress.task("Comparing outputs", sum(len(list(calls)) for calls in given.values())) as advance:
        for kind, calls in given.items():
            for call in calls:
                compared[kind] += probe.compare(*call)
                advance(1)
    tolerance = probe.tolerance * max(1.0, probe.largest_output)
    result = OutputComparison(compared, probe.largest_difference, probe.largest_output, tolerance, changed)
    return OutputComparison(**vars(result) | {"fault": fault_of(result)})


def fault_of(found: OutputComparison) -> str:
    """Describe what a comparison shows to be wrong with a model; empty if nothing."""
    if not sum(found.compared.values()):
        return "no text of the corpus is segmented as by the source, so that nothing could be compared"
    if not math.isfinite(found.largest_difference):
        return "an output is not a number (NaN or infinity)"
    if found.largest_difference > found.tolerance:
        return (
            f"the outputs differ by up to {found.largest_difference:.2g}, where rounding explains "
            f"{found.tolerance:.1g}"
        )
    if found.prompts_changed:
        return f"the prompt {found.prompts_changed[0]!r} is segmented differently than by the source"
    return ""


class _Probe:
    """Runs two models side by side and keeps the largest difference."""

    def __init__(self, source: ModelAndTokenizer, target: ModelAndTokenizer, source_of: Tensor) -> None:
        self._models = source[0], target[0]
        self._tokenizers = source[1], target[1]
        self._source_of = source_of
        self._kept = torch.nonzero(source_of >= 0).flatten()
        self._longest = min(LONGEST_TOKENS, longest_input_tokens(*source))
        self.tolerance = TOLERANCE.get(source[0].dtype, HALF_TOLERANCE)
        self.largest_difference = 0.0
        self.largest_output = 0.0

    def inputs(self, *call: object) -> tuple[dict[str, Tensor], dict[str, Tensor]] | None:
        """The inputs of both models for one call of their tokenizers; ``None`` if they are not the same."""
        padding = isinstance(call[0], list)
        how: dict[str, Any] = {"padding": padding, "truncation": True, "max_length": self._longest}
        with as_it_was(*self._tokenizers):
            old, new = (dict(tokenizer(*call, **how, return_tensors="pt")) for tokenizer in self._tokenizers)
        if not new["input_ids"].numel() or old.keys() != new.keys():
            return None
        if old["input_ids"].shape != new["input_ids"].shape or new["input_ids"].max() >= len(self._source_of):
            return None
        same = torch.equal(old["input_ids"], self._source_of[new["input_ids"].long()])
        rest = all(torch.equal(old[name], new[name]) for name in old if name != "input_ids")
        return (old, new) if same and rest else None

    def compare(self, *call: object) -> bool:
        """Run both models on a call, if it is segmented alike, and tell whether it was."""
        inputs = self.inputs(*call)
        if inputs is None:
            return False
        before, after = (output(model, given) for model, given in zip(self._models, inputs, strict=True))
        if self._is_scored(before) or before.shape[-1] != after.shape[-1]:
            before, after = before[..., self._source_of[self._kept]], after[..., self._kept]
        if before.dim() == 3 and before.shape[:2] == inputs[0]["input_ids"].shape:
            seen = inputs[0]["attention_mask"].bool()
            before, after = before[seen], after[seen]
        self.largest_output = max(self.largest_output, _largest(before))
        self.largest_difference = max(self.largest_difference, _largest(before - after))
        return True

    def _is_scored(self, outputs: Tensor) -> bool:
        """Whether outputs of the source are logits, a number for each of its tokens."""
        rows = getattr(self._models[0].get_output_embeddings(), "weight", None)
        return rows is not None and outputs.shape[-1] == len(rows)


def _largest(values: Float[Tensor, "..."]) -> float:
    """Give the largest absolute value; infinite for NaN, which ``max`` would ignore."""
    found = float(values.abs().max()) if values.numel() else 0.0
    return found if math.isfinite(found) else math.inf


def output(model: PreTrainedModel, inputs: Mapping[str, Tensor]) -> Float[Tensor, "..."]:
    """Compute the first output of a model (logits or hidden states) in float32.

    Raises:
        ModelError: If the model can't be run on text.
    """
    inputs = {name: values.to(model.device) for name, values in inputs.items()}
    ids = inputs["input_ids"]
    problem = f"{type(model).__name__} can't be run on text"
    with refusing(ModelError, problem, "see what it needs, in its config.json or its documentation"):
        given = dict(inputs)
        if model.main_input_name != "input_ids":
            given = {"decoder_input_ids": ids, "decoder_attention_mask": inputs["attention_mask"]}
            given[model.main_input_name] = torch.cat(list(_perceived(model, len(ids)))).to(model.device)
        elif model.config.is_encoder_decoder:
            given["decoder_input_ids"] = ids
        result: Tensor = model(**given)[0]
        return result.float()


def _perceived(model: PreTrainedModel, texts: int) -> Iterator[Tensor]:
    """Make audio or image inputs of the shape that a model takes, the same for both models."""
    config: Any = model.config
    random = torch.Generator().manual_seed(0)
    for _ in range(texts):
        if model.main_input_name == "input_features":
            shape: tuple[int, ...] = (config.num_mel_bins, 2 * config.max_source_positions)
        elif model.main_input_name == "pixel_values":
            vision = getattr(config, "vision_config", None) or getattr(config, "encoder", config)
            shape = (vision.num_channels, vision.image_size, vision.image_size)
        else:
            raise ModelError(f"{model.main_input_name} are inputs that monoglot has no example of")
        yield torch.randn((1, *shape), generator=random, dtype=model.dtype)
