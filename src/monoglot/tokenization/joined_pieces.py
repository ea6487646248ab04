"""Candidates for new tokens: pieces of a vocabulary that are neighbors in the words of a text, joined."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain

import numpy as np
from jaxtyping import Int64

from monoglot.tokenization.tokenizer_json import State, ids_of, model_alone, splits_digits
from monoglot.tokenization.vocabulary import Vocabulary

MOST_PIECES = 8
"""The most pieces that are joined: words of more are rare."""
MOST_CHARACTERS_OF_A_TOKEN = 24
LEAST_COUNT_OF_A_CANDIDATE = 5
MOST_CANDIDATES = 40_000


class PieceKind(IntEnum):
    """What a piece is written in; only pieces of one kind are joined, as SentencePiece does it."""

    NEVER = 0
    """Special tokens, bytes, and pieces of several kinds."""
    LETTERS = 1
    DIGITS = 2
    OTHER = 3


@dataclass(frozen=True)
class Segmented:
    """Words in the pieces of a vocabulary.

    Attributes:
        ids: The pieces of all words, one after the other.
        word_of: The word of each piece, ascending.
        weights: How often the text has each word.
    """

    ids: Int64[np.ndarray, " pieces"]
    word_of: Int64[np.ndarray, " pieces"]
    weights: Int64[np.ndarray, " words"]

    def uses(self, size: int) -> Int64[np.ndarray, " size"]:
        """How often the text has each piece."""
        return np.bincount(self.ids, self.weights[self.word_of], size).astype(np.int64)

    @property
    def text_tokens(self) -> int:
        """How many pieces the text has."""
        return int(self.weights[self.word_of].sum())


def segment_words(state: State, words: Mapping[str, int]) -> Segmented:
    """Segment words, as they reach the tokenizer's model, by the model alone.

    Args:
        state: The tokenizer.json.
        words: Count of each word.
    """
    segment = model_alone(state).model.tokenize
    rows = [[token.id for token in segment(word)] for word in words]
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    ids = np.fromiter(chain.from_iterable(rows), np.int64, int(lengths.sum()))
    weights = np.fromiter(words.values(), np.int64, len(words))
    return Segmented(ids, np.repeat(np.arange(len(rows)), lengths), weights)


def joined_pieces(
    segmented: Segmented, state: State, vocabulary: Vocabulary, most: int = MOST_CANDIDATES
) -> dict[str, int]:
    """Give the joined neighbors within words, those that could save most first, with their counts.

    A join of n pieces saves up to n − 1 tokens wherever it occurs. Time is linear in the distinct words.

    Args:
        segmented: The words.
        state: The tokenizer.json whose pieces they consist of.
        vocabulary: Its vocabulary.
        most: How many to give.
    """
    text_of = {id: text for text, id in ids_of(state).items()}
    prefix = state["model"].get("continuing_subword_prefix") or ""
    kinds = _kinds(vocabulary, with_digits=not splits_digits(state))
    ids, weights = segmented.ids, segmented.weights[segmented.word_of]
    found: dict[str, tuple[int, int]] = {}
    grams, starts = ids.copy(), np.arange(len(ids))
    for n in range(2, MOST_PIECES + 1):
        ends = starts + n - 1
        inside = ends < len(ids)
        grams, starts, ends = grams[inside], starts[inside], ends[inside]
        same = segmented.word_of[starts] == segmented.word_of[ends]
        same &= (kinds[ids[ends]] != PieceKind.NEVER) & (kinds[ids[ends]] == kinds[ids[starts]])
        grams, starts, ends = grams[same], starts[same], ends[same]
        if not len(grams):
            break
        keys = grams * (len(kinds) + 1) + ids[ends]
        unique, first, grams = np.unique(keys, return_index=True, return_inverse=True)
        counts = np.bincount(grams, weights[starts], len(unique)).astype(np.int64)
        often = counts >= LEAST_COUNT_OF_A_CANDIDATE
        for gram in np.flatnonzero(often):
            at = starts[first[gram]]
            pieces = [text_of[id] for id in ids[at : at + n].tolist()]
            text = pieces[0] + "".join(piece.removeprefix(prefix) for piece in pieces[1:])
            count, saved = found.get(text, (0, 0))
            found[text] = (count + int(counts[gram]), saved + int(counts[gram]) * (n - 1))
        going_on = often[grams]
        grams, starts = grams[going_on], starts[going_on]
    known = ids_of(state)
    fitting = {
        text: counted
        for text, counted in found.items()
        if text not in known and len(text) <= MOST_CHARACTERS_OF_A_TOKEN
    }
    best = sorted(fitting, key=lambda text: (-fitting[text][1], text))[:most]
    return {text: fitting[text][0] for text in best}


def _kinds(vocabulary: Vocabulary, *, with_digits: bool) -> Int64[np.ndarray, " size"]:
    """The kind of each piece; digits are never joined where the tokenizer keeps them apart."""
    kinds = np.zeros(vocabulary.size, np.int64)
    for token in vocabulary.tokens:
        if not (token.roles or token.is_byte or token.unreachable):
            kinds[token.id] = _kind(token.form.decode(errors="replace"))
    if not with_digits:
        kinds[kinds == PieceKind.DIGITS] = PieceKind.NEVER
    return kinds


def _kind(text: str) -> PieceKind:
    bare = text.strip(" ")
    if not bare:
        return PieceKind.LETTERS  # the sign for a space alone, before a word
    # Parts of characters, which can't be decoded, are joined as letters are.
    letters = [c == "\ufffd" or unicodedata.category(c)[0] in "LM" for c in bare]
    digits = [c.isdigit() for c in bare]
    if all(letters):
        return PieceKind.LETTERS
    if all(digits):
        return PieceKind.DIGITS
    return PieceKind.NEVER if any(letters) or any(digits) else PieceKind.OTHER


def scores_from_counts(candidates: Mapping[str, int], segmented: Segmented, state: State) -> dict[str, float]:
    """Give Unigram scores to candidates, on the scale of the source's.

    A score is a log probability. The source's count all its languages; the median difference between its
    scores and the log frequencies of the same pieces in this text is what the language's share is.

    Args:
        candidates: Count of each candidate.
        segmented: The words of the text.
        state: The tokenizer.json of the source.
    """
    vocabulary: list[tuple[str, float]] = state["model"]["vocab"]
    uses = segmented.uses(len(vocabulary))
    total = max(1, segmented.text_tokens)
    reliable = np.flatnonzero(uses >= min(100, uses.max(initial=0)))
    differences = [vocabulary[id][1] - np.log(uses[id] / total) for id in reliable.tolist() if uses[id]]
    shift = float(np.median(differences)) if differences else 0.0
    return {text: float(np.log(count / total)) + shift for text, count in candidates.items()}
