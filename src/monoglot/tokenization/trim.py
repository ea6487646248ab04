"""Trims a tokenizer to the tokens that a text uses, and checks that segmentation stays the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from jaxtyping import Float64, Int64
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from monoglot.errors import SettingError
from monoglot.tokenization.selection import (
    NOTHING_KEPT,
    RetainedText,
    selection_order,
    until_all_are_in,
    until_covered,
    until_lines_are_whole,
)
from monoglot.tokenization.tokenizer_json import (
    State,
    ids_of,
    merges_of,
    rebuild,
    scores_of,
    state_of,
    with_tokens,
)
from monoglot.tokenization.vocabulary import plain_backend


@dataclass(frozen=True)
class TrimSettings:
    """Which tokens to keep; one rule at a time.

    Attributes:
        minimum_count: Keep tokens that occur at least so often: the rule if no other is given.
        vocabulary_size: Keep the most frequent tokens, so many in all.
        coverage: Keep the most frequent tokens that make up this share of the text's tokens.
        max_loss: Keep the most frequent tokens until at most this share of the held-out lines lacks some of
            its own.
    """

    minimum_count: float = 1
    vocabulary_size: int | None = None
    coverage: float | None = None
    max_loss: float | None = None

    def __post_init__(self) -> None:
        given = [n for n in ("vocabulary_size", "coverage", "max_loss") if getattr(self, n) is not None]
        if len(given) > 1:
            raise SettingError(f"trimming goes by one rule, got {' and '.join(given)}; leave out all but one")
        for name in given:
            value = getattr(self, name)
            if name != "vocabulary_size" and not 0 <= value <= 1:
                raise SettingError(f"{name} is a share between 0 and 1, was: {value}")


@dataclass(frozen=True)
class Trimmed:
    """A trimmed tokenizer, and where its tokens come from.

    Attributes:
        tokenizer: The tokenizer.
        kept_source_ids: The source id of each of its tokens, ascending.
    """

    tokenizer: PreTrainedTokenizerFast
    kept_source_ids: Int64[np.ndarray, " trimmed"]


def trim_tokenizer(
    source: PreTrainedTokenizerFast,
    counts: Int64[np.ndarray, " source"] | Float64[np.ndarray, " source"],
    settings: TrimSettings,
    held_out: Iterable[str] = (),
    line_weights: Sequence[float] | None = None,
    *,
    keep: RetainedText = NOTHING_KEPT,
    state: State | None = None,
) -> Trimmed:
    """Drop the tokens that a text doesn't need; the others keep their order.

    Text whose tokens are all kept is segmented as before. Besides the tokens that the rule asks for, these
    stay: special and other tokens that `retained_tokens` gives, the tokens that kept ones are merged from, a
    token for every character that occurs in the counted text, what its tokens become where a line ends, and
    the tokens of texts that are to be kept.

    One exception: a word for which a WordPiece tokenizer has no pieces may come out in pieces afterwards,
    because a token that led into the dead end is gone.

    Args:
        source: The tokenizer to trim.
        counts: How often each of its tokens occurs; sums over several texts may be weighted.
        settings: The rule.
        held_out: Lines to measure the loss on, for ``max_loss``.
        line_weights: How much each of them counts; by default all the same.
        keep: Texts that are segmented as before, and tokens that stay, whatever the counts.
        state: The tokenizer's parsed tokenizer.json, if it is at hand.

    Raises:
        SettingError: If what must stay is more than the size asked for, or there are no held-out lines.
    """
    state = state or state_of(source)
    required, others = selection_order(source, state, counts, keep.token_ids(source))
    if settings.vocabulary_size is not None:
        everything = len(ids_of(state))
        if settings.vocabulary_size > everything:
            raise SettingError(
                f"--vocabulary-size {settings.vocabulary_size} is more than the {everything} tokens that the "
                "tokenizer has: a trim adds none; give at most that many, or another --mode"
            )
        if settings.vocabulary_size < len(required):
            raise SettingError(
                f"--vocabulary-size {settings.vocabulary_size} leaves no room for the {len(required)} tokens "
                "that have to stay (special tokens, characters or bytes, prompts): give at least that many"
            )
        chosen: Iterator[int] = islice(others, settings.vocabulary_size - len(required))
    elif settings.max_loss is not None:
        lines = [frozenset(ids.tolist()) for ids in exact_ids(plain_backend(source), list(held_out))]
        chosen = until_lines_are_whole(required, others, lines, settings.max_loss, line_weights)
    elif settings.coverage is not None:
        chosen = until_covered(required, others, counts, settings.coverage)
    else:
        often = np.flatnonzero(counts >= settings.minimum_count)
        chosen = until_all_are_in(required, others, often.tolist())
    return _select(source, state, [*required, *chosen])


def select_tokens(source: PreTrainedTokenizerFast, source_ids: Iterable[int]) -> Trimmed:
    """Keep exactly these tokens, in ascending order, and the merges between them.

    Raises:
        TokenizerError: If the tokenizer can't do without a token that is not among them.
    """
    return _select(source, state_of(source), source_ids)


def _select(source: PreTrainedTokenizerFast, state: State, source_ids: Iterable[int]) -> Trimmed:
    text_of = {id: text for text, id in ids_of(state).items()}
    kept = sorted(source_ids)
    ids = {text_of[id]: new for new, id in enumerate(kept)}
    model = state["model"]
    scores = scores_of(state) if model["type"] == "Unigram" else None
    merges = None
    if model["type"] == "BPE":
        pairs = merges_of(state)
        merges = [pair for pair in pairs if pair[0] in ids and pair[1] in ids and "".join(pair) in ids]
    tokenizer = rebuild(source, with_tokens(state, ids, scores=scores, merges=merges))
    return Trimmed(tokenizer, np.array(kept, dtype=np.int64))


BATCH_LINES = 1_000
MOST_EXAMPLES = 5


@dataclass(frozen=True)
class SegmentationCheck:
    """How many lines two tokenizers segment alike.

    Attributes:
        lines: Lines that were compared.
        equal: Lines that come out as the same tokens.
        examples: Some of the others.
    """

    lines: int
    equal: int
    examples: tuple[str, ...]

    @property
    def share(self) -> float:
        """Share of lines that come out as the same tokens; 1 if there were no lines."""
        return self.equal / self.lines if self.lines else 1.0


def check_segmentation(
    source: PreTrainedTokenizerFast,
    trimmed: PreTrainedTokenizerFast,
    source_of: Int64[np.ndarray, " trimmed"],
    lines: Iterable[str],
) -> SegmentationCheck:
    """Compare the segmentation of every line, token by token.

    Args:
        source: The tokenizer that was trimmed.
        trimmed: What was left of it.
        source_of: The source id of each trimmed token; -1 for new ones.
        lines: The text.
    """
    old, new = plain_backend(source), plain_backend(trimmed)
    compared = equal = 0
    examples: list[str] = []
    for batch in batches(lines):
        ids = zip(exact_ids(old, batch), exact_ids(new, batch), strict=True)
        for line, (source_ids, trimmed_ids) in zip(batch, ids, strict=True):
            compared += 1
            if np.array_equal(source_ids, source_of[trimmed_ids]):
                equal += 1
            elif len(examples) < MOST_EXAMPLES:
                examples.append(line)
    return SegmentationCheck(compared, equal, tuple(examples))


def exact_ids(backend: Tokenizer, batch: list[str]) -> list[Int64[np.ndarray, " tokens"]]:
    """Encode some lines without special tokens around them."""
    encodings = backend.encode_batch_fast(batch, add_special_tokens=False)
    return [np.array(encoding.ids, dtype=np.int64) for encoding in encodings]


def batches(lines: Iterable[str]) -> Iterator[list[str]]:
    """Take so many lines at a time."""
    stream = iter(lines)
    while batch := list(islice(stream, BATCH_LINES)):
        yield batch
