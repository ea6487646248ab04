"""BPE that merges within words only: each distinct word of a text is encoded once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain

from tokenizers import Tokenizer, models

from monoglot.tokenization.cutting import without_added_tokens, without_habits
from monoglot.tokenization.parts import Parts, replacement_of
from monoglot.tokenization.sentencepiece_proto import Encode

MOST_WORDS = 500_000
LONGEST_WORD_CHARACTERS = 32
MOST_CROSSING_TOKENS = 100
MARKER = "▁"


def word_encoder(tokenizer: Tokenizer, exact: Encode) -> Encode | None:
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
    is_hard = _hard_lines([text.replace(MARKER, " ") for text in crossing], added).search
    begin, go_on = without_added_tokens(tokenizer), without_habits(tokenizer, parts)
    known: dict[str, tuple[int, ...]] = {}

    def encode_words(words: list[str]) -> dict[str, tuple[int, ...]]:
        """Encode words, those after others with the space in front of them."""
        ids: dict[str, tuple[int, ...]] = {}  # the garbage collector looks into lists again and again
        for encoder, is_later in ((begin, False), (go_on, True)):
            chosen = [word for word in words if (word[:1] == " ") == is_later]
            rows = encoder.encode_batch_fast(chosen, add_special_tokens=False)
            ids |= zip(chosen, (tuple(row.ids) for row in rows), strict=True)
        return ids

    def encode(lines: list[str]) -> list[list[int]]:
        hard = [is_hard(line) is not None for line in lines]
        whole = iter(exact([line for line, is_so in zip(lines, hard, strict=True) if is_so]))
        # Only hard lines can have a NUL of their own.
        easy = [line for line, is_so in zip(lines, hard, strict=True) if not is_so]
        cut = [line.replace(" ", "\0 ").split("\0") for line in easy]
        words = dict.fromkeys(chain.from_iterable(cut))
        fresh = encode_words([word for word in words if word not in known])
        found = {word: fresh[word] if word in fresh else known[word] for word in words}
        if len(known) < MOST_WORDS:  # the frequent ones come early
            known.update((word, ids) for word, ids in fresh.items() if len(word) < LONGEST_WORD_CHARACTERS)
        joined = (list(chain.from_iterable(map(found.__getitem__, pieces))) for pieces in cut)
        return [next(whole if is_so else joined) for is_so in hard]

    return encode


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
