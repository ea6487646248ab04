"""Trains a tokenizer of the source's family that differs from it in its vocabulary only."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import sentencepiece
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from monoglot.errors import CorpusError, SettingError
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.merges import characters_of, reads_bytes
from monoglot.tokenization.parts import Family, Parts, family_of, replacement_of
from monoglot.tokenization.selection import literal_pattern, retained_tokens, whitespace_merges
from monoglot.tokenization.token_forms import METASPACE
from monoglot.tokenization.tokenizer_json import (
    Merge,
    State,
    ids_of,
    merges_into,
    merges_of,
    rebuild,
    scores_of,
    splits_digits,
    state_of,
    with_tokens,
)
from monoglot.tokenization.vocabulary import backend_of
from monoglot.tokenization.word_counts import count_words, covered_characters, most_frequent, parts_of

# How the expectations are summed up depends on it, so it can't follow the number of processors.
_SENTENCEPIECE_THREADS = 4
_BREAKS = frozenset("\t\n\r\0")
_REPEATS_IN_ONE_LINE = 1_000


def sentencepiece_pieces(
    words: Mapping[str, int],
    size: int,
    kind: Literal["unigram", "bpe"],
    *,
    coverage: float,
    split_digits: bool,
) -> dict[str, float]:
    """Train a SentencePiece vocabulary on counted words (Unigram: Kudo 2018; BPE: Sennrich et al. 2016).

    Args:
        words: Count of each word, sorted; a word start is written ``▁``.
        size: Number of pieces.
        kind: The model to train.
        coverage: Share of the text's characters that become pieces of their own.
        split_digits: Whether each digit stays a piece of its own.

    Returns:
        Score of each piece, best first; fewer than ``size`` pieces where the words support no more.

    Raises:
        CorpusError: If the words have more characters than there shall be pieces.
    """
    file = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=(f"{word}\t{count}" for word, count in words.items()),
            model_writer=file,
            input_format="tsv",
            model_type=kind,
            vocab_size=size + 1,  # one is <unk>
            hard_vocab_limit=False,
            character_coverage=coverage,
            split_digits=split_digits,
            num_threads=_SENTENCEPIECE_THREADS,
            normalization_rule_name="identity",
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
            unk_id=0,
            bos_id=-1,
            eos_id=-1,
            pad_id=-1,
            minloglevel=2,
        )
    except RuntimeError as error:
        needed = re.search(r"smaller than required_chars\. \d+ vs (\d+)", str(error))
        if needed is None:
            raise
        raise _no_room(int(needed[1]) - 1, size) from error
    processor = sentencepiece.SentencePieceProcessor(model_proto=file.getvalue())
    return {processor.id_to_piece(id): processor.get_score(id) for id in range(1, len(processor))}


def wordpiece_pieces(words: Mapping[str, int], size: int, *, coverage: float, prefix: str) -> list[str]:
    """Train a WordPiece vocabulary on counted words.

    Args:
        words: Count of each word, sorted.
        size: Number of pieces.
        coverage: Share of the text's characters that become pieces of their own.
        prefix: What marks the continuation of a word.

    Returns:
        The pieces; fewer than ``size`` where the words support no more.

    Raises:
        CorpusError: If the words have more characters than there shall be pieces.
    """
    covered = covered_characters(words, coverage)
    words = {word: count for word, count in words.items() if covered.issuperset(word)}
    continuing = sorted({prefix + character for word in words for character in word[1:]})
    needed = len(continuing) + len(set("".join(words)))
    if needed > size:
        raise _no_room(needed, size)
    tokenizer = Tokenizer(models.WordPiece())
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        special_tokens=continuing,
        continuing_subword_prefix=prefix,
        show_progress=False,
    )
    tokenizer.train_from_iterator(_repeated(words), trainer)
    return _in_order(tokenizer)


def byte_level_pieces(texts: Iterable[str], size: int, pipeline: Tokenizer) -> tuple[list[str], list[Merge]]:
    """Train a byte-level BPE, with all 256 bytes in its alphabet.

    Args:
        texts: The text.
        size: Number of pieces.
        pipeline: A tokenizer whose normalizer and pre-tokenizer the text is to go through.

    Returns:
        The pieces, bytes first, and the merges, one for each of the other pieces in their order.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = pipeline.normalizer
    tokenizer.pre_tokenizer = pipeline.pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return _in_order(tokenizer), _learned_merges(tokenizer)


def _no_room(characters: int, size: int) -> CorpusError:
    return CorpusError(
        f"the corpus has {characters} different characters, each of which needs a token, but there is room "
        f"for {size} beside the special ones; raise --vocabulary-size or lower the character coverage"
    )


