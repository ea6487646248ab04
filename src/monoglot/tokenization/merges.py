"""How a BPE vocabulary is trimmed without breaking merges: which other tokens a token needs.

A token of a BPE model is made by a merge of two others, and these by merges of theirs. Keeping a token means
keeping its `ancestry`; then every text that uses it is segmented as before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import pairwise
from operator import itemgetter

from tokenizers import pre_tokenizers

from monoglot.tokenization.parts import Family
from monoglot.tokenization.tokenizer_json import Merge, State, ids_of, merges_of

_NEWLINES = "Ċč"


def segment(text: str, ranks: Mapping[Merge, int], *, without: str = "") -> tuple[list[str], list[str]]:
    """Segment one word by byte-pair encoding: the lowest rank first, the leftmost of equal pairs first.

    Args:
        text: The word, written in the characters of the vocabulary.
        ranks: Rank of each merge.
        without: A token that is not made, whatever pair it is made of.

    Returns:
        The tokens of the word, and every token that was made on the way, characters included.
    """
    symbols = list(text)
    made = list(symbols)
    while len(symbols) > 1:
        found = [
            (ranks[pair], place)
            for place, pair in enumerate(pairwise(symbols))
            if pair in ranks and "".join(pair) != without
        ]
        if not found:
            break
        _, place = min(found)
        joined = symbols[place] + symbols[place + 1]
        symbols[place : place + 2] = [joined]
        made.append(joined)
    return symbols, made


def ranks_of(merges: Iterable[Merge]) -> dict[Merge, int]:
    """Give the rank of each merge."""
    return {merge: rank for rank, merge in enumerate(merges)}


def ancestry(state: State) -> Callable[[str], list[str]]:
    """Give the function that tells, for a token, all tokens without which the model can't make it.

    For BPE these are the tokens made on the way from characters to the token, each before those made of it.
    The merges within a token's span are the same wherever it occurs, because no merge across its borders
    came first. In Unigram and WordPiece a token stands for itself.
    """
    if state["model"]["type"] != "BPE":
        return lambda text: []
    ranks = ranks_of(merges_of(state))
    ids = ids_of(state)
    return lambda text: [token for token in segment(text, ranks)[1] if token in ids and token != text]


def characters_of(state: State, family: Family, texts: Iterable[str], known: Collection[str]) -> list[str]:
    """Give the tokens of single characters that make up these tokens.

    Only those that are known to the vocabulary. Byte-level tokens are written in bytes, all 256 of them.
    """
    if reads_bytes(state):
        return [byte for byte in sorted(pre_tokenizers.ByteLevel.alphabet()) if byte in known]
    if family is not Family.WORDPIECE:
        return [character for character in sorted(set("".join(texts))) if character in known]
    prefix = state["model"]["continuing_subword_prefix"]
    found = set()
    for text in texts:
        bare = text.removeprefix(prefix)
        first = prefix if bare != text else ""
        found |= {first + character for character in bare[:1]}
        found |= {prefix + character for character in bare[1:]}
    return sorted(found.intersection(known))


def reads_bytes(state: State) -> bool:
    """Tell whether text reaches the model as bytes: byte-level BPE, and Unigram behind the same step."""
    step = state.get("pre_tokenizer") or {}
    return any(inner["type"] == "ByteLevel" for inner in step.get("pretokenizers", [step]) if inner)


def line_ends_of(state: State, texts: Iterable[str]) -> list[str]:
    """Give the tokens that these become where a line ends, such as ``.Ċ``.

    A corpus that is read line by line can't show them. Only where text is written in bytes there are such
    tokens: others treat newlines apart.
    """
    if not reads_bytes(state):
        return []
    before = set(texts)
    return [text for text in ids_of(state) if (bare := text.rstrip(_NEWLINES)) != text and bare in before]


def least_token(state: State) -> list[str]:
    """Give the token with the lowest score of a Unigram model: the score of ``<unk>`` is counted from it."""
    return [min(state["model"]["vocab"], key=itemgetter(1))[0]] if state["model"]["type"] == "Unigram" else []
