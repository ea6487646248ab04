"""BPE that merges within words only: each distinct word of a text is encoded once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from jaxtyping import Int64
from tokenizers import Tokenizer, models

from monoglot.tokenization.cutting import without_added_tokens, without_habits
from monoglot.tokenization.parts import Parts, replacement_of
from monoglot.tokenization.sentencepiece_proto import Encode

MOST_WORDS = 500_000
LONGEST_WORD_CHARACTERS = 32
MOST_CROSSING_TOKENS = 100
MARKER = "▁"


@dataclass(frozen=True)
class WordEncoder:
    """Encodes lines word by word.

    Attributes:
        exact: The tokenizer's own encoder, for hard lines.
        is_hard: Finds in a line what words can't be told apart for.
        begin: Encodes the first word of a line.
        go_on: Encodes the others, each with the space before it.
        known: Words that were encoded.
    """

    exact: Encode
    is_hard: re.Pattern[str]
    begin: Tokenizer
    go_on: Tokenizer
    known: dict[str, tuple[int, ...]] = field(default_factory=dict, repr=False)

    def __call__(self, lines: list[str]) -> list[list[int]]:
        """Encode lines."""
        hard = [self.is_hard.search(line) is not None for line in lines]
        whole = iter(self.exact([line for line, is_so in zip(lines, hard, strict=True) if is_so]))
        cut = [words_of(line) for line, is_so in zip(lines, hard, strict=True) if not is_so]
        words = dict.fromkeys(chain.from_iterable(cut))
        fresh = self.encode_words([word for word in words if word not in self.known])
        found = {word: fresh[word] if word in fresh else self.known[word] for word in words}
        if len(self.known) < MOST_WORDS:  # the frequent ones come early
            short = {word: ids for word, ids in fresh.items() if len(word) < LONGEST_WORD_CHARACTERS}
            self.known.update(short)
        joined = (list(chain.from_iterable(map(found.__getitem__, pieces))) for pieces in cut)
        return [next(whole if is_so else joined) for is_so in hard]

    def count(self, batches: Iterable[list[str]], size: int) -> Int64[np.ndarray, " size"]:
        """Count how often lines use each token; each distinct word is encoded once.

        Args:
            batches: The lines, some at a time.
            size: Number of ids.
        """
        counts = np.zeros(size, np.int64)
        words: Counter[str] = Counter()
        for lines in batches:
            hard = [self.is_hard.search(line) is not None for line in lines]
            whole = self.exact([line for line, is_so in zip(lines, hard, strict=True) if is_so])
            _add(counts, whole, [1] * len(whole))
            for line, is_so in zip(lines, hard, strict=True):
                if not is_so:
                    words.update(words_of(line))
            if len(words) > MOST_WORDS:
                self._add_words(counts, words)
                words.clear()
        self._add_words(counts, words)
        return counts

    def encode_words(self, words: list[str]) -> dict[str, tuple[int, ...]]:
        """Encode words, those after others with the space in front of them."""
        ids: dict[str, tuple[int, ...]] = {}  # the garbage collector looks into lists again and again
        for encoder, is_later in ((self.begin, False), (self.go_on, True)):
            chosen = [word for word in words if (word[:1] == " ") == is_later]
            rows = encoder.encode_batch_fast(chosen, add_special_tokens=False)
            ids |= zip(chosen, (tuple(row.ids) for row in rows), strict=True)
        return ids

    def _add_words(self, counts: Int64[np.ndarray, " size"], words: Counter[str]) -> None:
        found = self.encode_words(list(words))
        _add(counts, found.values(), [words[word] for word in found])


def words_of(line: str) -> list[str]:
    """The words of a line that is not hard, all but the first with the space before them."""
    return line.replace(" ", "\0 ").split("\0")  # only hard lines can have a NUL of their own


def _add(counts: Int64[np.ndarray, " size"], rows: Collection[Sequence[int]], times: Sequence[int]) -> None:
    """Add rows of ids to counts, each so many times."""
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    ids = np.fromiter(chain.from_iterable(rows), np.int64, int(lengths.sum()))
    np.add.at(counts, ids, np.repeat(np.array(times, np.int64), lengths))


def word_encoder(tokenizer: Tokenizer, exact: Encode) -> WordEncoder | None:
    """Build an encoder that looks words up, for SentencePiece BPE tokenizers, whose words are a whole line.

    Such a tokenizer looks through a whole line for each merge. But no merge crosses the beginning of a word
    unless a token has ``▁`` behind another character. So the words of a line can be encoded one by one, with
    the same result. What the argument does not cover is left to ``exact``: lines with such a token, an added
    token, a run of spaces or a ``▁`` of their own.

    Args:
        tokenizer: The tokenizer to imitate.
        exact: Its own encoder.

    Returns:
        The encoder, or ``None`` for tokenizers of another kind.
    """
    parts = Parts.of(tokenizer)
    vocabulary = tokenizer.get_vocab(with_added_tokens=False)
    crossing = [text for text in vocabulary if MARKER in text.lstrip(MARKER)]
    if not _merges_within_words(tokenizer, parts) or MARKER not in vocabulary:
        return None
    if len(crossing) > MOST_CROSSING_TOKENS:
        return None
    added = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
    is_hard = _hard_lines([text.replace(MARKER, " ") for text in crossing], added)
    return WordEncoder(exact, is_hard, without_added_tokens(tokenizer), without_habits(tokenizer, parts))


def _merges_within_words(tokenizer: Tokenizer, parts: Parts) -> bool:
    """Whether a tokenizer is a plain BPE around which nothing looks further than a word."""
    model = tokenizer.model
    if not isinstance(model, models.BPE) or model.dropout or model.ignore_merges:
        return False
    if model.end_of_word_suffix or model.continuing_subword_prefix or replacement_of(parts) != MARKER:
        return False
    to_marker = {"type": "Replace", "pattern": {"String": " "}, "content": MARKER}
    prepend = {"type": "Prepend", "prepend": MARKER}
    if any(step not in (to_marker, prepend) for step in parts.normalizer):
        return False
    return all(
        step["type"] == "Metaspace"
        # Gemma splits at spaces when none is left.
        or (step["type"] == "Split" and to_marker in parts.normalizer and step["pattern"] == {"String": " "})
        or (step["type"] == "Split" and step["pattern"] == {"String": MARKER}
            and step["behavior"] == "MergedWithNext" and not step["invert"])
        for step in parts.pre_tokenizer
    )  # fmt: skip


def _hard_lines(crossing: Iterable[str], added: Iterable[str]) -> re.Pattern[str]:
    """A pattern that every line has in which a token may cross the beginning of a word."""
    begun = dict.fromkeys(text[:2] for text in added)  # an added token is near where two characters are
    texts = ["\0", MARKER, "  ", *crossing, *begun]
    return re.compile("^ |" + "|".join(map(re.escape, texts)))
