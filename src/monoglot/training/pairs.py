"""The texts of a distillation, as the student reads them and as the teacher does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from transformers import PreTrainedTokenizerFast

from monoglot.errors import CorpusError
from monoglot.run import content_key, read_json, write_json
from monoglot.run.atomic_files import sync_tree
from monoglot.tokenization.encoding import TokenizedCorpus, encode_corpus
from monoglot.training.objectives.base import Lesson
from monoglot.training.texts import WordLists, mixed_lengths

STREAM = 3
"""Keeps these draws apart from others of the same seed."""


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


def prepare_texts(
    lesson: Lesson,
    teacher: PreTrainedTokenizerFast,
    folder: Path,
    *,
    prefix: str,
    whole_lines: float,
    word_lists: float,
    parallel: Path | None,
) -> None:
    """Write the texts of a lesson as tokens of both models, unless they have been written.

    Args:
        lesson: Student and text.
        teacher: The teacher's tokenizer.
        folder: Where they go.
        prefix: Put before each text.
        whole_lines: Share of the lines that are not cut into sentences.
        word_lists: Share of the characters that are lists of words.
        parallel: A file of ``text<TAB>translation`` that is read as well.

    Raises:
        CorpusError: If the parallel text can't be read.
    """
    given = ["pairs", prefix, whole_lines, word_lists, str(parallel), lesson.seed, lesson.corpus.tokens]
    key, done = content_key(given), folder / "texts.json"
    if done.is_file() and read_json(done)["key"] == key:
        return
    lists = WordLists.of(lesson.lines(), lesson.tokenizer) if word_lists else WordLists(())
    pairs = read_pairs(parallel) if parallel else []

    def texts(side: int) -> Iterator[str]:
        rng = np.random.default_rng([lesson.seed, STREAM])
        sentences = mixed_lengths(lesson.lines(), whole_lines, rng)
        mixed = with_lists(sentences, lists.texts(rng), word_lists)
        return (prefix + text for text in chain(mixed, (pair[side] for pair in pairs)))

    for side, (name, tokenizer) in enumerate((("student", lesson.tokenizer), ("teacher", teacher))):
        encode_corpus(tokenizer, texts(side), folder / name, progress=lesson.progress)
    sync_tree(folder)
    write_json(done, {"key": key, "pairs": len(pairs)})


def with_lists(texts: Iterator[str], lists: Iterator[str], share: float) -> Iterator[str]:
    """Put lists of words between texts, so that they make up a share of the characters."""
    owed = 0.0
    for text in texts:
        yield text
        owed += len(text) * share / (1 - share)
        while owed > 0 and (words := next(lists, None)) is not None:
            owed -= len(words)
            yield words


def read_pairs(file: Path) -> list[tuple[str, str]]:
    """Read parallel text.

    Raises:
        CorpusError: If there is no such file, or a line is not ``text<TAB>translation``.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{file} can't be read as parallel text ({error}); expected UTF-8") from error
    pairs = []
    for number, line in enumerate(lines, start=1):
        fields = [field.strip() for field in line.split("\t")]
        if len(fields) != 2 or not all(fields):
            raise CorpusError(f"line {number} of {file} has not two columns: expected text<TAB>translation")
        pairs.append((fields[0], fields[1]))
    return pairs