def _repeated(words: Mapping[str, int]) -> Iterator[str]:
    for word, count in words.items():
        for start in range(0, count, _REPEATS_IN_ONE_LINE):
            yield " ".join([word] * min(_REPEATS_IN_ONE_LINE, count - start))


def _in_order(tokenizer: Tokenizer) -> list[str]:
    vocabulary = tokenizer.get_vocab()
    return sorted(vocabulary, key=lambda text: vocabulary[text])


def _learned_merges(tokenizer: Tokenizer) -> list[Merge]:
    state: State = json.loads(tokenizer.to_str())
    return merges_of(state)


# SentencePiece needs about 200 bytes for each character of distinct words.
MOST_CHARACTERS = 12_000_000


@dataclass(frozen=True)
class TokenizerSettings:
    """How to train a tokenizer.

    Attributes:
        vocabulary_size: Number of tokens, everything counted.
        or_fewer: Whether to take fewer tokens where the text does not support so many.
        character_coverage: Share of the text's characters that get a token of their own; the rest is written
            in bytes or becomes the unknown token. Byte-level tokenizers cover everything anyway.
    """

    vocabulary_size: int = 50_048
    or_fewer: bool = False
    character_coverage: float = 0.99995

    def __post_init__(self) -> None:
        if not 0 < self.character_coverage <= 1:
            raise SettingError(
                f"the character coverage must be above 0 and at most 1, was: {self.character_coverage}"
            )


@dataclass(frozen=True)
class _Learned:
    """What a trainer found: tokens beside the carried ones, and what their model needs to use them."""

    tokens: list[str]
    scores: Mapping[str, float] | None = None
    merges: list[Merge] | None = None


def train_tokenizer(
    source: PreTrainedTokenizerFast,
    lines: Iterable[str],
    settings: TokenizerSettings,
    *,
    in_use: Collection[str] = (),
    progress: Progress = SILENT,
) -> PreTrainedTokenizerFast:
    """Train a tokenizer that differs from the source only in its vocabulary.

    Normalizer, pre-tokenizer, decoder, post-processor, special tokens with their roles, chat template and the
    other entries of tokenizer_config.json are the source's. `retained_tokens` tells which tokens the new
    vocabulary begins with.

    Args:
        source: The tokenizer to follow.
        lines: The text, read once.
        settings: Size and coverage.
        in_use: Tokens of the source that something names, so that they are carried on even if they look as
            if they were held in reserve.
        progress: Shown while the text is read.

    Raises:
        CorpusError: If there is no text, or too little for the wanted number of tokens, unless fewer will do.
        SettingError: If there is no room for tokens beside the carried ones.
        TokenizerError: If the source is of a kind that monoglot can't write.
    """
    state = state_of(source)
    pipeline = backend_of(source)
    family = family_of(pipeline, Parts.of(pipeline))
    carried = retained_tokens(source, state, family, ids_of(state), in_use)
    size = settings.vocabulary_size - len(carried)
    if size <= 0:
        raise SettingError(
            f"a vocabulary of {settings.vocabulary_size} tokens has no room beside the {len(carried)} taken "
            "over from the source (special tokens, bytes, whitespace); raise --vocabulary-size"
        )
    literal = literal_pattern(state, carried)
    if family is Family.BYTE_LEVEL_BPE:
        texts = _texts(parts_of(lines, progress=progress), literal)
        learned = _learn_byte_level(pipeline, state, texts, size)
    else:
        words = pretokenized_words(count_words(lines, progress=progress), pipeline, family, literal)
        if family is Family.WORDPIECE:
            state = _with_long_words(state, words)
        learned = _learn_from_words(state, family, words, size, settings.character_coverage)
        learned = _marked(learned, replacement_of(Parts.of(pipeline)) or METASPACE)
    found = len(carried) + len(learned.tokens)
    if found < settings.vocabulary_size and not settings.or_fewer:
        raise CorpusError(
            f"the corpus supports at most {found} tokens, but {settings.vocabulary_size} were requested: "
            f"use --vocabulary-size {found} or more text"
        )
    ids = {text: id for id, text in enumerate([*carried, *learned.tokens])}
    return rebuild(source, with_tokens(state, ids, scores=learned.scores, merges=learned.merges))


