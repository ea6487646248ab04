"""All target tokens with what became of each, packed for a page that shows them on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int64

from monoglot.maths.mixture import Mixture, Provenance
from monoglot.maths.sparse import SparseRows, offsets
from monoglot.report.spelling import readable
from monoglot.tokenization.kinds import token_text
from monoglot.tokenization.parts import Family
from monoglot.tokenization.spelling import script_of
from monoglot.tokenization.vocabulary import Vocabulary

MOST_PARENTS = 6
"""So many parents of a token are listed, the heaviest; how many more there are is told."""
UNIT = 1000
"""Weights are whole thousandths."""


@dataclass(frozen=True)
class TokenTable:
    """The tokens of the new vocabulary, the most frequent first.

    Attributes:
        ids: Their target ids.
        texts: How they are spelled, for people.
        counts: How often the corpus has each.
        provenance: Where each row comes from: ``Provenance`` in lower case.
        scripts: The script of each.
        parents: For each token the source rows it is made of, the heaviest first; none of copied ones whose
            spelling is the same in the source.
        more: How many further parents each token has.
    """

    ids: Int64[np.ndarray, " tokens"]
    texts: tuple[str, ...]
    counts: Int64[np.ndarray, " tokens"]
    provenance: tuple[str, ...]
    scripts: tuple[str, ...]
    parents: SparseRows
    more: Int64[np.ndarray, " tokens"]

    def packed(self, name_source: Callable[[int], str]) -> dict[str, Any]:
        """Plain values, fit for JSON, that take little space.

        Args:
            name_source: Gives the spelling of a source id.
        """
        used, parents = np.unique(self.parents.indices, return_inverse=True)
        names, codes = _coded(self.provenance)
        script_names, script_codes = _coded(self.scripts)
        return {
            "texts": self.texts,
            "ids": self.ids.tolist(),
            "counts": self.counts.tolist(),
            "provenance": {"names": names, "codes": codes},
            "script": {"names": script_names, "codes": script_codes},
            "sources": [name_source(id) for id in used.tolist()],
            "starts": self.parents.indptr.tolist(),
            "parents": parents.tolist(),
            "weights": np.rint(self.parents.weights * UNIT).astype(int).tolist(),
            "more": self.more.tolist(),
        }


def token_table(
    vocabulary: Vocabulary,
    mixture: Mixture,
    counts: Int64[np.ndarray, " target"],
    name_source: Callable[[int], str],
) -> TokenTable:
    """Gather what is known of each token.

    Args:
        vocabulary: The target vocabulary.
        mixture: Where its rows come from.
        counts: How often the corpus has each target id.
        name_source: Gives the spelling of a source id.
    """
    order = np.argsort(-counts[vocabulary.ids], kind="stable")
    tokens = [vocabulary.tokens[place] for place in order.tolist()]
    ids = vocabulary.ids[order]
    byte_level = vocabulary.family is Family.BYTE_LEVEL_BPE
    texts = tuple(readable(token.text, byte_level=byte_level) for token in tokens)
    rows = mixture.rows.select(ids)
    rows = rows.kept(~_the_same(texts, rows, name_source))
    heaviest = heaviest_entries(rows, MOST_PARENTS)
    return TokenTable(
        ids=ids,
        texts=texts,
        counts=counts[ids],
        provenance=tuple(Provenance(code).name.lower() for code in mixture.provenance[ids].tolist()),
        scripts=tuple(script_of(token_text(token) or "") for token in tokens),
        parents=heaviest,
        more=rows.lengths - heaviest.lengths,
    )


def heaviest_entries(rows: SparseRows, most: int) -> SparseRows:
    """At most so many entries of each row, those of the largest size, in descending order."""
    row_of = np.repeat(np.arange(len(rows)), rows.lengths)
    order = np.lexsort((-np.abs(rows.weights), row_of))
    rank = np.arange(len(order)) - np.repeat(rows.indptr[:-1], rows.lengths)
    kept = order[rank < most]
    lengths = np.minimum(rows.lengths, most)
    return SparseRows(offsets(lengths), rows.indices[kept], rows.weights[kept])


def _the_same(texts: Sequence[str], rows: SparseRows, name_source: Callable[[int], str]) -> np.ndarray:
    """Which tokens have a single parent that is spelled alike."""
    single = rows.lengths == 1
    first = np.zeros(len(rows), np.int64)
    first[single] = rows.indices[rows.indptr[:-1][single]]
    pairs = zip(single.tolist(), first.tolist(), texts, strict=True)
    return np.array([alone and name_source(id) == text for alone, id, text in pairs], bool)


def _coded(values: Sequence[str]) -> tuple[list[str], list[int]]:
    """The different values, the most frequent first, and for each value its place among them."""
    names, inverse, sizes = np.unique(np.array(values, str), return_inverse=True, return_counts=True)
    order = np.argsort(-sizes, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return names[order].tolist(), place[inverse].tolist()
