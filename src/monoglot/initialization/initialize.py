"""From an overlap to a mixture: copied rows, rows of the method, and the fallbacks for all others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float16, Float64, Int64

from monoglot.errors import SettingError
from monoglot.initialization.transfer import Transfer
from monoglot.maths.mixture import Correction, Mixture, Provenance
from monoglot.maths.sparse import SparseRows, offsets
from monoglot.options import check_types
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.overlap import Overlap, Strategy
from monoglot.tokenization.parts import Token
from monoglot.tokenization.pieces import Pieces
from monoglot.tokenization.scripts import script_of


@dataclass(frozen=True)
class Initializer(ABC):
    """A method that says of which source rows each missing token is made; its fields are its settings."""

    needs_vectors: ClassVar[bool] = False
    """Whether static vectors of the target tokens have to be trained for it."""
    reads_model: ClassVar[bool] = False
    """Whether it reads hidden states of the source model."""
    fallback: ClassVar[tuple[Provenance, ...]] = (Provenance.SUBWORD, Provenance.SCRIPT, Provenance.NOISE)
    """What becomes of tokens that it has no answer for, in order; the last answers for every token."""
    is_convex: ClassVar[bool] = True
    """Whether the weights of each answer sum to one, so that a row of equal parents is that parent."""
    ignores_untrained: ClassVar[bool] = True
    """Whether rows that were never trained are kept out of mixtures and of the noise."""

    def __post_init__(self) -> None:
        """Refuse values of another type than their field's, and numbers out of bounds.

        Raises:
            SettingError: If there is one.
        """
        check_types(self, type(self).__name__)

    @property
    def matching(self) -> Strategy:
        """How the overlap that it works on is found."""
        return "exact"

    @property
    def files(self) -> Mapping[str, str]:
        """The paths of the files that it reads, by what they are; a run knows them by their content."""
        return {}

    def check(self) -> None:
        """Refuse what can't be read, before any long work.

        Raises:
            InputError: If a file is not there, or is not what it should be.
        """
        for what, path in self.files.items():
            if not Path(path).is_file():
                raise SettingError(f"there is no file '{path}', which was given as the method's {what}")

    @abstractmethod
    def mix(self, transfer: Transfer, progress: Progress = SILENT) -> SparseRows:
        """Weights over source ids for each missing token; an empty row where the method has no answer."""

    def correction(
        self, transfer: Transfer, rows: SparseRows, progress: Progress = SILENT
    ) -> Float16[np.ndarray, "missing dim"] | None:
        """What is added to the mixed input embeddings of missing tokens, by methods that do more than mix.

        Output head and output bias, where they are tables of their own, are mixed and not corrected.

        Args:
            transfer: What is known of the two vocabularies.
            rows: The answers of ``mix``.
            progress: Where to show how far it is.

        Returns:
            Zeros for tokens that are mixed only; ``None`` if all are.
        """
        return None


def pieces_by_length(transfer: Transfer, pieces: Pieces | None = None) -> SparseRows:
    """Weights for the trained pieces of tokens, in proportion to their characters.

    Args:
        transfer: What is known of the two vocabularies.
        pieces: The source's pieces of each token; by default those of the missing tokens.
    """
    equal = equal_pieces(transfer, pieces)
    answered = np.flatnonzero(equal.lengths > 0)
    if not len(answered):
        return equal
    parts = _characters(transfer)[equal.indices]
    total = np.add.reduceat(parts, equal.indptr[answered])
    shares = (parts / np.repeat(total, equal.lengths[answered])).astype(np.float32)
    return SparseRows(equal.indptr, equal.indices, shares)


Group = tuple[str, bool | None]
"""A script, and whether tokens begin a word."""
MEMBERS = 256
"""How many tokens stand for a script: the first ones, which are frequent and well trained."""


def script_mean(transfer: Transfer, wanted: Bool[np.ndarray, " missing"]) -> SparseRows:
    """Equal weights for the first trained source tokens of the same script and place in the word.

    The idea is from Downey et al. 2023, "Embedding Structure Matters" (script, position, identity), which
    draws from the group's distribution; its mean is nearer to each member.

    Args:
        transfer: What is known of the two vocabularies.
        wanted: Which missing tokens to answer for.

    Returns:
        A row for each missing token; empty if not wanted, or if the source knows no token of the script.
    """
    groups = [group_of(transfer.target.by_id[id]) for id in transfer.overlap.missing[wanted].tolist()]
    members: dict[Group, list[int]] = {group: [] for group in groups}
    for token in transfer.source.tokens if members else ():
        if transfer.trained[token.id] and not token.roles:
            found = members.get(group_of(token))
            if found is not None and len(found) < MEMBERS:
                found.append(token.id)
    rows = [np.zeros(0, np.int64)] * len(wanted)
    for place, group in zip(np.flatnonzero(wanted).tolist(), groups, strict=True):
        rows[place] = np.array(members[group], np.int64)
    indices = np.concatenate([np.zeros(0, np.int64), *rows])
    indptr = offsets(np.array([len(row) for row in rows], np.int64))
    return SparseRows.uniform(indptr, indices, np.ones(len(indices), bool))


FALLBACKS: dict[Provenance, Callable[[Transfer, Bool[np.ndarray, " missing"]], SparseRows]] = {
    Provenance.SUBWORD: lambda transfer, wanted: pieces_by_length(transfer).kept(wanted),
    Provenance.SCRIPT: script_mean,
}
"""The fallbacks that are mixtures, by the provenance of their rows: each answers for the tokens wanted."""


def initialize(
    transfer: Transfer,
    method: Initializer,
    *,
    seed: int = 42,
    calibration: float = 0.0,
    progress: Progress = SILENT,
) -> Mixture:
    """Compute where each target row comes from.

    Overlapping tokens keep their row. The method answers for the missing ones; where it has no answer the
    next of its fallbacks does. Special tokens without a counterpart are no text: the last fallback is theirs.

    Args:
        transfer: What is known of the two vocabularies.
        method: The initialization method.
        seed: Seed of the noise.
        calibration: How far the shrinking of mixed rows is undone, from 0 to 1.
        progress: Where to show how far it is.

    Returns:
        One row for each target id, gaps included.

    Raises:
        ValueError: If the method returns rows of the wrong shape, or numbers that are not finite.
    """
    overlap = transfer.overlap
    is_text = ~np.isin(overlap.missing, [token.id for token in transfer.target.special])
    answers = method.mix(transfer, progress) if len(overlap.missing) else SparseRows.empty(0)
    _check(answers, method, len(overlap.missing), transfer.source.size)
    answers = answers.kept(is_text)
    correction = method.correction(transfer, answers, progress) if len(overlap.missing) else None
    if correction is not None:
        _check_correction(correction, method, (len(overlap.missing), transfer.required_embeddings.shape[1]))
    provenance = np.where(answers.lengths > 0, Provenance.METHOD, method.fallback[-1])
    for fallback in method.fallback[:-1]:
        open_rows = (answers.lengths == 0) & is_text
        found = FALLBACKS[fallback](transfer, open_rows)
        provenance[found.lengths > 0] = fallback
        answers = SparseRows.total([answers, found])
    answers = SparseRows.total([answers])  # each source token once in a row, for those who count or list them
    trained = transfer.trained if method.ignores_untrained else np.ones_like(transfer.trained)
    rows, codes = _place(overlap, answers, provenance.astype(np.uint8), transfer.target.size)
    corrected = None
    if correction is not None:
        places = np.flatnonzero((provenance == Provenance.METHOD) & correction.any(axis=1))
        corrected = Correction(overlap.missing[places], correction[places])
    return Mixture(rows, codes, trained, seed, calibration, corrected)


def _check(rows: SparseRows, method: Initializer, n_missing: int, n_source: int) -> None:
    """Refuse what a faulty method returns."""
    name = type(method).__name__
    if len(rows) != n_missing:
        raise ValueError(f"{name}.mix returned {len(rows)} rows for {n_missing} missing tokens")
    if not np.isfinite(rows.weights).all():
        raise ValueError(f"{name}.mix returned weights that are not finite")
    if len(rows.indices) and not 0 <= rows.indices.min() <= rows.indices.max() < n_source:
        raise ValueError(f"{name}.mix returned source ids outside 0 … {n_source - 1}")


def _check_correction(correction: np.ndarray, method: Initializer, shape: tuple[int, int]) -> None:
    """Refuse what a faulty method returns."""
    name = type(method).__name__
    if correction.shape != shape:
        raise ValueError(f"{name}.correction returned an array of shape {correction.shape}; expected {shape}")
    if not np.isfinite(correction).all():
        raise ValueError(f"{name}.correction returned numbers that are not finite, or not as float16")


def _place(
    overlap: Overlap, answers: SparseRows, provenance: np.ndarray, n_target: int
) -> tuple[SparseRows, np.ndarray]:
    """Put copied rows and answers at their target ids; ids that are neither stay unused."""
    known = SparseRows.stack([SparseRows.single(overlap.source_ids), answers, SparseRows.empty(1)])
    ids = np.concatenate([overlap.target_ids, overlap.missing])
    position: Int64[np.ndarray, " target"] = np.full(n_target, len(known) - 1, np.int64)
    position[ids] = np.arange(len(ids))
    codes = np.full(n_target, Provenance.UNUSED, np.uint8)
    codes[overlap.target_ids] = Provenance.COPIED
    codes[overlap.missing] = provenance
    return known.select(position), codes


def equal_pieces(transfer: Transfer, pieces: Pieces | None = None) -> SparseRows:
    """Equal weights for the trained pieces of tokens; the arguments are those of `pieces_by_length`."""
    pieces = transfer.pieces if pieces is None else pieces
    return SparseRows.uniform(pieces.indptr, pieces.ids, transfer.trained[pieces.ids])


def _characters(transfer: Transfer) -> Float64[np.ndarray, " source"]:
    """How many characters each source token has; one at least, for parts of characters and the like."""
    lengths = np.ones(transfer.source.size)
    for token in transfer.source.tokens:
        lengths[token.id] = max(1, len(token.form.decode("utf-8", "ignore")))
    return lengths


def group_of(token: Token) -> Group:
    """The script of a token's letters, and whether it begins a word."""
    return script_of(token.form.decode("utf-8", "replace")), token.word_start
