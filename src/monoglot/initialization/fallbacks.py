"""What a missing token is made of when the initialisation method has no answer for it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float64

from monoglot.initialization.transfer import Transfer
from monoglot.maths.mixture import Provenance
from monoglot.maths.sparse import SparseRows, offsets
from monoglot.tokenization.parts import Token
from monoglot.tokenization.spelling import script_of

MEMBERS = 256
"""How many tokens stand for a script: the first ones, which are frequent and well trained."""

Group = tuple[str, bool | None]
"""A script, and whether tokens begin a word."""


def pieces_by_length(transfer: Transfer, wanted: Bool[np.ndarray, " missing"]) -> SparseRows:
    """Weights for the trained pieces of each missing token, in proportion to their characters."""
    equal = equal_pieces(transfer)
    answered = np.flatnonzero(equal.lengths > 0)
    if not len(answered):
        return equal
    parts = _characters(transfer)[equal.indices]
    total = np.add.reduceat(parts, equal.indptr[answered])
    shares = (parts / np.repeat(total, equal.lengths[answered])).astype(np.float32)
    return SparseRows(equal.indptr, equal.indices, shares)


def equal_pieces(transfer: Transfer) -> SparseRows:
    """Equal weights for the trained pieces into which the source tokenizer cuts each missing token."""
    pieces = transfer.pieces
    return SparseRows.uniform(pieces.indptr, pieces.ids, transfer.trained[pieces.ids])


def _characters(transfer: Transfer) -> Float64[np.ndarray, " source"]:
    """How many characters each source token has; one at least, for parts of characters and the like."""
    lengths = np.ones(transfer.source.size)
    for token in transfer.source.tokens:
        lengths[token.id] = max(1, len(token.form.decode("utf-8", "ignore")))
    return lengths


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


def group_of(token: Token) -> Group:
    """The script of a token's letters, and whether it begins a word."""
    return script_of(token.form.decode("utf-8", "replace")), token.word_start


FALLBACKS: dict[Provenance, Callable[[Transfer, Bool[np.ndarray, " missing"]], SparseRows]] = {
    Provenance.SUBWORD: pieces_by_length,
    Provenance.SCRIPT: script_mean,
}
"""The fallbacks that are mixtures, by the provenance that their rows get."""
