"""Does a tokenizer know the language of a text, and is it that of another text? From segmentations alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from transformers import PreTrainedTokenizerFast

from monoglot.tokenization.scripts import COMMON, script_of
from monoglot.tokenization.vocabulary import plain_backend

ALPHABETS = frozenset({"Latin", "Cyrillic", "Greek", "Armenian", "Georgian"})
NOT_COMPARABLE = frozenset(
    {"Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar", "Hangul", "Tibetan"}
)
"""Scripts of long words between spaces, or of syllables: letters per token say little there."""
LEAST_LETTERS = 2.3
"""Letters per token of an alphabet. Languages that a model was trained on have 2.35 or more, others under an
English WordPiece vocabulary 2.25 or fewer (``benchmarks/known_language.py``)."""
LEAST_LETTERS_ELSEWHERE = 1.25
"""The same where vowels are not written, or not as letters: 1.65 and more, against 0.98 and fewer."""
LEAST_VOCABULARY = 6_000
"""A smaller vocabulary segments every language into short pieces, which all languages share."""
LEAST_TOKENS = 200
MOST_TOKENS = 30_000
LEAST_SHARED = 0.6
"""Of what two halves of a text share, text of another kind in the same language has .71 or more, that
of another language .49 or less (``benchmarks/known_language.py``)."""


@dataclass(frozen=True)
class LettersPerToken:
    """How long the pieces of a text are.

    Attributes:
        script: The script of most of its letters.
        letters: Letters per token, marks and unknown tokens not counted.
        least: What languages have that a model knows.
    """

    script: str
    letters: float
    least: float

    @property
    def is_known(self) -> bool:
        """Whether the language seems to be one that the tokenizer was made for, too."""
        return self.letters >= self.least


def letters_per_token(tokenizer: PreTrainedTokenizerFast, lines: Sequence[str]) -> LettersPerToken | None:
    """Measure how long the pieces of a text are, in the script of most of its letters.

    Args:
        tokenizer: The tokenizer.
        lines: The text.

    Returns:
        ``None`` where that says nothing: a text of few tokens, a small vocabulary, a script without alphabet.
    """
    letters = Counter(letter for line in lines for letter in line if letter.isalpha())
    scripts: Counter[str] = Counter()
    for letter, count in letters.items():
        scripts[script_of(letter)] += count
    del scripts[COMMON]
    if not scripts or len(tokenizer) < LEAST_VOCABULARY:
        return None
    (script, _), *_ = scripts.most_common(1)
    unknown = tokenizer.unk_token_id
    n_tokens = sum(id != unknown for ids in _segmented(tokenizer, lines) for id in ids)
    if script in NOT_COMPARABLE or n_tokens < LEAST_TOKENS:
        return None
    least = LEAST_LETTERS if script in ALPHABETS else LEAST_LETTERS_ELSEWHERE
    return LettersPerToken(script, letters.total() / n_tokens, least)


@dataclass(frozen=True)
class SharedTokens:
    """How much of a text is in tokens that another text has, too.

    Attributes:
        share: Of the text's characters, those in tokens that the other text has. Characters are counted since
            words of another language become short pieces, and most texts share these.
        within: The same between two halves of the other text.
    """

    share: float
    within: float

    @property
    def is_same_language(self) -> bool:
        """Whether the texts seem to be of one language."""
        return self.share >= LEAST_SHARED * self.within


def shared_tokens(
    tokenizer: PreTrainedTokenizerFast, known: Sequence[str], lines: Sequence[str]
) -> SharedTokens | None:
    """Compare a text with one that is known, by the tokens that occur in both.

    Args:
        tokenizer: The tokenizer.
        known: Lines that a model was made for.
        lines: Other lines.

    Returns:
        ``None`` where that says nothing: texts of few tokens, a small vocabulary.
    """
    if len(tokenizer) < LEAST_VOCABULARY:
        return None
    first = _running(tokenizer, known[::2])
    second = _running(tokenizer, known[1::2])
    text = _running(tokenizer, lines)
    if min(first.total(), second.total(), text.total()) < LEAST_TOKENS:
        return None
    return SharedTokens(_share(text, first, tokenizer), _share(second, first, tokenizer))


def _share(tokens: Counter[int], known: Collection[int], tokenizer: PreTrainedTokenizerFast) -> float:
    texts = tokenizer.convert_ids_to_tokens(list(tokens))
    characters = np.array([len(text) for text in texts]) * np.array(list(tokens.values()))
    return float(characters[np.isin(list(tokens), list(known))].sum() / characters.sum())


def _running(tokenizer: PreTrainedTokenizerFast, lines: Sequence[str]) -> Counter[int]:
    ids = (id for row in _segmented(tokenizer, lines) for id in row if id != tokenizer.unk_token_id)
    return Counter(islice(ids, MOST_TOKENS))


def _segmented(tokenizer: PreTrainedTokenizerFast, lines: Sequence[str]) -> list[list[int]]:
    encoded = plain_backend(tokenizer).encode_batch_fast(list(lines), add_special_tokens=False)
    return [encoding.ids for encoding in encoded]
