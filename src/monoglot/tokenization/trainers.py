"""The three trainers: new tokens of each family out of counted words or lines of text.

The libraries' trainers are used as they are, but fed so that the same text always gives the same tokens.
The trainers of ``tokenizers`` go through their words in the order of a randomly seeded hash table, which
decides between merges that are equally frequent (WordPiece) and in which order floating-point numbers are
summed (Unigram). Only its byte-level BPE is deterministic. So WordPiece is given the ids of its characters
beforehand, and the two families of SentencePiece are trained by SentencePiece, from sorted word counts: in
half the time, and as the source's vocabulary was trained, too.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import sentencepiece
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from monoglot.errors import CorpusError
from monoglot.tokenization.surgery import Merge, State, merges_of
from monoglot.tokenization.words import covered_characters

SPACE = "▁"

# How the expectations are summed up depends on it, so it can't follow the number of processors.
_SENTENCEPIECE_THREADS = 4
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
        words: Count of each word, sorted; a word start is spelled ``▁``.
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
