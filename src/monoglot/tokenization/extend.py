"""Adding the tokens of one tokenizer to another, so that text is really segmented into them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, pairwise
from math import inf
from statistics import median

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from monoglot.errors import SettingError, TokenizerError
from monoglot.tokenization.closure import ranks_of, segment
from monoglot.tokenization.parts import Parts, family_of
from monoglot.tokenization.spelling import METASPACE, byte_level_surface
from monoglot.tokenization.surgery import (
    Merge,
    State,
    ids_of,
    merges_of,
    rebuild,
    scores_of,
    state_of,
    with_tokens,
)
from monoglot.tokenization.token import Family
from monoglot.tokenization.vocabulary import Vocabulary, backend_of

# By how much the score of a new piece exceeds that of its parts, at least: enough to survive rounding.
_MARGIN = 1e-4


@dataclass(frozen=True)
class ExtendSettings:
    """How far to extend a tokenizer.

    Attributes:
        add_tokens: Number of tokens to add, everything counted.
    """

    add_tokens: int = 30_000

    def __post_init__(self) -> None:
        if self.add_tokens < 1:
            raise SettingError(f"add_tokens must be at least 1, was: {self.add_tokens}")


def extend_tokenizer(
    source: PreTrainedTokenizerFast, target: PreTrainedTokenizerFast, settings: ExtendSettings
) -> PreTrainedTokenizerFast:
    r"""Add the first so many tokens of a target tokenizer that the source lacks, after the source's own ids.

    They become part of the model, not added tokens, which would be cut out of the midst of other words:

    - **BPE**: each token gets merges that make it out of what the source makes of it, ranked after the
      source's merges. So a word is first segmented as before, and then its pieces are joined. Where a token
      is three or more pieces, the tokens in between are added too, and counted.
    - **Unigram**: the new pieces get the target's scores, shifted by the median difference between both
      scores of the pieces that both have. Scores are log probabilities; the source's share out the
      probability among many languages, so that the shift is about the logarithm of this language's share.
      New pieces thereby compete with the source's on its own scale and don't displace pieces of other
      languages. A few that would still lose to the parts they consist of, because those are frequent in
      other languages, are raised until they win.
    - **WordPiece**: the new pieces are entries; the longest match wins by itself.

    Args:
        source: The tokenizer to extend; its tokens keep their ids, so that old ids decode as before.
        target: A tokenizer of the same family, its most useful tokens first, as trained ones have them.
        settings: How many tokens to add.

    Raises:
        TokenizerError: If the tokenizers are of different families.
        SettingError: If the target has not so many tokens to add.
    """
    backend = backend_of(source)
    family, other = (family_of(t, Parts.of(t)) for t in (backend, backend_of(target)))
    if family is not other:
        raise TokenizerError(
            f"the source tokenizer is {family} and the target tokenizer {other}, but only tokens of the same "
            "family can be added; train the target from the source"
        )
    state = state_of(source)
    known = ids_of(state)
    wanted = _wanted(backend, family, known, target)
    merges: list[Merge] | None = None
    scores: Mapping[str, float] | None = None
    if state["model"]["type"] == "BPE":
        new, merges = _joined(state, list(wanted), settings.add_tokens)
    else:
        new = list(islice(wanted, settings.add_tokens))
        if family is Family.UNIGRAM:
            scores = _scores(state, state_of(target), new)
    if len(new) < settings.add_tokens:
        raise SettingError(
            f"the target tokenizer has {len(new)} tokens to add, {settings.add_tokens} were asked for; "
            "ask for fewer, or give a larger target tokenizer"
        )
    first = max(known.values()) + 1
    ids = known | {text: id for id, text in enumerate(new, start=first)}
    return rebuild(source, with_tokens(state, ids, scores=scores, merges=merges))


def _wanted(
    backend: Tokenizer, family: Family, known: Mapping[str, int], target: PreTrainedTokenizerFast
) -> Iterator[str]:
    """The target's ordinary tokens that the source lacks and doesn't cut before its model sees them."""
    added = target.added_tokens_decoder
    for token in Vocabulary.of(target).tokens:
        ordinary = not token.roles and not token.is_byte and token.id not in added
        if ordinary and token.text not in known and _survives(token.text, backend, family):
            yield token.text


def _survives(text: str, backend: Tokenizer, family: Family) -> bool:
    """Whether normalizer and pre-tokenizer leave a token whole."""
    spelled = text
    if family is Family.BYTE_LEVEL_BPE:
        try:
            text = byte_level_surface(spelled).decode()
        except UnicodeDecodeError:  # part of a character, which nothing cuts
            return True
    elif family is Family.WORDPIECE:
        text = spelled = spelled.removeprefix(backend.model.continuing_subword_prefix)
    else:
        text = spelled.replace(METASPACE, " ")
    if backend.normalizer is not None:
        text = backend.normalizer.normalize_str(text)
    pieces = backend.pre_tokenizer.pre_tokenize_str(text) if backend.pre_tokenizer else [(text, None)]
    return any(spelled in piece for piece, _ in pieces)


def _joined(state: State, wanted: list[str], most: int) -> tuple[list[str], list[Merge]]:
    """New tokens, those in between included, and all merges of the extended BPE model.

    A token that can't be made without a new merge into one of the source's tokens is left out: with such a
    merge, text could be segmented differently into old tokens alone.
    """
    merges = merges_of(state)
    ranks = ranks_of(merges)
    old = ids_of(state)
    preferred = set(wanted)
    new: dict[str, None] = {}
    for text in wanted:
        before = len(merges)
        made = _make(text, merges, ranks, old, preferred)
        if made and len(new) + sum(token not in new for token in made) <= most:
            new |= dict.fromkeys(made)
            continue
        for merge in merges[before:]:
            del ranks[merge]
        del merges[before:]
    return list(new), merges


def _make(
    text: str,
    merges: list[Merge],
    ranks: dict[Merge, int],
    old: Mapping[str, int],
    preferred: set[str],
) -> list[str]:
    """Append the merges that make a token, and give the tokens they make; none, if it can't be made."""
    made = [character for character in dict.fromkeys(text) if character not in old]
    while len(pieces := segment(text, ranks)[0]) > 1:
        pairs = [pair for pair in pairwise(pieces) if "".join(pair) not in old]
        if not pairs:
            return []
        pair = max(pairs, key=lambda pair: "".join(pair) in preferred)  # the leftmost of equals
        made.append("".join(pair))
        ranks[pair] = len(merges)
        merges.append(pair)
    return made


def _scores(source: State, target: State, new: list[str]) -> dict[str, float]:
    """Scores of the extended Unigram model: the source's, and those of new pieces on the source's scale."""
    old, theirs = scores_of(source), scores_of(target)
    special = {token["content"] for state in (source, target) for token in state["added_tokens"]}
    shared = [old[text] - theirs[text] for text in theirs if text in old and text not in special]
    shift = median(shared) if shared else 0.0
    scores = {text: score for text, score in old.items() if text not in special}
    for text in sorted(new, key=len):  # so that the best of the shorter ones are known
        scores[text] = max(theirs[text] + shift, _best_split(text, scores) + _MARGIN)
    return old | scores


def _best_split(text: str, scores: Mapping[str, float]) -> float:
    """The highest sum of scores of two or more pieces that together are the text."""
    best = [0.0] + [-inf] * len(text)
    for end in range(1, len(text) + 1):
        starts = range(1 if end == len(text) else 0, end)
        best[end] = max((best[s] + scores.get(text[s:end], -inf) for s in starts), default=-inf)
    return best[-1]
