"""`explain`: what became of single words and tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64

from monoglot.errors import SettingError
from monoglot.maths.mixture import Mixture, Provenance
from monoglot.model.source import Source
from monoglot.pipeline.explain_words import Words
from monoglot.pipeline.report_artifacts import Artifacts
from monoglot.pipeline.report_source import find_source, speller
from monoglot.report.explanation import (
    Explanation,
    Neighbor,
    Parent,
    TokenExplanation,
    cosines_to,
    nearest_rows,
)
from monoglot.report.wording import provenance_name

NEIGHBORS = 8


def explain(
    output: str | Path,
    words: Sequence[str],
    *,
    source: str | None = None,
    neighbors: int = NEIGHBORS,
    trust_remote_code: bool = False,
) -> Explanation:
    """Tell how words are cut before and after, and what the rows of their tokens are made of.

    Args:
        output: Folder that `specialize`, or `adapt` after it, wrote.
        words: Words (``Haus``) and tokens (``▁Haus``).
        source: The source model, if it is elsewhere than it was.
        neighbors: How many nearest tokens to find in each space.
        trust_remote_code: Whether code that comes with the models may run.

    Raises:
        OutputError: If monoglot did not make the folder.
        ModelError: If a source is named that can't be used, or is not the one.
        SettingError: If the run changed no vocabulary, or a marked text is no token.
    """
    artifacts = Artifacts(Path(output), trust_remote_code=trust_remote_code)
    mixture = artifacts.mixture
    if mixture is None:
        raise SettingError(
            f"{output} has the vocabulary of the model it was trained from: give the output of specialize, "
            "or of adapt after it"
        )
    found = find_source(artifacts, source)
    name_source = speller(found.model)
    old = found.model.tokenizer if found.model else None
    lookup = Words(artifacts.vocabulary, artifacts.tokenizer, old, name_source)
    cut, ids = lookup.find(words)
    explainer = _Explainer(artifacts, mixture, found.model, lookup.spelling, name_source, neighbors)
    notes = [
        f"'{word.text}' holds characters that the new tokenizer does not know" for word in cut if word.unknown
    ]
    if found.model is None:
        notes.append(
            "without the source model its tokens are numbers, and what lies near in its embeddings can't be "
            f"told ({found.reason})"
        )
    return Explanation(tuple(cut), tuple(map(explainer.token, ids)), tuple(notes))


@dataclass(frozen=True)
class _Explainer:
    """Looks up what is known of single tokens."""

    artifacts: Artifacts
    mixture: Mixture
    source: Source | None
    spelling: dict[int, str]
    name_source: Callable[[int], str]
    neighbors: int

    def token(self, id: int) -> TokenExplanation:
        """Explain a target id."""
        provenance = Provenance(self.mixture.provenance[id]).name.lower()
        return TokenExplanation(
            token=self.spelling[id],
            id=id,
            provenance=provenance_name(provenance, self.artifacts.settings["method"]),
            count=int(self.artifacts.counts[id]),
            parents=self._parents(id),
            near_new=self._near_new(id),
            near_old=self._near_old(id),
            near_auxiliary=self._near_auxiliary(id),
        )

    def _parents(self, id: int) -> tuple[Parent, ...]:
        entries = self.mixture.explain(id)
        ids = np.array([parent for parent, _ in entries], np.int64)
        cosines: list[float | None] = [None] * len(ids)
        if self.source is not None and len(ids):
            cosines = list(cosines_to(self.artifacts.embeddings[id], self.source.embeddings, ids))
        auxiliary = self._auxiliary_cosines(id, ids)
        return tuple(
            Parent(self.name_source(parent), weight, cosine, other)
            for (parent, weight), cosine, other in zip(entries, cosines, auxiliary, strict=True)
        )

    def _auxiliary_cosines(self, id: int, parents: Int64[np.ndarray, " ids"]) -> list[float | None]:
        """How alike the auxiliary vectors of a token and of its parents are, where both have one."""
        vectors, overlap = self.artifacts.vectors, self.artifacts.overlap
        if vectors is None or overlap is None or not vectors.usable[id]:
            return [None] * len(parents)
        target_of = dict(zip(overlap.source_ids.tolist(), overlap.target_ids.tolist(), strict=True))
        partners = [target_of.get(parent) for parent in parents.tolist()]
        matrix = torch.from_numpy(vectors.matrix)
        return [
            cosines_to(matrix[id], matrix, np.array([partner]))[0]
            if partner is not None and vectors.usable[partner]
            else None
            for partner in partners
        ]

    def _near_new(self, id: int) -> tuple[Neighbor, ...]:
        table = self.artifacts.embeddings
        allowed = np.zeros(self.mixture.n_target, bool)
        allowed[self.artifacts.vocabulary.ids] = True
        allowed[id] = False
        found = nearest_rows(table[id], table, allowed, self.neighbors)
        return tuple(Neighbor(self.spelling[row], cosine) for row, cosine in found)

    def _near_old(self, id: int) -> tuple[Neighbor, ...] | None:
        """The nearest rows of the source that were trained; not the very row that was copied."""
        if self.source is None:
            return None
        allowed = self.mixture.trained.copy()
        if self.mixture.provenance[id] == Provenance.COPIED:
            allowed[self.mixture.rows.row(id)[0]] = False
        found = nearest_rows(self.artifacts.embeddings[id], self.source.embeddings, allowed, self.neighbors)
        return tuple(Neighbor(self.name_source(row), cosine) for row, cosine in found)

    def _near_auxiliary(self, id: int) -> tuple[Neighbor, ...] | None:
        vectors = self.artifacts.vectors
        if vectors is None or not vectors.usable[id]:
            return None
        allowed = vectors.usable.copy()
        allowed[id] = False
        matrix = torch.from_numpy(vectors.matrix)
        found = nearest_rows(matrix[id], matrix, allowed, self.neighbors)
        return tuple(Neighbor(self.spelling[row], cosine) for row, cosine in found)
