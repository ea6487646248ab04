"""How a tokenizer's model segments the text of a token that it does not have."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

from transformers import PreTrainedTokenizerFast

from monoglot.tokenization.extend import best_split
from monoglot.tokenization.merges import ranks_of, segment
from monoglot.tokenization.tokenizer_json import Merge, State, ids_of, merges_of, scores_of, state_of


class Split(Protocol):
    """How the text of a token is segmented where the token itself is not in the vocabulary."""

    def __call__(self, text: str, removed: Collection[str]) -> tuple[str, ...]:
        """Give the pieces, without those removed; by merges, those are given all the same."""


def unigram_split(scores: Mapping[str, float]) -> Split:
    """Segment by the highest sum of scores, in two or more pieces."""
    return lambda text, removed: best_split(text, scores, removed)[1]


def wordpiece_split(known: Collection[str], prefix: str) -> Split:
    """Segment by the longest match from the left, in two or more pieces."""

    def split(text: str, removed: Collection[str]) -> tuple[str, ...]:
        mark = prefix if text.startswith(prefix) else ""
        rest, pieces = text[len(mark) :], []
        while rest:
            for end in range(len(rest), 0, -1):
                piece = mark + rest[:end]
                if piece != text and piece in known and piece not in removed:
                    break
            else:
                return ()
            pieces.append(piece)
            rest, mark = rest[end:], prefix
        return tuple(pieces)

    return split


def bpe_split(merges: Iterable[Merge]) -> Split:
    """Undo the first merge that makes a token: two pieces, which need not be those that a text would have.

    Where several merges make it, the tokenizer may come to another of them (see `segment_own_tokens`).
    """
    parts: dict[str, Merge] = {}
    for pair in merges:
        parts.setdefault("".join(pair), pair)
    return lambda text, removed: parts.get(text, ())


def split_of(
    state: State,
    *,
    new: Collection[str] = (),
    scores: Mapping[str, float] | None = None,
    merges: Iterable[Merge] | None = None,
) -> Split:
    """Give the way in which a tokenizer segments a token that it does not have.

    Args:
        state: Its tokenizer.json.
        new: Tokens that it has besides.
        scores: Scores of all tokens of a Unigram model, if there are others than its own.
        merges: All merges of a BPE model, if there are others than its own.
    """
    kind = state["model"]["type"]
    if kind == "BPE":
        return bpe_split(merges_of(state) if merges is None else merges)
    if kind == "Unigram":
        return unigram_split(scores_of(state) if scores is None else scores)
    return wordpiece_split(ids_of(state).keys() | set(new), state["model"]["continuing_subword_prefix"])


def segment_own_tokens(tokenizer: PreTrainedTokenizerFast) -> Callable[[int], tuple[int, ...]]:
    """Make the function that gives the pieces of a token as if the tokenizer did not have that one token.

    Args:
        tokenizer: The tokenizer.

    Returns:
        A function from the id of a token to the ids of its pieces; none where the token can't be divided.
    """
    state = state_of(tokenizer)
    ids = ids_of(state)
    texts = {id: text for text, id in ids.items()}
    if state["model"]["type"] == "BPE":
        ranks = ranks_of(merges_of(state))

        def pieces_of(text: str) -> Sequence[str]:
            return segment(text, ranks, without=text)[0]
    else:
        split = split_of(state)

        def pieces_of(text: str) -> Sequence[str]:
            return split(text, ())

    def divide(id: int) -> tuple[int, ...]:
        pieces = [ids.get(piece) for piece in pieces_of(texts[id])]
        # A character that is no token would be read as bytes or as unknown: that is another text.
        known = tuple(piece for piece in pieces if piece is not None)
        return known if len(known) == len(pieces) > 1 else ()

    return divide
