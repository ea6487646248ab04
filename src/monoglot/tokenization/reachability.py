"""Which tokens of a vocabulary does no text ever become?

A token is out of reach if its tokenizer's model segments its own text otherwise (a merge is missing or comes
too late, shorter pieces have a better score, a longer match begins before it), or if no text that has its
characters reaches the model in one piece (the normalizer changes them, the pre-tokenizer splits them).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from monoglot.progress import SILENT, Progress
from monoglot.tokenization.parts import Token
from monoglot.tokenization.tokenizer_json import State, model_alone, state_of
from monoglot.tokenization.vocabulary import Vocabulary, plain_backend

BATCH_TOKENS = 10_000
MOST_LEADS = 40
"""Beginnings of a word that a continuation is tried behind: one of them may be part of a longer token."""


class Reach(StrEnum):
    """Whether some text becomes a token."""

    REACHED = "reached"
    NAMED = "special or added"
    BYTE = "byte"
    RESEGMENTED = "always segmented differently"
    CHANGED = "normalized or split away"


UNREACHED = (Reach.RESEGMENTED, Reach.CHANGED)
"""What keeps a token from every text."""


@dataclass(frozen=True)
class Reachability:
    """The tokens of a vocabulary, by whether some text becomes them.

    Attributes:
        tokens: All tokens.
        reach: Of each, in the same order.
    """

    tokens: Sequence[Token]
    reach: Sequence[Reach]

    def of(self, reach: Reach) -> list[Token]:
        """Give the tokens of one kind."""
        return [token for token, found in zip(self.tokens, self.reach, strict=True) if found is reach]


def reachability(
    tokenizer: PreTrainedTokenizerFast, vocabulary: Vocabulary, progress: Progress = SILENT
) -> Reachability:
    """Try every token of a vocabulary. O(tokens × length of a token).

    Parts of characters (in byte-level vocabularies) are tried with the model only.

    Args:
        tokenizer: The tokenizer.
        vocabulary: Its vocabulary.
        progress: Where to show how far it is.
    """
    backend = plain_backend(tokenizer)
    added = set(backend.get_added_tokens_decoder())
    reach = dict.fromkeys((token.id for token in vocabulary.tokens), Reach.REACHED)
    tried = []
    for token in vocabulary.tokens:
        if token.roles or token.id in added:
            reach[token.id] = Reach.NAMED
        elif token.is_byte:
            reach[token.id] = Reach.BYTE
        else:
            tried.append(token)
    state = state_of(tokenizer)
    with progress.task("trying tokens", len(tried)) as advance:
        for start in range(0, len(tried), BATCH_TOKENS):
            batch = tried[start : start + BATCH_TOKENS]
            for token in _changed(backend, batch, _prefix(state)):
                reach[token.id] = Reach.CHANGED
            advance(len(batch))
    whole = [token for token in tried if reach[token.id] is Reach.REACHED]
    for token in _resegmented(state, whole):
        reach[token.id] = Reach.RESEGMENTED
    return Reachability(vocabulary.tokens, [reach[token.id] for token in vocabulary.tokens])


def _prefix(state: State) -> str:
    """What marks a token that continues a word."""
    return str(state["model"].get("continuing_subword_prefix") or "")


def _resegmented(state: State, tokens: Sequence[Token]) -> Iterator[Token]:
    """Find the tokens that the model itself never gives, whatever is before and behind them.

    In the best segmentation of a text each part is segmented best (Unigram), and merges within a part are
    those that it has alone (BPE), so that the token's own text decides. WordPiece continues a word only
    behind its beginning.
    """
    model = model_alone(state)
    prefix = _prefix(state)
    alone = [token for token in tokens if not (prefix and token.text.startswith(prefix))]
    encoded = model.encode_batch_fast([token.text for token in alone], add_special_tokens=False)
    yield from (token for token, one in zip(alone, encoded, strict=True) if one.ids != [token.id])
    open_ = [token for token in tokens if prefix and token.text.startswith(prefix)]
    for lead in _leads(tokens, prefix):
        texts = [lead + token.text.removeprefix(prefix) for token in open_]
        encoded = model.encode_batch_fast(texts, add_special_tokens=False)
        open_ = [token for token, one in zip(open_, encoded, strict=True) if token.id not in one.ids[1:]]
    yield from open_


def _leads(tokens: Sequence[Token], prefix: str) -> list[str]:
    """Beginnings of words, the shortest first: single letters, then others spread over the vocabulary."""
    first = [token.text for token in tokens if not token.text.startswith(prefix) and token.text.isalpha()]
    first.sort(key=lambda text: (len(text), text))
    single = [text for text in first if len(text) == 1][: MOST_LEADS // 2]
    longer = first[len(single) :: max(1, len(first) // (MOST_LEADS // 2))]
    return (single + longer)[:MOST_LEADS] if prefix else []


def _changed(backend: Tokenizer, tokens: Sequence[Token], prefix: str) -> Iterator[Token]:
    """Find the tokens whose characters never reach the model in one piece."""
    for token in tokens:
        try:
            text = token.form.decode()
        except UnicodeDecodeError:
            continue  # part of a character: no text of its own to try
        written = token.text.removeprefix(prefix)
        inside = bool(prefix) and token.text.startswith(prefix)
        if not any(
            _has_piece(backend, context, written, inside=inside) for context in _contexts(token, text)
        ):
            yield token


def _contexts(token: Token, text: str) -> Iterator[str]:
    """Texts that could have a token, the likeliest first."""
    if token.word_start is not False:
        yield from (text, f" {text}", f"a {text}", f"a {text}a")
    if token.word_start is not True:
        yield from (f"a{text}", text, f"a{text}a", f"1{text}1", f"({text}", f"ا{text}")


def _has_piece(backend: Tokenizer, text: str, written: str, *, inside: bool) -> bool:
    """Whether a text reaches the model with the token's characters in one piece."""
    if backend.normalizer is not None:
        text = backend.normalizer.normalize_str(text)
    pieces = [text]
    if backend.pre_tokenizer is not None:
        pieces = [piece for piece, _ in backend.pre_tokenizer.pre_tokenize_str(text)]
    return any(written in (piece[1:] if inside else piece) for piece in pieces)
