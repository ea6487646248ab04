"""Texts of a distillation, as the student reads them and as the teacher does."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from transformers import PreTrainedTokenizerFast

from monoglot.corpus.text_pairs import read_pairs
from monoglot.run import content_key, file_hash, read_json, write_json
from monoglot.run.atomic_files import sync_tree
from monoglot.tokenization.encoding import TokenizedCorpus, encode_corpus
from monoglot.tokenization.vocabulary import Vocabulary, plain_backend
from monoglot.tokenization.word_counts import count_words
from monoglot.training.objective import TrainingContext

MOST_WORD_TYPES = 1_000_000
LONGEST_WORD_CHARACTERS = 40
LIST_WORDS = 16


@dataclass(frozen=True)
class WordLists:
    """Lists of words in which every token that a corpus uses occurs, as far as its words have it.

    A corpus shows most tokens of a new vocabulary a few times in a million, so that their embeddings hardly
    learn; some tens of thousands of words show each of them.

    Attributes:
        words: The most frequent word of each token, each once.
    """

    words: Sequence[str]

    @classmethod
    def of(cls, lines: Iterable[str], tokenizer: PreTrainedTokenizerFast) -> WordLists:
        """Choose the words: from the most frequent on, each that has a token not seen before."""
        bare: Counter[str] = Counter()
        for word, count in count_words(lines, most_words=MOST_WORD_TYPES).items():
            bare[_without_marks(word)] += count
        ranked = sorted((-count, word) for word, count in bare.items())
        words = [word for count, word in ranked if count < -1 and 0 < len(word) <= LONGEST_WORD_CHARACTERS]
        encodings = plain_backend(tokenizer).encode_batch_fast(words, add_special_tokens=False)
        unseen = np.ones(Vocabulary.of(tokenizer).size, bool)
        chosen = []
        for word, encoding in zip(words, encodings, strict=True):
            if unseen[encoding.ids].any():
                unseen[encoding.ids] = False
                chosen.append(word)
        return cls(chosen)

    def texts(self, rng: np.random.Generator) -> Iterator[str]:
        """Lists of 16 words in random order, without end: all words once, then once more."""
        while self.words:
            order = rng.permutation(len(self.words))
            for start in range(0, len(order), LIST_WORDS):
                yield " ".join(self.words[index] for index in order[start : start + LIST_WORDS])


@dataclass(frozen=True)
class Texts:
    """The same texts as tokens of both models, in the same order.

    Attributes:
        student: What the student reads.
        teacher: What the teacher reads: the same, or its translation.
        key: Hash of the settings that they were made with.
        pairs: How many of them, the last ones, are translations.
    """

    student: TokenizedCorpus
    teacher: TokenizedCorpus
    key: str
    pairs: int

    @property
    def same(self) -> int:
        """How many both models read, from the first on."""
        return self.student.lines - self.pairs

    @classmethod
    def open(cls, folder: Path) -> Texts:
        """Memory-map what `prepare_texts` wrote."""
        student, teacher = (TokenizedCorpus.open(folder / name) for name in ("student", "teacher"))
        made = read_json(folder / "texts.json")
        return cls(student, teacher, made["key"], made["pairs"])


STREAM = 3
"""Keeps these draws apart from others of the same seed."""


def prepare_texts(
    context: TrainingContext,
    teacher: PreTrainedTokenizerFast,
    folder: Path,
    *,
    prefix: str,
    whole_lines: float,
    word_lists: float,
    parallel: Path | None,
) -> None:
    """Write the texts of a distillation as tokens of both models, unless they have been written.

    Args:
        context: Student and text.
        teacher: The teacher's tokenizer.
        folder: Where they go.
        prefix: Put before each text.
        whole_lines: Share of the lines that are not split into sentences.
        word_lists: Share of the characters that are lists of words.
        parallel: A file of ``text<TAB>translation`` that is read as well.

    Raises:
        SettingError: If the parallel text can't be read.
    """
    read = file_hash(parallel) if parallel else ""
    given = ["pairs", prefix, whole_lines, word_lists, read, context.seed, context.corpus.tokens]
    key, done = content_key(given), folder / "texts.json"
    if done.is_file() and read_json(done)["key"] == key:
        return
    lists = WordLists.of(context.lines(), context.tokenizer) if word_lists else WordLists(())
    pairs = list(read_pairs(parallel)) if parallel else []

    def texts(side: int) -> Iterator[str]:
        rng = np.random.default_rng([context.seed, STREAM])
        sentences = mixed_lengths(context.lines(), whole_lines, rng)
        mixed = with_lists(sentences, lists.texts(rng), word_lists)
        return (prefix + text for text in chain(mixed, (pair[side] for pair in pairs)))

    for side, (name, tokenizer) in enumerate((("student", context.tokenizer), ("teacher", teacher))):
        encode_corpus(tokenizer, texts(side), folder / name, progress=context.progress)
    sync_tree(folder)
    write_json(done, {"key": key, "pairs": len(pairs)})


def mixed_lengths(lines: Iterable[str], whole_lines: float, rng: np.random.Generator) -> Iterator[str]:
    """Give some lines whole, and the sentences of the others.

    Args:
        lines: Lines of text.
        whole_lines: Share of the lines that stay whole.
        rng: Chooses them.
    """
    for line in lines:
        if rng.random() < whole_lines:
            yield line
        else:
            yield from cut_sentences(line)


SENTENCE_END = re.compile(r"(?<=[.!?…।؟۔:;])[\"'»”’)]?\s+|(?<=[。！？])")
LEAST_CHARACTERS = 8


def cut_sentences(line: str) -> list[str]:
    """Cut a line behind what ends a sentence in most scripts; short remains are left out.

    Where exactly sentences end is of no importance here: what counts is that texts are short.
    """
    pieces = [piece.strip() for piece in SENTENCE_END.split(line)]
    return [piece for piece in pieces if len(piece) >= LEAST_CHARACTERS] or [line]


def with_lists(texts: Iterator[str], lists: Iterator[str], share: float) -> Iterator[str]:
    """Put lists of words between texts, so that they make up a share of the characters."""
    owed = 0.0
    for text in texts:
        yield text
        owed += len(text) * share / (1 - share)
        while owed > 0 and (words := next(lists, None)) is not None:
            owed -= len(words)
            yield words


def _without_marks(word: str) -> str:
    """A word without the punctuation around it."""
    start, end = 0, len(word)
    while start < end and not word[start].isalnum():
        start += 1
    while end > start and not (word[end - 1].isalnum() or word[end - 1] > "\u02ff"):
        end -= 1  # vowel signs are no letters to Python, but belong to their word
    return word[start:end]
