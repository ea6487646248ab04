"""multilingual-e5-small with another vocabulary before any training: for experiments on initialization.

The target tokenizer is that of the FOCUS authors for German, Arabic and Swahili; vectors are trained on the
first megabytes of the corpus. Scored are held-out lines (cosine to the original's vectors) and Tatoeba (P@1
of finding the English translation, embedded by the original), over all and over three draws of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import stdev
from typing import Any

import numpy as np
import torch

from benchmarks import pages
from benchmarks.graft import first_bytes
from benchmarks.step_zero import Case
from experiments.experiment import Dot, budget, cell, draws, gap, picture
from experiments.spaces import Spaces
from monoglot import Settings, get_method, initialize, match, specialize
from monoglot.evaluation.sentences import embed
from monoglot.initialization.transfer import Transfer
from monoglot.maths.mixture import Mixture
from monoglot.model.folder import load_model
from monoglot.model.source import Source
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.progress import Terminal
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.engine import TokenVectors

PREFIX = "query: "


class BeforeTraining(Case):
    """One language: source model, target vocabulary, texts, vectors."""

    def __init__(self, data: Path, models: Path, language: str, work: Path, corpus_bytes: int) -> None:
        super().__init__(data, models, language, work)
        text = first_bytes(self.folder / "corpus.txt.gz", corpus_bytes, self.scratch / "corpus.txt")
        self.corpus, self.source = str(text), Source(str(models / "e5-small"), models / "e5-small")
        self.spaces = Spaces(self.scratch, self.tokenizer, text, self.source)
        self.pairs, self.sts = {"tatoeba": self.pairs["tatoeba"]}, []

    def read_ids(self) -> np.ndarray:
        """Ids of all tokens that are scored; the rows of others change nothing."""
        texts = [PREFIX + text for text in [*self.heldout, *(pair["src"] for pair in self.pairs["tatoeba"])]]
        return np.unique([id for ids in self.tokenizer(texts)["input_ids"] for id in ids])

    def initialized(
        self, method: str, options: Mapping[str, Any], vectors: TokenVectors | None
    ) -> tuple[Mixture, Transfer]:
        """Rows of a method, of the tokens that are scored."""
        made = get_method(method, options)
        spelling = "reference" if made.matching == "reference" else "exact"
        both = [Vocabulary.of(one, canonicalization=spelling) for one in (self.original, self.tokenizer)]
        overlap = match(*both, strategy=made.matching)
        needed = overlap.missing[np.isin(overlap.missing, self.read_ids())]
        table = self.model.get_input_embeddings().weight.detach()
        transfer = Transfer.of(
            self.original, self.tokenizer, matching=made.matching, overlap=replace(overlap, missing=needed),
            embeddings=table, vectors=vectors, vocabularies=(both[0], both[1]),
        )  # fmt: skip
        return initialize(transfer, made), transfer

    def row(self, method: str, options: Mapping[str, Any], vectors: TokenVectors | None) -> dict[str, Any]:
        """All figures of a method."""
        mixture, transfer = self.initialized(method, options, vectors)
        scores = self.score(mixture)
        return {
            "distance": [1 - value for value in scores["cosine"]],
            "tatoeba": scores["tatoeba"],
            "anchors": len(transfer.anchors().target_ids) if vectors is not None else None,
            "parameters": self.parameters(len(self.tokenizer)),
        }

    def parameters(self, tokens: int) -> int:
        """Parameters of the model with so many tokens."""
        table = self.model.get_input_embeddings().weight
        whole = sum(parameter.numel() for parameter in self.model.parameters())
        return whole + (tokens - len(table)) * table.shape[1]

    def original_row(self) -> dict[str, Any]:
        """The original as it is."""
        return self._row_of(self.model, self.original, len(self.model.get_input_embeddings().weight))

    def trim_row(self, seed: int) -> dict[str, Any]:
        """The original's vocabulary, trimmed to the text."""
        output = self.scratch / "trim"
        if not output.exists():
            settings = Settings(mode="trim", seed=seed, threads=1)
            specialize(self.source.folder, [self.corpus], output, settings, progress=Terminal())
        tokenizer = load_tokenizer(output)
        return self._row_of(load_model(output), tokenizer, len(tokenizer))

    def _row_of(self, model: Any, tokenizer: Any, tokens: int) -> dict[str, Any]:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            heldout = embed(model, tokenizer, self.heldout, prefix=PREFIX)
            queries = embed(model, tokenizer, [pair["src"] for pair in self.pairs["tatoeba"]], prefix=PREFIX)
        distances = 1 - (heldout * self.references["heldout"]).sum(axis=1)
        found = (queries @ self.references["tatoeba"].T).argmax(axis=1) == np.arange(len(queries))
        return {
            "distance": draws(distances),
            "tatoeba": draws(found.astype(float)),
            "anchors": None,
            "parameters": self.parameters(tokens),
        }


FIGURES = {"distance": ("distance", 4), "bits_per_byte": ("bits per byte", 3)}
"""What is measured of an encoder and of a decoder: heading and digits."""


def measured(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Which of `FIGURES` the rows have."""
    return next(key for key in FIGURES if all(key in row for row in rows.values()))


def table(
    content: Mapping[str, Any], names: Iterable[str], reference: str, more: Mapping[str, str] | None = None
) -> str:
    """A table of rows.

    Args:
        content: The result.
        names: Its rows, in order; those that were not measured are left out.
        reference: The row that differences are taken to.
        more: A further column: its heading, and the key of the row.
    """
    rows, lines = content["rows"], []
    key = measured(rows)
    heading, digits = FIGURES[key]
    for name in names:
        if name in rows:
            row = rows[name]
            less = "–"
            if reference in rows and name != reference:
                less = gap(row[key], rows[reference][key], digits)
            anchors = f"{row['anchors']:,}" if row["anchors"] else "–"
            found = [cell(row["tatoeba"], 3)] if "tatoeba" in row else []
            extra = [f"{row[one]:.0f}" if row.get(one) else "–" for one in (more or {}).values()]
            lines.append([name, anchors, f"{row['parameters'] / 1e6:.1f}M", cell(row[key], digits), less,
                          *found, *extra])  # fmt: skip
    retrieval = ["Tatoeba P@1"] if key == "distance" else []
    heads = ["", "anchors", "parameters", heading, f"against {reference}", *retrieval, *(more or {})]
    return pages.table(heads, lines) + f"\n\n{budget(content)}."


def distances(rows: Mapping[str, Mapping[str, Any]], names: Iterable[str]) -> str:
    """The picture of a table: distances or bits per byte, with the deviation over draws."""
    key = measured(rows)
    dots = [Dot(name, rows[name][key][0], stdev(rows[name][key][1:])) for name in names if name in rows]
    what = FIGURES[key][0].capitalize()
    return picture(f"{what} before any training; ± is the deviation over three draws of lines", dots)
