"""How far a model with another vocabulary is from the original before any training: measured, in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Int64
from transformers import PreTrainedTokenizerFast

from monoglot.errors import ModelError
from monoglot.evaluation.line_scores import Interval, TeacherDistance, paired_difference
from monoglot.evaluation.quality import held_out_places, measure_of, perfect
from monoglot.initialization.initialize import initialize
from monoglot.initialization.registry import get_method
from monoglot.initialization.transfer import Transfer
from monoglot.model.piece_states import PieceReader
from monoglot.model.source import Source
from monoglot.model.transplant import transplant
from monoglot.pipeline.inputs import method_for
from monoglot.pipeline.stages.tokenizer import overlap_of_retained, with_rows
from monoglot.progress import SILENT, Progress
from monoglot.settings import MODE, Settings
from monoglot.tokenization.encoding import encode_corpus
from monoglot.tokenization.overlap import Overlap, match
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.engine import TokenVectors
from monoglot.vectors.registry import get_engine


@dataclass(frozen=True)
class StepZeroScore:
    """What a vocabulary does to held-out text before any training.

    Attributes:
        new_share: Share of the tokens that the source does not have.
        distance: How much worse than the original: 1 - cosine of sentence vectors, or bits per byte more,
            with the 95% interval of a bootstrap over lines.
    """

    new_share: float
    distance: Interval


class StepZero:
    """Scores a source model with other vocabularies, initialized as `specialize` does by default.

    Attributes:
        label: What is measured, for people.
        lines: The held-out lines.
        bits_per_byte: The original's, where distances are bits per byte above it; else ``None``.
    """

    def __init__(
        self, source: Source, sample: Sequence[str], heldout: Sequence[str], progress: Progress = SILENT
    ) -> None:
        """Measure the original.

        Args:
            source: The source model, which is not changed.
            sample: Text to train auxiliary vectors on.
            heldout: Other lines of that text.
            progress: Where to show how far it is.

        Raises:
            ModelError: If the model can't be scored on text; the message says why.
        """
        self._source, self._sample, self._settings = source, sample, Settings()
        self._measure = measure_of(source)
        self.label = self._measure.label
        places = held_out_places(heldout, sentences=isinstance(self._measure, TeacherDistance))
        self.lines = tuple(heldout[place] for place in places)
        if not self.lines:
            raise ModelError("there are no held-out lines to measure on")
        if isinstance(self._measure, TeacherDistance):
            self._original = perfect(len(self.lines))
            self.bits_per_byte: float | None = None
        else:
            self._original = self._measure(source.model, source.tokenizer, self.lines, progress=progress)
            self.bits_per_byte = self._original.mean

    def __call__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        kept_source_ids: Int64[np.ndarray, " kept"] | None = None,
        *,
        mode: MODE,
        progress: Progress = SILENT,
    ) -> StepZeroScore:
        """Measure a vocabulary.

        Args:
            tokenizer: The target tokenizer.
            kept_source_ids: Source id of each of its first tokens, where they are known to be the source's.
            mode: How it was made, which the method depends on.
            progress: Where to show how far it is.
        """
        source, target = self._source, Vocabulary.of(tokenizer)
        pairs = (
            match(source.vocabulary, target)
            if kept_source_ids is None
            else overlap_of_retained(kept_source_ids, target)
        )
        overlap = with_rows(pairs, source.checkpoint.tables.rows)
        ids = tokenizer(list(self.lines), add_special_tokens=False)["input_ids"]
        new = np.isin(np.array([id for row in ids for id in row]), overlap.missing)
        vectors = self._vectors(tokenizer, target, overlap)
        method = get_method(method_for(source, replace(self._settings, mode=mode)), {})
        transfer = Transfer.of(
            source.tokenizer,
            tokenizer,
            overlap=self._needed(overlap, tokenizer),
            embeddings=source.embeddings,
            vectors=vectors,
            vocabularies=(source.vocabulary, target),
            seed=self._settings.seed,
        )
        if method.reads_model:
            transfer = replace(transfer, reader=self._reader)
        mixture = initialize(transfer, method, seed=self._settings.seed, progress=progress)
        model = transplant(source.model, mixture, tokenizer, source_tokenizer=source.tokenizer).eval()
        scored = self._measure(model, tokenizer, self.lines, progress=progress)
        distance = paired_difference(
            scored.amounts[None], self._original.amounts[None], scored.sizes, seed=self._settings.seed
        )
        return StepZeroScore(float(new.mean()) if len(new) else 0.0, distance)

    @cached_property
    def _reader(self) -> PieceReader:
        """Reads the source's own tokens once for all vocabularies."""
        return PieceReader(self._source.model, self._source.tokenizer)

    def _needed(self, overlap: Overlap, tokenizer: PreTrainedTokenizerFast) -> Overlap:
        """Leave out rows that change nothing: a sentence vector depends on its own tokens only."""
        if not isinstance(self._measure, TeacherDistance):
            return overlap  # each token has a share in the probability of all others
        texts = [self._measure.prefix + line for line in self.lines]
        read = {id for row in tokenizer(texts)["input_ids"] for id in row}
        return replace(overlap, missing=overlap.missing[np.isin(overlap.missing, list(read))])

    def _vectors(
        self, tokenizer: PreTrainedTokenizerFast, target: Vocabulary, overlap: Overlap
    ) -> TokenVectors | None:
        """Auxiliary vectors from the sample; ``None`` where every token is copied."""
        if not len(overlap.missing):
            return None
        engine = get_engine(self._settings.vectors, {})
        with tempfile.TemporaryDirectory() as folder:
            tokens = encode_corpus(tokenizer, self._sample, Path(folder))
            return engine.train(
                tokens, target, seed=self._settings.seed, threads=self._settings.n_threads, progress=SILENT
            )
