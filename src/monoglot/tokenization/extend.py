"""Adds tokens of one tokenizer to another, with merges or scores that make text use them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import dataclass
from itertools import islice, pairwise
from math import inf
from statistics import median

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from monoglot.errors import SettingError, TokenizerError
from monoglot.tokenization.merges import ranks_of, segment
from monoglot.tokenization.parts import Family, Parts, family_of, replacement_of
from monoglot.tokenization.selection import NOTHING_KEPT, RetainedText
from monoglot.tokenization.token_forms import METASPACE, byte_level_surface
from monoglot.tokenization.tokenizer_json import (
    Merge,
    State,
    ids_of,
    merges_of,
    rebuild,
    scores_of,
    state_of,
    with_tokens,
)
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
    source: PreTrainedTokenizerFast,
    target: PreTrainedTokenizerFast,
    settings: ExtendSettings,
    *,
    keep: RetainedText = NOTHING_KEPT,
    at_most: bool = False,
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
        keep: Texts that are segmented as before: new tokens that would come to be parts of them are left out.
        at_most: Whether fewer tokens will do, at least one.

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
    unwanted: set[str] = set()
    while True:
        extended = _extended(source, target, settings, state, known, family, unwanted, at_most=at_most)
        texts = extended.convert_ids_to_tokens(list(keep.token_ids(extended)))
        if not (within_kept := set(texts).difference(known)):
            return extended
        unwanted |= within_kept


def _extended(
    source: PreTrainedTokenizerFast,
    target: PreTrainedTokenizerFast,
    settings: ExtendSettings,
    state: State,
    known: dict[str, int],
    family: Family,
    unwanted: Set[str],
    *,
    at_most: bool,
) -> PreTrainedTokenizerFast:
    """The source with so many tokens of the target, none of which is unwanted."""
    wanted = (
        text for text in candidate_tokens(backend_of(source), family, known, target) if text not in unwanted
    )
    merges: list[Merge] | None = None
    scores: Mapping[str, float] | None = None
    if state["model"]["type"] == "BPE":
        new, merges = joining_merges(state, list(wanted), settings.add_tokens, unwanted)
    else:
        new = list(islice(wanted, settings.add_tokens))
        if family is Family.UNIGRAM:
            scores = extended_scores(state, state_of(target), new)
    if not new:
        raise SettingError(
            "the language's tokenizer has no token that the source's lacks: give more text, a larger "
            "--vocabulary-size, or a larger --target-tokenizer if you gave one"
        )
    if len(new) < settings.add_tokens and not at_most:
        raise SettingError(
            f"the language's tokenizer has {len(new):,} tokens to add, but {settings.add_tokens:,} were "
            "requested: request fewer (--add-tokens), give more text, a larger --vocabulary-size, or a "
            "larger --target-tokenizer if you gave one"
        )
    first = max(known.values()) + 1
    ids = known | {text: id for id, text in enumerate(new, start=first)}
    return rebuild(source, with_tokens(state, ids, scores=scores, merges=merges))


def with_kept_tokens(
    trained: PreTrainedTokenizerFast, source: PreTrainedTokenizerFast, keep: RetainedText
) -> PreTrainedTokenizerFast:
    """Give a newly trained tokenizer the source's tokens of texts that are to be kept, at the same size.

    They take the places of the tokens that were learned last, and are made as ``extend_tokenizer`` makes
    tokens. The texts themselves may come out in fewer tokens than before, where the language has longer ones.

    Args:
        trained: A tokenizer trained from the source.
        source: The source's tokenizer.
        keep: The texts.

    Raises:
        SettingError: If there is no room for them.
    """
    backend = backend_of(trained)
    family = family_of(backend, Parts.of(backend))
    state = state_of(trained)
    known = ids_of(state)
    added = set(source.added_tokens_encoder) | {token["content"] for token in state["added_tokens"]}
    pieces = [
        text for text in source.convert_ids_to_tokens(list(keep.token_ids(source))) if text not in added
    ]
    mark = _space_mark(backend)
    pieces = [text for text in pieces if text in known or _survives(text, backend, family, mark)]
    fixed = set(pieces) | added
    spare = [text for text in reversed(known) if text not in fixed and _is_longer(text, state)]
    cut = 0
    while True:
        kept = {text: id for id, text in enumerate(text for text in known if text not in set(spare[:cut]))}
        base = only_tokens(state, kept)
        lacking = [text for text in pieces if text not in kept]
        new, merges, scores = lacking, None, None
        if state["model"]["type"] == "BPE":
            new, merges = joining_merges(base, lacking, len(known))
        elif family is Family.UNIGRAM:
            scores = extended_scores(base, state_of(source), new)
        surplus = len(kept) + len(new) - len(known)
        if surplus <= 0:
            ids = kept | {text: id for id, text in enumerate(new, start=len(kept))}
            return rebuild(source, with_tokens(base, ids, scores=scores, merges=merges))
        cut += surplus
        if cut > len(spare):
            raise SettingError(
                f"a vocabulary of {len(known)} tokens has no room for the {len(pieces)} tokens of prompts "
                "and other texts that the model is given; raise --vocabulary-size"
            )


def _is_longer(text: str, state: State) -> bool:
    """Whether a token is spelled in more than one character, so that others can spell it."""
    return len(text.removeprefix(state["model"].get("continuing_subword_prefix") or "")) > 1 and not (
        text.startswith("<0x") and text.endswith(">")
    )


def only_tokens(state: State, ids: Mapping[str, int]) -> State:
    """A tokenizer.json with some of its tokens, and the merges between them."""
    model = state["model"]
    scores = scores_of(state) if model["type"] == "Unigram" else None
    merges = None
    if model["type"] == "BPE":
        merges = [pair for pair in merges_of(state) if {*pair, "".join(pair)} <= ids.keys()]
    return with_tokens(state, ids, scores=scores, merges=merges)


def candidate_tokens(
    backend: Tokenizer, family: Family, known: Mapping[str, int], target: PreTrainedTokenizerFast
) -> Iterator[str]:
    """Give the target's ordinary tokens that the source lacks, unless its pre-tokenizer would split them."""
    added, mark = target.added_tokens_decoder, _space_mark(backend)
    for token in Vocabulary.of(target).tokens:
        ordinary = not token.roles and not token.is_byte and token.id not in added
        if ordinary and token.text not in known and _survives(token.text, backend, family, mark):
            yield token.text


