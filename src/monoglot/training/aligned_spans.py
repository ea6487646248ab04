"""Aligned spans: where two tokenizations of a text share boundaries, and hidden states compared there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int64
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from monoglot.tokenization.encoding import TokenizedCorpus
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.training.objective import Batch
from monoglot.training.packing import Windows
from monoglot.training.teacher import Documents, Reader


@dataclass(frozen=True)
class SpanAlignment:
    """Spans between the boundaries that two tokenizations share.

    Attributes:
        first: The span of each token of the first tokenization; -1 for a token in no span.
        second: The span of each token of the second tokenization.
        spans: Number of spans.
    """

    first: Int64[np.ndarray, " tokens"]
    second: Int64[np.ndarray, " others"]
    spans: int


NOWHERE = -1
States = Iterator[tuple[Documents, Float[Tensor, "rows tokens dim"], Bool[Tensor, "rows tokens"]]]
"""What `Reader.hidden` yields."""


@dataclass(frozen=True)
class AlignedSpans:
    """Finds aligned spans of student and teacher, and one state for each.

    Attributes:
        documents: What the student reads.
        reader: Runs the teacher over the same documents.
        lengths: Bytes of each token of student and teacher.
        causal: Whether a state has read only what comes before it: the last of a span stands for it then,
            otherwise the mean.
        same: How many documents both read, from the first on; those behind them are translations.
    """

    documents: TokenizedCorpus
    reader: Reader
    lengths: tuple[Int64[np.ndarray, " ids"], Int64[np.ndarray, " ids"]]
    causal: bool
    same: int

    @classmethod
    def of(
        cls,
        documents: TokenizedCorpus,
        reader: Reader,
        tokenizers: tuple[PreTrainedTokenizerFast, PreTrainedTokenizerFast],
        *,
        causal: bool,
        same: int | None = None,
    ) -> AlignedSpans:
        """Measure the tokens of student and teacher; without ``same`` both read all documents."""
        first, second = (byte_lengths(tokenizer) for tokenizer in tokenizers)
        return cls(documents, reader, (first, second), causal, documents.lines if same is None else same)

    def collate(self, windows: Windows, chosen: Bool[np.ndarray, " segments"] | None = None) -> Batch:
        """To which span of a batch each token of student and teacher belongs.

        Args:
            windows: Packed documents.
            chosen: Which segments are compared; all by default. An encoder that reads the beginning of a text
                has other states than one that reads it to the end.
        """
        span_of = np.full(windows.ids.shape, NOWHERE, np.int64)
        rows, count = [], 0
        for piece, document in enumerate(windows.documents.tolist()):
            here = (windows.segments == piece) & windows.is_text
            found = self._align(document, windows.ids[here], compared=chosen is None or bool(chosen[piece]))
            span_of[here] = np.where(found.first == NOWHERE, NOWHERE, found.first + count)
            rows.append(np.where(found.second == NOWHERE, NOWHERE, found.second + count))
            count += found.spans
        longest = max(map(len, rows))
        padded = np.stack([np.pad(row, (0, longest - len(row)), constant_values=NOWHERE) for row in rows])
        return {"spans": torch.from_numpy(span_of), "teacher_spans": torch.from_numpy(padded)}

    def _align(self, document: int, ids: Int64[np.ndarray, " tokens"], *, compared: bool) -> SpanAlignment:
        """Align what a window has of a document with what the teacher reads."""
        template, read = self.reader.template, self.reader.ids(document)
        text = read[len(template.before) : len(read) - len(template.after)]
        first, second = (lengths[part] for lengths, part in zip(self.lengths, (ids, text), strict=True))
        whole = [
            lengths[corpus.ids[slice(*corpus.offsets[document : document + 2])]].sum()
            for lengths, corpus in zip(self.lengths, (self.documents, self.reader.corpus), strict=True)
        ]
        if compared and document < self.same and whole[0] == whole[1]:
            found = align(first, second)
        else:  # not wanted, a translation, unknown tokens, or normalizers that differ: bytes say nothing
            found = SpanAlignment(np.full_like(first, NOWHERE), np.full_like(second, NOWHERE), 0)
        around = (len(template.before), len(template.after))
        return replace(found, second=np.pad(found.second, around, constant_values=NOWHERE))

    def student(
        self, hidden: Float[Tensor, "windows tokens dim"], batch: Batch
    ) -> Float32[Tensor, "spans dim"]:
        """Compute the student's state of each span; of no span, if no boundary was found."""
        return self._reduce(hidden, batch["spans"], int(batch["spans"].max()) + 1)

    def teacher(
        self, states: States, batch: Batch, like: Float32[Tensor, "spans dim"]
    ) -> Float32[Tensor, "spans dim"]:
        """Compute the teacher's state of each span.

        Args:
            states: The teacher's hidden states of the batch's documents.
            batch: The batch.
            like: The student's.
        """
        wanted = torch.zeros_like(like)
        for places, hidden, mask in states:
            spans = batch["teacher_spans"][places][:, : mask.shape[1]]
            wanted += self._reduce(hidden, spans.masked_fill(~mask, NOWHERE), len(like))
        return wanted

    def _reduce(
        self, hidden: Float[Tensor, "rows tokens dim"], spans: Int64[Tensor, "rows tokens"], count: int
    ) -> Float32[Tensor, "spans dim"]:
        counted = spans != NOWHERE
        if self.causal:
            following = torch.nn.functional.pad(spans[:, 1:], (0, 1), value=NOWHERE)
            counted &= spans != following
        owner, states = spans[counted], hidden[counted].float()
        zeros = torch.zeros(count, hidden.shape[-1], dtype=torch.float32, device=hidden.device)
        tokens = torch.bincount(owner, minlength=count).clamp(min=1)
        return zeros.index_add(0, owner, states) / tokens[:, None]


def align(first: Int64[np.ndarray, " tokens"], second: Int64[np.ndarray, " others"]) -> SpanAlignment:
    """Align two tokenizations of a text, or of a text and its beginning.

    Args:
        first: Number of bytes of each token of the first tokenization.
        second: Number of bytes of each token of the second.

    Returns:
        Spans from the beginning of the text to the last common boundary; tokens after it belong to none. A
        token of no bytes belongs to the span of the token after it.
    """
    ends = np.cumsum(first), np.cumsum(second)
    common = np.intersect1d(*ends)
    common = common[common > 0]

    def spans(lengths: Int64[np.ndarray, " n"], ends: Int64[np.ndarray, " n"]) -> np.ndarray:
        # A token of no bytes ends where the one before it does, but begins what comes next.
        span = np.searchsorted(common, np.where(lengths > 0, ends, ends + 1))
        return np.where(span < len(common), span, NOWHERE)

    return SpanAlignment(spans(first, ends[0]), spans(second, ends[1]), len(common))


def byte_lengths(tokenizer: PreTrainedTokenizerFast) -> Int64[np.ndarray, " ids"]:
    """Count the bytes of text of each token, without white space; special tokens have none.

    White space is left out because tokenizers disagree about which token has it.
    """
    vocabulary = Vocabulary.of(tokenizer)
    lengths = np.zeros(vocabulary.size, np.int64)
    for token in vocabulary.tokens:
        if not token.roles:
            lengths[token.id] = len(b"".join(token.form.split()))
    return lengths
