"""What a teacher makes of texts: its hidden states, and sentence vectors that are kept on disk."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int64
from numpy.typing import DTypeLike
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.errors import ModelError
from monoglot.maths.sparse import offsets
from monoglot.model.hidden_states import last_hidden_states
from monoglot.model.longest_input import longest_input_tokens
from monoglot.model.pooling import Pooling, cosines, pool_rows
from monoglot.tokenization.encoding import TokenizedCorpus
from monoglot.tokenization.special_token_template import SpecialTokenTemplate
from monoglot.tokenization.vocabulary import plain_backend
from monoglot.training.objective import Teacher

BATCH_TOKENS = 4096
LONGEST_TOKENS = 512
LEAST_FILL = 0.8
"""The shortest document of a batch is at least this share of the longest.

The rest of a row is padding, which costs as much as text. For the documents of a step (some thirty, of 5 to
200 tokens) that is 2.6 times as fast as one batch.
"""

Documents = Int64[np.ndarray, " documents"]


def check_teacher(teacher: Teacher | None, student: PreTrainedModel) -> Teacher:
    """Refuse a teacher whose hidden states can't be compared with the student's.

    Raises:
        ModelError: If there is none, or it is as wide as the student is not.
    """
    if teacher is None:
        raise ModelError("distillation needs a teacher: name the original model with --teacher")
    widths = [model.config.get_text_config().hidden_size for model in (teacher.model, student)]
    if widths[0] != widths[1]:
        raise ModelError(
            f"the teacher's hidden states have {widths[0]} numbers and the student's {widths[1]}; expected "
            "equally many: name the model that the student was made of"
        )
    return teacher


@dataclass(frozen=True)
class Reader:
    """Runs a model over documents without gradients.

    Attributes:
        model: The model.
        corpus: The documents as its tokens, without special ones.
        template: The special tokens around each.
        longest_tokens: Longer documents are cut.
        pad_id: Fills rows.
    """

    model: PreTrainedModel
    corpus: TokenizedCorpus
    template: SpecialTokenTemplate
    longest_tokens: int
    pad_id: int

    @classmethod
    def of(
        cls, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, corpus: TokenizedCorpus
    ) -> Reader:
        """Find out what a model's tokenizer puts around a text, and how long texts may be."""
        longest, pad = min(longest_input_tokens(model, tokenizer), LONGEST_TOKENS), tokenizer.pad_token_id
        return cls(
            model, corpus, SpecialTokenTemplate.of(tokenizer), longest, pad if isinstance(pad, int) else 0
        )

    def ids(self, document: int) -> Int64[np.ndarray, " tokens"]:
        """The tokens of a document, special ones included."""
        start, end = self.corpus.offsets[document : document + 2]
        text = self.corpus.ids[start : min(end, start + self.longest_tokens - self.template.tokens)]
        return np.concatenate([self.template.before, text, self.template.after]).astype(np.int64)

    @torch.no_grad()
    def hidden(
        self, documents: Documents, device: torch.device
    ) -> Iterator[tuple[Documents, Float[Tensor, "rows tokens dim"], Bool[Tensor, "rows tokens"]]]:
        """Compute last hidden states, documents of like length together.

        Args:
            documents: Numbers of documents.
            device: Where to compute; the model is moved there.

        Yields:
            Places in ``documents``, their hidden states, and which of these are no padding.
        """
        if self.model.device != device:
            self.model.to(device)  # type: ignore[arg-type]  # torch's stubs lack this overload
        rows = [self.ids(document) for document in documents.tolist()]
        order = np.argsort([len(row) for row in rows], kind="stable")
        while len(order):
            longest = len(rows[order[-1]])
            alike = sum(len(rows[index]) >= LEAST_FILL * longest for index in order)
            size = min(alike, max(1, BATCH_TOKENS // longest))
            chosen, order = order[-size:], order[:-size]
            ids = np.full((len(chosen), longest), self.pad_id, np.int64)
            for place, index in enumerate(chosen):
                ids[place, : len(rows[index])] = rows[index]
            lengths = np.array([len(rows[index]) for index in chosen])
            mask = torch.from_numpy(np.arange(longest) < lengths[:, None]).to(device)
            inputs = {"input_ids": torch.from_numpy(ids).to(device), "attention_mask": mask.long()}
            yield chosen, last_hidden_states(self.model, inputs), mask

    def vectors(
        self, documents: Documents, pooling: Pooling, device: torch.device
    ) -> Float32[Tensor, "documents dim"]:
        """Compute sentence vectors of length one.

        Args:
            documents: Numbers of documents.
            pooling: What a vector is made of.
            device: Where to compute.
        """
        width = self.model.config.get_text_config().hidden_size
        vectors = torch.zeros(len(documents), width, dtype=torch.float32, device=device)
        for places, hidden, mask in self.hidden(documents, device):
            vectors[torch.from_numpy(places)] = pool_rows(hidden, mask, pooling)
        return vectors


class SentenceVectors:
    """Sentence vectors of a teacher, computed when first asked for and kept in a file.

    A second file has the CRC-32 of each row, written after the rows: one that a killed process or a power
    failure left half written is computed again.
    """

    def __init__(self, reader: Reader, pooling: Pooling, file: Path) -> None:
        """Open or begin the file.

        Args:
            reader: Runs the teacher.
            pooling: What a vector is made of.
            file: Keeps the vectors as float16.
        """
        self._reader, self._pooling = reader, pooling
        shape = (reader.corpus.lines, reader.model.config.get_text_config().hidden_size)
        self._rows = _mapped(file, np.float16, shape)
        self._checks = _mapped(file.with_suffix(".crc.npy"), np.uint32, shape[:1])

    def __call__(self, documents: Documents, device: torch.device) -> Float32[Tensor, "documents dim"]:
        """Vectors of some documents."""
        known = self._rows[documents]
        unknown = np.flatnonzero(_checksums(known) != self._checks[documents])
        if len(unknown):
            vectors = self._reader.vectors(documents[unknown], self._pooling, device)
            known[unknown] = vectors.to(torch.float16).cpu().numpy()
            self._rows[documents[unknown]] = known[unknown]
            self._checks[documents[unknown]] = _checksums(known[unknown])
        return torch.from_numpy(known.astype(np.float32)).to(device)


def _mapped(file: Path, dtype: DTypeLike, shape: tuple[int, ...]) -> np.memmap:
    """A matrix in a file, of zeros at first; the file is there completely or not at all."""
    if not file.exists():
        begun = file.with_suffix(f".tmp-{os.getpid()}")
        np.lib.format.open_memmap(begun, "w+", dtype, shape).flush()
        begun.replace(file)
    return np.lib.format.open_memmap(file, "r+")


def _checksums(rows: np.ndarray) -> np.ndarray:
    """The CRC-32 of each row; never 0, which stands for a row that was not written."""
    return np.array([zlib.crc32(row.tobytes()) or 1 for row in rows], np.uint32)


@dataclass(frozen=True)
class DistanceEvaluator:
    """Measures the distance of a student to its teacher on held-out lines.

    Attributes:
        teacher: The teacher.
        tokenizer: The student's tokenizer.
        pooling: What a sentence vector is made of.
        prefix: Put before each line.
    """

    teacher: Teacher
    tokenizer: PreTrainedTokenizerFast
    pooling: Pooling
    prefix: str

    def distance(self, student: PreTrainedModel, lines: Sequence[str]) -> float:
        """Compute 1 minus the mean cosine of both models' vectors."""
        texts = [self.prefix + line for line in lines]
        found, wanted = (
            Reader.of(model, tokenizer, encode_lines(tokenizer, texts)).vectors(
                np.arange(len(texts)), self.pooling, student.device
            )
            for model, tokenizer in (
                (student, self.tokenizer),
                (self.teacher.model, self.teacher.tokenizer),
            )
        )
        return 1 - float(cosines(found, wanted).mean())


def encode_lines(tokenizer: PreTrainedTokenizerFast, lines: Sequence[str]) -> TokenizedCorpus:
    """Tokenize a few lines into a corpus in memory."""
    encodings = plain_backend(tokenizer).encode_batch_fast(list(lines), add_special_tokens=False)
    ids = [np.array(encoding.ids, np.uint32) for encoding in encodings]
    return TokenizedCorpus(np.concatenate(ids), offsets(np.array([len(row) for row in ids])))