def _learn_from_words(
    state: State, family: Family, counts: Mapping[str, int], size: int, coverage: float
) -> _Learned:
    words = most_frequent(counts, MOST_CHARACTERS)
    if not words:
        raise CorpusError("the corpus has no words to train a tokenizer on; give a text that is not empty")
    if family is Family.WORDPIECE:
        prefix = state["model"]["continuing_subword_prefix"]
        return _Learned(wordpiece_pieces(words, size, coverage=coverage, prefix=prefix))
    kind: Literal["unigram", "bpe"] = "unigram" if family is Family.UNIGRAM else "bpe"
    bytes_without_use: list[str] = []
    if reads_bytes(state):  # a text to come may have any byte
        known, coverage = set("".join(words)), 1.0
        bytes_without_use = [
            byte for byte in characters_of(state, family, (), ids_of(state)) if byte not in known
        ]
    scores = sentencepiece_pieces(
        words, size - len(bytes_without_use), kind, coverage=coverage, split_digits=splits_digits(state)
    )
    scores |= dict.fromkeys(bytes_without_use, min(scores.values()) - 1)
    if family is Family.UNIGRAM:
        return _Learned(list(scores), scores=scores_of(state) | scores)
    return _Learned(list(scores), merges=_sentencepiece_merges(state, list(scores)))


def _with_long_words(state: State, words: Mapping[str, int]) -> State:
    """A WordPiece model that segments the longest word of the text: a line without spaces is one word."""
    longest = max([state["model"]["max_input_chars_per_word"], *map(len, words)])
    return state | {"model": state["model"] | {"max_input_chars_per_word": longest}}


def _marked(learned: _Learned, mark: str) -> _Learned:
    """What was learned, with the tokenizer's own sign for a space."""
    if mark == METASPACE:
        return learned

    def marked(text: str) -> str:
        return text.replace(METASPACE, mark)

    scores = learned.scores and {marked(text): score for text, score in learned.scores.items()}
    merges = learned.merges and [(marked(left), marked(right)) for left, right in learned.merges]
    return _Learned([marked(text) for text in learned.tokens], scores, merges)


def _learn_byte_level(pipeline: Tokenizer, state: State, texts: Iterable[str], size: int) -> _Learned:
    if size < 256:
        raise SettingError(
            f"a byte-level vocabulary needs 256 tokens for the bytes, but there is room for {size} beside "
            "those taken over from the source; raise --vocabulary-size"
        )
    inherited = whitespace_merges(state, Family.BYTE_LEVEL_BPE)
    runs = {"".join(merge) for merge in inherited}
    pieces, merges = byte_level_pieces(texts, size + len(runs), pipeline)
    if not merges:
        raise CorpusError("the corpus has no words to train a tokenizer on; give a text that is not empty")
    tokens = [piece for piece in pieces if piece not in runs][:size]
    known = set(tokens)
    return _Learned(tokens, merges=inherited + [merge for merge in merges if "".join(merge) in known])


def _sentencepiece_merges(state: State, pieces: list[str]) -> list[Merge]:
    known = {piece: rank for rank, piece in enumerate(pieces)}
    inherited = whitespace_merges(state, Family.SENTENCEPIECE_BPE) if METASPACE in known else []
    return inherited + merges_into((piece for piece in pieces if len(piece) > 1), known)


def pretokenized_words(
    counts: Mapping[str, int], pipeline: Tokenizer, family: Family, literal: re.Pattern[str] | None
) -> Counter[str]:
    """Send each word, as in the middle of a line, through the source's normalizer and pre-tokenizer.

    Args:
        counts: Count of each word between spaces.
        pipeline: The tokenizer.
        family: Its family.
        literal: Pattern of tokens that are found in text before any segmentation.

    Returns:
        Count of each text that reaches the tokenizer's model; SentencePiece's sign for a space is ``▁``.
    """
    lead = "" if family is Family.WORDPIECE else " "
    mark = replacement_of(Parts.of(pipeline)) or METASPACE  # SentencePiece knows one sign only
    normalize = pipeline.normalizer.normalize_str if pipeline.normalizer else str
    words: Counter[str] = Counter()
    for word, count in counts.items():
        text = normalize(lead + word)
        split = pipeline.pre_tokenizer.pre_tokenize_str(text) if pipeline.pre_tokenizer else [(text, ())]
        for piece, _ in split:
            for part in literal.split(piece) if literal else (piece,):
                part = part.replace(mark, METASPACE)
                # One space before a word: the normalizer may have added another, and runs are not learned.
                trained = METASPACE + part.lstrip(METASPACE) if part.startswith(METASPACE) else part
                if trained.strip(METASPACE) and _BREAKS.isdisjoint(trained):
                    words[trained] += count
    return words


def _texts(parts: Iterable[str], literal: re.Pattern[str] | None) -> Iterator[str]:
    for part in parts:
        yield from (text for text in (literal.split(part) if literal else (part,)) if text.strip())
