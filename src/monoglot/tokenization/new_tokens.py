"""Chooses the tokens of a language that are worth adding to a vocabulary, by what each of them saves.

All candidates are added at first; then those that save least are removed, some at a time, and what the others
save is counted again: a token whose longer or shorter neighbor is removed saves more than before (backward
elimination). What is left at each size is the vocabulary of that size, so one elimination gives all sizes.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int64

from monoglot.tokenization.extend import above_their_parts, extended_scores, joining_merges
from monoglot.tokenization.joined_pieces import Segmented, joined_pieces, scores_from_counts, segment_words
from monoglot.tokenization.splits import Split, split_of
from monoglot.tokenization.tokenizer_json import Merge, State, ids_of, with_tokens
from monoglot.tokenization.vocabulary import Vocabulary

REMOVED_SHARE = 0.3
"""Of the candidates, at most this share is removed before the others are counted again."""


@dataclass(frozen=True)
class NewToken:
    """A token that a vocabulary gets, and what it saves.

    Attributes:
        text: The token, as the vocabulary spells it.
        count: How often the text has it.
        saved_tokens: How many tokens more the text would have without it, with all other chosen ones.
    """

    text: str
    count: int
    saved_tokens: int


@dataclass(frozen=True)
class Candidates:
    """Tokens that could be added to a vocabulary, and how their model would make them.

    Attributes:
        state: The tokenizer.json that they would be added to.
        tokens: The candidates, in the order of the tokenizer that they come from.
        scores: For a Unigram model, the score of every token, old and new.
        merges: For a BPE model, all merges, old and new.
    """

    state: State
    tokens: tuple[str, ...]
    scores: Mapping[str, float] | None = None
    merges: Sequence[Merge] | None = None

    @staticmethod
    def of_language(
        state: State, language: State, wanted: Iterable[str], unwanted: Collection[str] = ()
    ) -> Candidates:
        """Take tokens of a tokenizer that was trained on the language.

        Args:
            state: The tokenizer.json that they would be added to.
            language: The tokenizer.json of the language.
            wanted: The tokens, as `candidate_tokens` gives them.
            unwanted: Tokens that are not to be added.
        """
        tokens = [text for text in wanted if text not in unwanted]
        unigram = state["model"]["type"] == "Unigram"
        scores = extended_scores(state, language, tokens) if unigram else None
        return Candidates._of(state, tokens, scores, unwanted)

    @staticmethod
    def of_words(
        state: State, vocabulary: Vocabulary, segmented: Segmented, unwanted: Collection[str] = ()
    ) -> Candidates:
        """Join the pieces that stand side by side in words.

        Args:
            state: The tokenizer.json that they would be added to.
            vocabulary: Its vocabulary.
            segmented: The words of the text in its tokens.
            unwanted: Tokens that are not to be added.
        """
        joined = joined_pieces(segmented, state, vocabulary)
        joined = {text: count for text, count in joined.items() if text not in unwanted}
        scores = None
        if state["model"]["type"] == "Unigram":
            scores = above_their_parts(state, scores_from_counts(joined, segmented, state))
        return Candidates._of(state, list(joined), scores, unwanted)

    @staticmethod
    def _of(
        state: State,
        tokens: list[str],
        scores: Mapping[str, float] | None,
        unwanted: Collection[str] = (),
    ) -> Candidates:
        if state["model"]["type"] != "BPE":
            return Candidates(state, tuple(tokens), scores=scores)
        new, merges = joining_merges(state, tokens, sys.maxsize, frozenset(unwanted))
        return Candidates(state, tuple(new), merges=tuple(merges))

    @property
    def split(self) -> Split:
        """How the tokenizer with all candidates segments one of them, if that is removed."""
        return split_of(self.state, new=self.tokens, scores=self.scores, merges=self.merges)

    def with_new(self, new: Sequence[str]) -> State:
        """Give the tokenizer.json with some of the candidates, after the ids of its own tokens.

        Args:
            new: The candidates; in BPE, each with all those that it is merged from.
        """
        old = ids_of(self.state)
        first = max(old.values(), default=-1) + 1
        ids = old | {text: id for id, text in enumerate(new, start=first)}
        merges = None
        if self.merges is not None:
            merges = [pair for pair in self.merges if {*pair, "".join(pair)} <= ids.keys()]
        return with_tokens(self.state, ids, scores=self.scores, merges=merges)


@dataclass
class Elimination:
    """Candidates that are removed step by step, and a text in the tokens that are left.

    One step costs time proportional to the words that have a removed token, so that all steps together are
    linear in the distinct words of the text.

    Attributes:
        candidates: The tokens.
        split: How their family segments a token that it does not have.
        words: Count of each word, as it reaches the tokenizer's model.
        source_tokens: How many tokens the text has without candidates.
        alive: The candidates that are left.
        removed: The others, with what they saved, in the order of removal.
    """

    candidates: Candidates
    split: Split
    words: Mapping[str, int]
    source_tokens: int
    alive: list[str] = field(init=False)
    removed: list[NewToken] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        old = ids_of(self.candidates.state)
        self._ids = {text: id for id, text in enumerate([*old, *self.candidates.tokens])}
        self._spelled = list(self.words)
        self._weights = np.fromiter(self.words.values(), np.int64, len(self.words))
        self._splits: dict[str, tuple[str, ...]] = {}
        self._gone: set[str] = set()
        self._removals: list[tuple[int, Int64[np.ndarray, " words"]]] = []
        self.alive = list(self.candidates.tokens)
        self._tokens, self._word_of = self._encoded(np.arange(len(self._spelled)))

    @property
    def text_tokens(self) -> int:
        """How many tokens the text has now."""
        return self._total(self._word_of)

    @property
    def saved_share(self) -> float:
        """Share of the text's tokens that the candidates that are left save."""
        return 1 - self.text_tokens / max(1, self.source_tokens)

    def priced(self) -> list[NewToken]:
        """Give the candidates that are left with what they save, the most first."""
        uses = np.bincount(self._tokens, self._weights[self._word_of], len(self._ids)).astype(np.int64)
        priced = [self._price(text, int(uses[self._ids[text]])) for text in self.alive]
        return sorted(priced, key=lambda token: -token.saved_tokens)

    def remove(self, tokens: Sequence[NewToken]) -> None:
        """Remove candidates, and segment the words that had them anew."""
        texts = {token.text for token in tokens}
        self._gone |= texts
        self.alive = [text for text in self.alive if text not in texts]
        self._splits = {
            text: pieces
            for text, pieces in self._splits.items()
            if text not in texts and texts.isdisjoint(pieces)
        }
        ids = [self._ids[text] for text in texts]
        words = np.unique(self._word_of[np.isin(self._tokens, ids)])
        self._removals.append((len(self.removed), words))
        self.removed += tokens
        self._encode_anew(words)

    def put_back(self, number: int) -> None:
        """Take in again as many of the removed candidates, the last first.

        A word that no removal since then changed is in tokens that were never taken away: it stays as it is.
        """
        stay = len(self.removed) - number
        texts = [token.text for token in reversed(self.removed[stay:])]
        self._gone -= set(texts)
        self.alive += texts
        self.removed = self.removed[:stay]
        self._splits = {}
        changed = [np.zeros(0, np.int64)]
        while self._removals and self._removals[-1][0] >= stay:
            changed.append(self._removals.pop()[1])
        if number and self._removals:
            changed.append(self._removals[-1][1])  # a part of that one is put back
        self._encode_anew(np.unique(np.concatenate(changed)))

    def removable(self, priced: Iterable[NewToken]) -> Iterator[NewToken]:
        """Give those that no other candidate is merged from, the one that saves least first."""
        merges = self.candidates.merges or ()
        alive = set(self.alive)
        needed = {part for pair in merges if "".join(pair) in alive for part in pair}
        return (token for token in reversed(list(priced)) if token.text not in needed)

    def _price(self, text: str, count: int) -> NewToken:
        if not count:  # as of a third of the candidates at first; it saves nothing, however it is split
            return NewToken(text, 0, 0)
        if text not in self._splits:
            self._splits[text] = self.split(text, self._gone)
        return NewToken(text, count, count * max(0, len(self._splits[text]) - 1))

    def _encoded(
        self, words: Int64[np.ndarray, " words"]
    ) -> tuple[Int64[np.ndarray, " tokens"], Int64[np.ndarray, " tokens"]]:
        """Segment some words: all tokens in one row, and the word of each."""
        state = self.candidates.with_new(self.alive)
        some = segment_words(state, {self._spelled[word]: 1 for word in words.tolist()})
        ids = ids_of(state)
        everywhere = np.zeros(max(ids.values()) + 1, np.int64)
        everywhere[list(ids.values())] = [self._ids[text] for text in ids]
        return everywhere[some.ids], words[some.word_of]

    def _encode_anew(self, words: Int64[np.ndarray, " words"]) -> None:
        if not len(words):  # a tokenizer takes a tenth of a second to build
            return
        stay = ~np.isin(self._word_of, words)
        tokens_anew, words_anew = self._encoded(words)
        self._tokens = np.concatenate([self._tokens[stay], tokens_anew])
        self._word_of = np.concatenate([self._word_of[stay], words_anew])

    def _total(self, word_of: Int64[np.ndarray, " tokens"]) -> int:
        return int(self._weights[word_of].sum())


def parents_first(tokens: Iterable[NewToken], merges: Iterable[Merge]) -> list[NewToken]:
    """Keep the order, but put what a token is merged from before it."""
    by_text = {token.text: token for token in tokens}
    parts: dict[str, set[str]] = {}
    for pair in merges:
        if (made := "".join(pair)) in by_text:
            parts.setdefault(made, set()).update(part for part in pair if part in by_text)
    ordered: dict[str, NewToken] = {}
    for text in by_text:
        open_ = [text]
        while open_:
            needed = [part for part in sorted(parts.get(open_[-1], ())) if part not in ordered]
            if needed:
                open_.append(needed[0])
            else:
                done = open_.pop()
                ordered.setdefault(done, by_text[done])
    return list(ordered.values())
