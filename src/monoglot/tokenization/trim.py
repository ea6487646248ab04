"""Trimming a tokenizer to the tokens that a text uses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from transformers import PreTrainedTokenizerFast

from monoglot.errors import SettingError
from monoglot.tokenization.carried import carried_tokens
from monoglot.tokenization.closure import ancestry, characters_of, least_token
from monoglot.tokenization.parts import Parts, family_of
from monoglot.tokenization.proof import batches, exact_ids
from monoglot.tokenization.surgery import (
    ids_of,
    merges_of,
    rebuild,
    scores_of,
    state_of,
    with_tokens,
)
from monoglot.tokenization.vocabulary import backend_of, plain_backend


@dataclass(frozen=True)
class TrimSettings:
    """Which tokens to keep; one rule at a time.

    Attributes:
        minimum_count: Keep tokens that occur at least so often: the rule if no other is given.
        vocabulary_size: Keep the most frequent tokens, so many in all.
        coverage: Keep the most frequent tokens that make up this share of the text's tokens.
        max_loss: Keep the most frequent tokens until at most this share of the held-out lines comes out
            differently.
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
) -> Trimmed:
    """Drop the tokens that a text doesn't need; the others keep their order.

    Text whose tokens are all kept is segmented as before. Besides the tokens that the rule asks for, these
    stay: special and other carried tokens (see ``carried``), the tokens that kept ones are merged from, and a
    token for every character that occurs in the counted text.

    One exception: a word that a WordPiece tokenizer can't spell may come out in pieces afterwards, because a
    token that led into the dead end is gone.

    Args:
        source: The tokenizer to trim.
        counts: How often each of its tokens occurs; sums over several texts may be weighted.
        settings: The rule.
        held_out: Lines to measure the loss on, for ``max_loss``.

    Raises:
        SettingError: If what must stay is more than the size asked for, or there are no held-out lines.
    """
    order, required = admission(source, counts)
    if settings.vocabulary_size is not None and not required <= settings.vocabulary_size <= len(order):
        raise SettingError(
            f"with this text, the tokenizer can be trimmed to between {required} and {len(order)} tokens; "
            f"{settings.vocabulary_size} were asked for"
        )
    if settings.vocabulary_size is not None:
        size = settings.vocabulary_size
    elif settings.max_loss is not None:
        size = _size_for_loss(source, order, held_out, settings.max_loss)
    else:
        size = _size_for_counts(np.array([counts[id] for id in order]), settings)
    return select_tokens(source, order[: max(size, required)])


def select_tokens(source: PreTrainedTokenizerFast, source_ids: Iterable[int]) -> Trimmed:
    """Keep exactly these tokens, in ascending order, and the merges between them.

    Raises:
        TokenizerError: If the tokenizer can't do without a token that is not among them.
    """
    state = state_of(source)
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


def admission(
    source: PreTrainedTokenizerFast,
    counts: Int64[np.ndarray, " source"] | Float64[np.ndarray, " source"],
) -> tuple[list[int], int]:
    """Give the order in which tokens are let in: first what must stay, then the more frequent ones first.

    What a token is merged from stands before it, so any beginning of the order is a valid vocabulary. Of the
    tokens that never occur, those spelled in characters that do occur come first.

    Returns:
        The source ids, and how many at the head must stay.
    """
    state = state_of(source)
    ids = ids_of(state)
    backend = backend_of(source)
    family = family_of(backend, Parts.of(backend))
    needs = ancestry(state)
    used = [text for text, id in ids.items() if counts[id] > 0]
    must = [*carried_tokens(source, state, family), *characters_of(state, family, used), *least_token(state)]
    characters = set("".join(used))
    by_count = sorted(ids, key=lambda text: (-counts[ids[text]], not characters.issuperset(text), ids[text]))
    order: dict[str, None] = {}
    for text in must:
        order |= dict.fromkeys([*needs(text), text])
    required = len(order)
    for text in by_count:
        if text not in order:
            order |= dict.fromkeys([*needs(text), text])
    return [ids[text] for text in order], required


def _size_for_counts(
    counts: Int64[np.ndarray, " order"] | Float64[np.ndarray, " order"], settings: TrimSettings
) -> int:
    """How many tokens of the order reach the coverage, or occur often enough."""
    if settings.coverage is None:
        often = np.flatnonzero(counts >= settings.minimum_count)
        return int(often[-1]) + 1 if len(often) else 0
    covered = np.cumsum(counts, dtype=np.float64)
    return int(np.searchsorted(covered, settings.coverage * covered[-1])) + 1


def _size_for_loss(
    source: PreTrainedTokenizerFast, order: list[int], held_out: Iterable[str], max_loss: float
) -> int:
    """The smallest size with which all but so many lines have all their tokens."""
    place = np.zeros(max(order) + 1, dtype=np.int64)
    place[order] = np.arange(1, len(order) + 1)
    backend = plain_backend(source)
    needed = [
        int(place[ids].max(initial=0)) for batch in batches(held_out) for ids in exact_ids(backend, batch)
    ]
    if not needed:
        raise SettingError("max_loss is measured on held-out lines, got none; give some")
    may_change = int(max_loss * len(needed))
    return 0 if may_change == len(needed) else sorted(needed, reverse=True)[may_change]