def _space_mark(backend: Tokenizer) -> str:
    """What stands for a space. Reading it copies the tokenizer, so it is read once for all tokens."""
    return replacement_of(Parts.of(backend)) or METASPACE


def _survives(text: str, backend: Tokenizer, family: Family, mark: str) -> bool:
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
        text = spelled.replace(mark, " ")
    if backend.normalizer is not None:
        text = backend.normalizer.normalize_str(text)
    pieces = backend.pre_tokenizer.pre_tokenize_str(text) if backend.pre_tokenizer else [(text, None)]
    return any(spelled in piece for piece, _ in pieces)


def joining_merges(
    state: State, wanted: list[str], most: int, unwanted: Set[str] = frozenset()
) -> tuple[list[str], list[Merge]]:
    """Give new tokens, those in between included, and all merges of the extended BPE model.

    A token that can't be made without a new merge into one of the source's tokens is left out: with such a
    merge, text could be segmented differently into old tokens alone. So is one that can't be made without an
    unwanted one.
    """
    merges = merges_of(state)
    ranks = ranks_of(merges)
    old = ids_of(state)
    unmade = old.keys() | unwanted
    preferred = set(wanted)
    new: dict[str, None] = {}
    for text in wanted:
        before = len(merges)
        made = _make(text, merges, ranks, old, unmade, preferred)
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
    unmade: Set[str],
    preferred: Set[str],
) -> list[str]:
    """Append the merges that make a token, and give the tokens they make; none, if it can't be made."""
    made = [character for character in dict.fromkeys(text) if character not in old]
    if not unmade.isdisjoint(made):
        return []
    while len(pieces := segment(text, ranks)[0]) > 1:
        pairs = [pair for pair in pairwise(pieces) if "".join(pair) not in unmade]
        if not pairs:
            return []
        pair = max(pairs, key=lambda pair: "".join(pair) in preferred)  # the leftmost of equals
        made.append("".join(pair))
        ranks[pair] = len(merges)
        merges.append(pair)
    return made


def extended_scores(source: State, target: State, new: list[str]) -> dict[str, float]:
    """Give the scores of the extended Unigram model: the source's, and new pieces' on the source's scale."""
    old, theirs = scores_of(source), scores_of(target)
    special = {token["content"] for state in (source, target) for token in state["added_tokens"]}
    shared = [old[text] - theirs[text] for text in theirs if text in old and text not in special]
    shift = median(shared) if shared else 0.0
    return above_their_parts(source, {text: theirs[text] + shift for text in new})


def above_their_parts(source: State, new: Mapping[str, float]) -> dict[str, float]:
    """Give all scores of an extended Unigram model, new ones raised above those of the parts where needed.

    Args:
        source: The tokenizer.json that is extended.
        new: Scores of the new pieces.
    """
    old = scores_of(source)
    special = {token["content"] for token in source["added_tokens"]}
    scores = {text: score for text, score in old.items() if text not in special}
    for text in sorted(new, key=len):  # so that the best of the shorter ones are known
        scores[text] = max(new[text], best_split(text, scores)[0] + _MARGIN)
    return old | scores


def best_split(
    text: str, scores: Mapping[str, float], removed: Collection[str] = ()
) -> tuple[float, tuple[str, ...]]:
    """Find the two or more pieces that together are a text and have the highest sum of scores (Kudo 2018).

    O(length²). Of equal sums the one whose last piece is longest is taken, then the same before that piece.

    Args:
        text: The text.
        scores: The score of each piece.
        removed: Pieces that may not be used.

    Returns:
        The sum, and the pieces; minus infinity and none if there are no such pieces.
    """
    length, score_of = len(text), scores.get
    best, starts = [0.0] * (length + 1), [0] * (length + 1)
    for end in range(1, length + 1):
        highest = -inf
        for start in range(1 if end == length else 0, end):
            score = score_of(text[start:end])
            if score is None or best[start] + score <= highest or text[start:end] in removed:
                continue
            highest, starts[end] = best[start] + score, start
        best[end] = highest
    pieces: list[str] = []
    if best[-1] > -inf:
        while length:
            pieces.append(text[starts[length] : length])
            length = starts[length]
    return best[-1], tuple(reversed(pieces))
