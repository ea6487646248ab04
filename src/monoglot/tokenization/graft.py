"""Grafts: keeps the tokens of a source that a text uses, and adds those that shorten the text most."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from transformers import PreTrainedTokenizerFast

from monoglot.errors import SettingError, TokenizerError
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.extend import candidate_tokens
from monoglot.tokenization.joined_pieces import MOST_CANDIDATES, segment_words
from monoglot.tokenization.new_tokens import (
    REMOVED_SHARE,
    Candidates,
    Elimination,
    NewToken,
    parents_first,
)
from monoglot.tokenization.parts import Family, Parts, family_of, replacement_of
from monoglot.tokenization.selection import (
    NOTHING_KEPT,
    RetainedText,
    forms_of,
    is_json_mark,
    literal_pattern,
)
from monoglot.tokenization.token_forms import METASPACE
from monoglot.tokenization.tokenizer_json import ids_of, rebuild, state_of
from monoglot.tokenization.train import MOST_CHARACTERS, pretokenized_words
from monoglot.tokenization.vocabulary import Vocabulary, backend_of
from monoglot.tokenization.word_counts import most_frequent

LEAST_SAVED = 1e-5
"""By default a new token has to save this share of the text's tokens: in a model of some 40 million
parameters about the share of parameters that its row adds."""
FEW = 0.005
LEAST_COUNT = 20
"""By default a new token has to occur so often: with less, its auxiliary vector is unreliable."""

LONGEST_PART_CHARACTERS = 64
"""Longer parts of kept texts are not looked for: no token that is worth adding is longer."""
JSON_RUN = re.compile(r"""[▁Ġ\[{"\]},:Ċ\n]{2,}""")


@dataclass(frozen=True)
class GraftSettings:
    """How many tokens to add; by default all that save enough (`LEAST_SAVED`, `LEAST_COUNT`).

    Attributes:
        new_tokens: The number of new tokens.
        save: The share of the text's tokens to save, with as few new tokens as possible.
        most_new_tokens: The most new tokens, whatever else is asked for.
        most_saved: If there is neither ``new_tokens`` nor ``save``: new tokens are added until they save
            this share of the text's tokens.
    """

    new_tokens: int | None = None
    save: float | None = None
    most_new_tokens: int | None = None
    most_saved: float | None = None


@dataclass(frozen=True)
class Grafted:
    """A grafted tokenizer.

    Attributes:
        tokenizer: The tokenizer: first the source's tokens, then the new ones.
        new: The new tokens with what each saves, the most first; in BPE after those that they are made of.
        source_tokens: How many tokens the counted words have without the new ones.
        text_tokens: How many tokens they have with the new ones.
    """

    tokenizer: PreTrainedTokenizerFast
    new: tuple[NewToken, ...]
    source_tokens: int
    text_tokens: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "source_tokens": self.source_tokens,
            "text_tokens": self.text_tokens,
            "new": [asdict(token) for token in self.new],
        }


def graft_tokens(
    trimmed: PreTrainedTokenizerFast,
    words: Mapping[str, int],
    settings: GraftSettings,
    *,
    language: PreTrainedTokenizerFast | None = None,
    dropped: Iterable[str] = (),
    keep: RetainedText = NOTHING_KEPT,
    progress: Progress = SILENT,
) -> Grafted:
    """Add the tokens of a language that save most to a trimmed tokenizer.

    The candidates are pieces that stand side by side in the text's words, joined, or the tokens of a
    ``language`` tokenizer; they get merges or scores as in `extend_tokenizer`. What a token saves is its
    count × (the pieces that it would be otherwise − 1), counted with all other chosen tokens in place. BPE
    joins the pieces that the source makes, so no text gets more tokens than before.

    Args:
        trimmed: The tokenizer with the source's tokens that are kept.
        words: Count of each word between spaces of the text.
        settings: How many tokens to add.
        language: A tokenizer of the same family whose tokens are the candidates.
        dropped: Tokens of the source that were not kept; they are not added as new ones.
        keep: Texts that are segmented as before: new tokens that would become parts of them are left out.
        progress: Where to show how far it is.

    Raises:
        TokenizerError: If the tokenizers are of different families.
        SettingError: If the text does not support as many tokens, or as large a saving.
    """
    if settings.new_tokens == 0:
        family = family_of(backend_of(trimmed), Parts.of(backend_of(trimmed)))
        tokens = segment_words(state_of(trimmed), _spelled_words(trimmed, words, family)).text_tokens
        return Grafted(trimmed, (), tokens, tokens)
    elimination = _elimination(trimmed, words, frozenset(dropped), language, keep)
    chosen = _choose(elimination, settings, progress)
    return _grafted(trimmed, elimination, chosen)


def grafts(
    trimmed: PreTrainedTokenizerFast,
    words: Mapping[str, int],
    numbers: Iterable[int],
    *,
    dropped: Iterable[str] = (),
    keep: RetainedText = NOTHING_KEPT,
) -> Iterator[Grafted]:
    """Give a graft for each of several numbers of new tokens, from one elimination, the largest first.

    Args:
        trimmed: The tokenizer with the source's tokens that are kept.
        words: Count of each word between spaces of the text.
        numbers: Numbers of new tokens; those that the text does not support are left out.
        dropped: Tokens of the source that were not kept; they are not added as new ones.
        keep: Texts that are segmented as before.
    """
    elimination = _elimination(trimmed, words, frozenset(dropped), None, keep)
    supported = _supported(elimination)
    for number in sorted(numbers, reverse=True):
        if number <= supported:
            chosen = _chosen(elimination, GraftSettings(new_tokens=number), SILENT)
            yield _grafted(trimmed, elimination, chosen)


def _elimination(
    trimmed: PreTrainedTokenizerFast,
    words: Mapping[str, int],
    dropped: frozenset[str],
    language: PreTrainedTokenizerFast | None,
    keep: RetainedText,
) -> Elimination:
    pipeline = backend_of(trimmed)
    family = family_of(pipeline, Parts.of(pipeline))
    state = state_of(trimmed)
    spelled = _spelled_words(trimmed, words, family)
    segmented = segment_words(state, spelled)
    unwanted = dropped | _parts_of_kept_texts(trimmed, keep, spelled)
    if language is None:
        candidates = Candidates.of_words(state, Vocabulary.of(trimmed), segmented, unwanted)
        return Elimination(candidates, candidates.split, spelled, segmented.text_tokens)
    other = family_of(backend_of(language), Parts.of(backend_of(language)))
    if family is not other:
        raise TokenizerError(
            f"the source tokenizer is {family} and the language's {other}, but only tokens of the same "
            "family can be added; train it from the source"
        )
    wanted = candidate_tokens(pipeline, family, ids_of(state), language)
    candidates = Candidates.of_language(state, state_of(language), wanted, unwanted)
    return Elimination(candidates, candidates.split, spelled, segmented.text_tokens)


def _grafted(
    trimmed: PreTrainedTokenizerFast, elimination: Elimination, chosen: Sequence[NewToken]
) -> Grafted:
    tokenizer = rebuild(trimmed, elimination.candidates.with_new([token.text for token in chosen]))
    return Grafted(tokenizer, tuple(chosen), elimination.source_tokens, elimination.text_tokens)


def _parts_of_kept_texts(
    trimmed: PreTrainedTokenizerFast, keep: RetainedText, words: Iterable[str]
) -> frozenset[str]:
    """All parts of the words of kept texts: without such tokens, no text that is kept changes.

    Args:
        trimmed: The tokenizer.
        keep: The texts.
        words: The words of the corpus, as they reach the tokenizer's model.
    """
    pipeline, state = backend_of(trimmed), state_of(trimmed)
    literal = literal_pattern(state, [str(token) for token in trimmed.added_tokens_encoder])
    normalize = pipeline.normalizer.normalize_str if pipeline.normalizer else str
    prefix = state["model"].get("continuing_subword_prefix") or ""
    kept: set[str] = set()
    forms = [form for text in keep.texts for form in forms_of(text, trimmed)]
    for text in (part for form in forms for part in (literal.split(form) if literal else [form]) if part):
        normal, steps = normalize(text), pipeline.pre_tokenizer
        kept |= {piece for piece, _ in steps.pre_tokenize_str(normal)} if steps else {normal}
    parts = {part for word in kept for part in _parts(word)}
    if any('{"' in text for text in keep.texts):
        runs = {run for word in words for run in JSON_RUN.findall(word)}
        parts |= {part for run in runs for part in _parts(run) if is_json_mark(part)}
    return frozenset(parts | {prefix + part for part in parts} if prefix else parts)


def _parts(word: str) -> Iterator[str]:
    """All parts of a word of two characters or more."""
    for start in range(len(word)):
        for end in range(start + 2, min(len(word), start + LONGEST_PART_CHARACTERS) + 1):
            yield word[start:end]


def _spelled_words(
    tokenizer: PreTrainedTokenizerFast, words: Mapping[str, int], family: Family
) -> dict[str, int]:
    """The words as they reach the tokenizer's model, the most frequent of them."""
    pipeline = backend_of(tokenizer)
    literal = literal_pattern(state_of(tokenizer), [str(token) for token in tokenizer.added_tokens_encoder])
    counts = most_frequent(pretokenized_words(words, pipeline, family, literal), MOST_CHARACTERS)
    mark = replacement_of(Parts.of(pipeline)) or METASPACE
    return {word.replace(METASPACE, mark): count for word, count in counts.items()}


def _choose(elimination: Elimination, settings: GraftSettings, progress: Progress) -> list[NewToken]:
    """Remove candidates until what was asked for is reached; by default not more is saved than is wanted."""
    chosen = _chosen(elimination, settings, progress)
    asked = settings.new_tokens is not None or settings.save is not None
    if asked or settings.most_saved is None or elimination.saved_share <= settings.most_saved:
        return chosen
    return _chosen(elimination, replace(settings, save=settings.most_saved, most_saved=None), progress)


def _chosen(elimination: Elimination, settings: GraftSettings, progress: Progress) -> list[NewToken]:
    """Remove candidates until the number or the saving asked for is reached."""
    most = settings.most_new_tokens
    wanted = settings.new_tokens
    if wanted is not None:
        supported = _supported(elimination)
        if wanted > supported and len(elimination.candidates.tokens) >= MOST_CANDIDATES:
            raise SettingError(
                f"--new-tokens {wanted} is more than can be chosen: of the {MOST_CANDIDATES} most frequent "
                f"candidates, which are tried, {supported} save any token of this text; request at most that "
                "many, or choose --mode replace"
            )
        if wanted > supported:
            raise SettingError(
                f"--new-tokens {wanted} is more than this text supports: only {supported} new tokens would "
                "save any of its tokens; request at most that many, or give more text"
            )
        most = wanted if most is None else min(most, wanted)
    if settings.save is not None and elimination.saved_share < settings.save:
        raise SettingError(
            f"--save {settings.save} is more than new tokens can save of this text: all "
            f"{len(elimination.alive):,} candidates save {elimination.saved_share:.1%}; ask for less, or "
            "choose --mode replace"
        )
    with progress.task("choosing new tokens", len(elimination.alive)) as advance:
        while True:
            priced = elimination.priced()
            if settings.save is not None and elimination.saved_share < settings.save:
                return _put_back(elimination, settings)
            surplus = 0 if most is None else max(0, len(priced) - most)
            removable = list(elimination.removable(priced))
            if wanted is not None:
                worst = removable[:surplus]
            elif settings.save is not None:
                worst = removable
            else:
                # Of those that save enough, some are removed where there is no room for all.
                enough = [token for token in removable if _saves_enough(token, elimination.source_tokens)]
                worst = [token for token in removable if not _saves_enough(token, elimination.source_tokens)]
                worst += enough[: max(0, surplus - len(worst))]
            worst = worst[: max(1, int(REMOVED_SHARE * len(priced)))]
            elimination.remove(worst)
            advance(len(worst))
            # Where all but a few save enough, counting again would change nothing that matters.
            if len(worst) <= (0 if wanted is not None or settings.save else FEW * len(priced)):
                break
    return parents_first(elimination.priced(), elimination.candidates.merges or ())


def _supported(elimination: Elimination) -> int:
    """How many of the candidates that are left save any token."""
    return sum(token.saved_tokens > 0 for token in elimination.priced())


def _saves_enough(token: NewToken, text_tokens: int) -> bool:
    return token.saved_tokens >= LEAST_SAVED * text_tokens and token.count >= LEAST_COUNT


def _put_back(elimination: Elimination, settings: GraftSettings) -> list[NewToken]:
    """Put the tokens that were removed last back until the saving that was asked for is reached.

    A token may save less than when it was removed, because of the others that come back with it: then more
    are put back.
    """
    assert settings.save is not None  # the caller's condition
    wanted = settings.save * elimination.source_tokens
    while elimination.removed:
        lacking = wanted - (elimination.source_tokens - elimination.text_tokens)
        if lacking <= 0:
            break
        number = 0
        while lacking > 0 and number < len(elimination.removed):
            number += 1
            lacking -= elimination.removed[-number].saved_tokens
        elimination.put_back(number)
    priced = elimination.priced()
    if settings.most_new_tokens is not None and len(priced) > settings.most_new_tokens:
        raise SettingError(
            f"--save {settings.save} needs {len(priced):,} new tokens, and there is room for "
            f"{settings.most_new_tokens:,}; raise --vocabulary-size"
        )
    return parents_first(priced, elimination.candidates.merges or ())
