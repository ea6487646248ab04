"""Extractive question answering (SQuAD, XQuAD, TyDiQA GoldP), scored by F1 and exact match."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float32, Int64
from transformers import PreTrainedTokenizerFast

from monoglot.errors import CorpusError, SettingError
from monoglot.evaluation.labeled_data import Columns, DataSplit, Record
from monoglot.evaluation.registry import register
from monoglot.evaluation.task import Feature, Prepared

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def normalized(answer: str) -> str:
    """Lower-case, drop ASCII punctuation and English articles: what the official script does."""
    return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, expected: str) -> float:
    """Compute whether two answers are the same, 0 or 1."""
    return float(normalized(answer) == normalized(expected))


def overlap_f1(answer: str, expected: str) -> float:
    """Compute the F1 of the words that two answers share; words are what stands between whitespace."""
    given, wanted = normalized(answer).split(), normalized(expected).split()
    shared = sum((Counter(given) & Counter(wanted)).values())
    if not shared:
        return float(given == wanted)
    precision, recall = shared / len(given), shared / len(wanted)
    return 2 * precision * recall / (precision + recall)


def squad_scores(answers: Sequence[str], expected: Sequence[Sequence[str]]) -> dict[str, float]:
    """Compute means over questions; of several accepted answers the likest counts.

    Args:
        answers: One for each question.
        expected: The accepted answers of each.
    """

    def mean(compare: Callable[[str, str], float]) -> float:
        pairs = zip(answers, expected, strict=True)
        return float(np.mean([max(compare(answer, one) for one in accepted) for answer, accepted in pairs]))

    return {"f1": mean(overlap_f1), "exact_match": mean(exact_match), "questions": len(answers)}


LONGEST_ANSWER_TOKENS = 30
CANDIDATES = 20
LEAST_WINDOW_TOKENS = 32
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
"""Segment ids tell question and text apart, where the tokenizer names them."""
NOT_IN_WINDOW = 0
"""Windows without the answer point to their first token, as in Devlin et al. 2019."""


@register("qa")
class QuestionAnswering:
    """A question and a text; long texts are read in windows that overlap by a sixth of their length."""

    columns: ClassVar[Columns] = {"question": ("question",), "context": ("context",), "answers": ("answers",)}
    metric: ClassVar[str] = "f1"
    head: ClassVar[str] = "AutoModelForQuestionAnswering"
    epochs: ClassVar[int] = 3

    def labels(self, train: DataSplit) -> list[str]:
        """None: the answer is a place."""
        return []

    def prepare(
        self, split: DataSplit, tokenizer: PreTrainedTokenizerFast, labels: Sequence[str], longest_tokens: int
    ) -> Prepared:
        """Windows, and the scores of the best span over all windows of a question."""
        if longest_tokens < LEAST_WINDOW_TOKENS:
            raise SettingError(
                f"questions are read in windows of at least {LEAST_WINDOW_TOKENS} tokens, "
                f"longest_tokens was: {longest_tokens}"
            )
        for i, record in enumerate(split.records):
            _check(record, split.place(i))
        encoded = tokenizer(
            # A question of more than half a window would leave no room for the text.
            [_cut(record["question"].strip(), tokenizer, longest_tokens // 2) for record in split.records],
            [record["context"] for record in split.records],
            truncation="only_second",
            max_length=longest_tokens,
            stride=longest_tokens // 6,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        owners = encoded["overflow_to_sample_mapping"]
        spans = [_context_spans(encoded, i) for i in range(len(owners))]
        features: list[Feature] = [
            {name: encoded[name][i] for name in INPUTS if name in encoded}
            | _target(split.records[owner]["answers"], spans[i])
            for i, owner in enumerate(owners)
        ]

        def score(outputs: Any) -> dict[str, float]:
            best: dict[int, tuple[float, str]] = {}
            for owner, span, start, end in zip(owners, spans, outputs[0], outputs[1], strict=True):
                found = best_span(start[: len(span)], end[: len(span)], span)
                if found and (owner not in best or found[0] > best[owner][0]):
                    best[owner] = found[0], split.records[owner]["context"][found[1] : found[2]]
            answers = [best[i][1] if i in best else "" for i in range(len(split.records))]
            return squad_scores(answers, [record["answers"]["text"] for record in split.records])

        return Prepared(features, score)


def best_span(
    start: Float32[np.ndarray, " tokens"],
    end: Float32[np.ndarray, " tokens"],
    spans: Int64[np.ndarray, "tokens 2"],
) -> tuple[float, int, int] | None:
    """Find the likeliest span of the text: its score, first and last-plus-one character.

    Args:
        start: How likely each token is the first of the answer.
        end: How likely each token is the last.
        spans: Characters of the text that each token covers; -1 for tokens that are not of the text.
    """
    inside = spans[:, 0] >= 0
    firsts, lasts = (
        np.argsort(-np.where(inside, scores, -np.inf), kind="stable")[:CANDIDATES] for scores in (start, end)
    )
    lengths = lasts[None, :] - firsts[:, None]
    allowed = inside[firsts][:, None] & inside[lasts] & (lengths >= 0) & (lengths < LONGEST_ANSWER_TOKENS)
    if not allowed.any():
        return None
    scores = np.where(allowed, start[firsts][:, None] + end[lasts], -np.inf)
    first, last = np.unravel_index(scores.argmax(), scores.shape)
    return float(scores.max()), int(spans[firsts[first], 0]), int(spans[lasts[last], 1])


def _context_spans(encoded: Any, window: int) -> Int64[np.ndarray, "tokens 2"]:
    """The characters of the text that each token covers; -1 for the question and special tokens."""
    of_context = np.array([part == 1 for part in encoded.sequence_ids(window)])
    return np.where(of_context[:, None], np.array(encoded["offset_mapping"][window]), -1)


def _target(answers: Any, spans: Int64[np.ndarray, "tokens 2"]) -> dict[str, int]:
    """The first and last token of the first answer, if it lies in the window."""
    begin = answers["answer_start"][0]
    end = begin + len(answers["text"][0])
    inside = np.flatnonzero((spans[:, 0] < end) & (spans[:, 1] > begin) & (spans[:, 0] >= 0))
    complete = len(inside) > 0 and spans[inside[0], 0] <= begin and spans[inside[-1], 1] >= end
    first, last = (inside[0], inside[-1]) if complete else (NOT_IN_WINDOW, NOT_IN_WINDOW)
    return {"start_positions": int(first), "end_positions": int(last)}


def _check(record: Record, place: str) -> None:
    answers = record["answers"]
    if not isinstance(answers, dict) or not answers.get("text") or "answer_start" not in answers:
        raise CorpusError(
            f"{place} has the answers {answers!r}; expected text and answer_start, one at least."
        )


def _cut(question: str, tokenizer: PreTrainedTokenizerFast, longest_tokens: int) -> str:
    """The beginning of a question that has at most so many tokens."""
    offsets = tokenizer(question, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    return question if len(offsets) <= longest_tokens else question[: offsets[longest_tokens - 1][1]]
