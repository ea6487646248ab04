"""The table of all target tokens, their groups by origin, and segmented example sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Int64
from transformers import PreTrainedTokenizerFast

from monoglot.maths.mixture import Mixture, Provenance
from monoglot.maths.sparse import SparseRows, offsets
from monoglot.reporting.wording import pictured, readable
from monoglot.tokenization.kinds import token_text
from monoglot.tokenization.parts import Family
from monoglot.tokenization.scripts import script_of
from monoglot.tokenization.vocabulary import Vocabulary, backend_of, plain_backend


@dataclass(frozen=True)
class Crosstab:
    """Counts of tokens.

    Attributes:
        rows: Names of the groups, the largest first.
        columns: Names of what each group is divided into.
        counts: For each group a count for each column.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Piece:
    """A part of a text that one token stands for, or several that share its characters.

    Attributes:
        text: The characters.
        tokens: How many tokens; more than one where characters are split into bytes.
    """

    text: str
    tokens: int


@dataclass(frozen=True)
class Example:
    """A segmented sentence.

    Attributes:
        before: Its pieces by the source tokenizer; ``None`` if that is not available.
        after: Its pieces by the target tokenizer.
    """

    before: tuple[Piece, ...] | None
    after: tuple[Piece, ...]


UNIT = 1000
"""Weights are whole thousandths."""


@dataclass(frozen=True)
class TokenTable:
    """The tokens of the new vocabulary, the most frequent first.

    Attributes:
        ids: Their target ids.
        texts: As they are shown to people.
        counts: How often the corpus has each.
        provenance: Where each row comes from: ``Provenance`` in lower case.
        scripts: The script of each.
        parents: For each token the source rows it is made of, the heaviest first; none of copied ones whose
            text is the same in the source.
        more: How many further parents each token has.
        corrected: Whether something was added to the sum of its parents.
    """

    ids: Int64[np.ndarray, " tokens"]
    texts: tuple[str, ...]
    counts: Int64[np.ndarray, " tokens"]
    provenance: tuple[str, ...]
    scripts: tuple[str, ...]
    parents: SparseRows
    more: Int64[np.ndarray, " tokens"]
    corrected: Bool[np.ndarray, " tokens"]

    def packed(self, name_source: Callable[[int], str]) -> dict[str, Any]:
        """Plain values, fit for JSON, that take little space.

        Args:
            name_source: Gives the text of a source id for people.
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
            "corrected": self.corrected.astype(int).tolist(),
        }


MOST_PARENTS = 6
"""Number of parents listed for a token, the heaviest first; the number of others is given."""


def token_table(
    vocabulary: Vocabulary,
    mixture: Mixture,
    counts: Int64[np.ndarray, " target"],
    name_source: Callable[[int], str],
) -> TokenTable:
    """Collect the table of all target tokens.

    Args:
        vocabulary: The target vocabulary.
        mixture: Where its rows come from.
        counts: How often the corpus has each target id.
        name_source: Gives the text of a source id for people.
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
        corrected=np.isin(ids, mixture.correction.ids) if mixture.correction else np.zeros(len(ids), bool),
    )


def _the_same(texts: Sequence[str], rows: SparseRows, name_source: Callable[[int], str]) -> np.ndarray:
    """Tell which tokens have a single parent of the same text."""
    single = rows.lengths == 1
    first = np.zeros(len(rows), np.int64)
    first[single] = rows.indices[rows.indptr[:-1][single]]
    pairs = zip(single.tolist(), first.tolist(), texts, strict=True)
    return np.array([alone and name_source(id) == text for alone, id, text in pairs], bool)


def heaviest_entries(rows: SparseRows, most: int) -> SparseRows:
    """Keep the n entries of largest size of each row, in descending order."""
    row_of = np.repeat(np.arange(len(rows)), rows.lengths)
    order = np.lexsort((-np.abs(rows.weights), row_of))
    rank = np.arange(len(order)) - np.repeat(rows.indptr[:-1], rows.lengths)
    kept = order[rank < most]
    lengths = np.minimum(rows.lengths, most)
    return SparseRows(offsets(lengths), rows.indices[kept], rows.weights[kept])


MOST_ROWS = 8


def crosstab(groups: Sequence[str], parts: Sequence[str], columns: Sequence[str]) -> Crosstab:
    """Count tokens by group and part; the smallest of many groups become one, named ``others``.

    Args:
        groups: The group of each token.
        parts: The part that each token belongs to, one of ``columns``.
        columns: All parts, in the order in which they are to be shown.
    """
    sizes = Counter(groups)
    ordered = sorted(sizes, key=lambda name: (-sizes[name], name))
    kept = ordered if len(ordered) <= MOST_ROWS else ordered[: MOST_ROWS - 1]
    known = set(kept)
    pairs = Counter(
        (group if group in known else "others", part) for group, part in zip(groups, parts, strict=True)
    )
    rows = [*kept, "others"] if len(kept) < len(ordered) else kept
    return Crosstab(
        tuple(rows), tuple(columns), tuple(tuple(pairs[row, column] for column in columns) for row in rows)
    )


def examples(
    source: PreTrainedTokenizerFast | None, target: PreTrainedTokenizerFast, lines: Sequence[str], most: int
) -> list[Example]:
    """Segment some lines by both tokenizers: lines at equal distances, not chosen by look.

    Args:
        source: The source tokenizer, if it is available.
        target: The target tokenizer.
        lines: Held-out text; of long lines the beginning is taken.
        most: How many lines.
    """
    chosen = _chosen(lines, most)
    after = cut(target, chosen)
    before = cut(source, chosen) if source is not None else [None] * len(chosen)
    return [Example(old, new) for old, new in zip(before, after, strict=True)]


SHORTEST_CHARACTERS, LONGEST_CHARACTERS = 50, 170


def _chosen(lines: Sequence[str], most: int) -> list[str]:
    fitting = [line for line in lines if SHORTEST_CHARACTERS <= len(line) <= LONGEST_CHARACTERS]
    pool = fitting if len(fitting) >= most else [line for line in lines if line.strip()]
    step = max(1, len(pool) // most)
    return [_beginning(line) for line in pool[::step][:most]]


def _beginning(line: str) -> str:
    if len(line) <= LONGEST_CHARACTERS:
        return line
    end = line.rfind(" ", SHORTEST_CHARACTERS, LONGEST_CHARACTERS)
    return f"{line[: end if end > 0 else LONGEST_CHARACTERS]} …"


def cut(tokenizer: PreTrainedTokenizerFast, lines: Sequence[str]) -> list[tuple[Piece, ...]]:
    """Segment lines; characters without a token belong to the piece after them."""
    backend = backend_of(tokenizer)
    if backend.truncation or backend.padding:
        backend = plain_backend(tokenizer)
    encodings = backend.encode_batch(list(lines), add_special_tokens=False)
    return [_pieces(line, encoding.offsets) for line, encoding in zip(lines, encodings, strict=True)]


def _pieces(line: str, spans: Sequence[tuple[int, int]]) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    done, waiting = 0, 0
    for _, end in spans:
        waiting += 1
        if end > done:
            pieces.append(Piece(pictured(line[done:end]), waiting))
            done, waiting = end, 0
        elif pieces:
            pieces[-1] = Piece(pieces[-1].text, pieces[-1].tokens + waiting)
            waiting = 0
    if done < len(line):
        pieces.append(Piece(pictured(line[done:]), waiting))
    return tuple(pieces)


def _coded(values: Sequence[str]) -> tuple[list[str], list[int]]:
    """Give the distinct values, the most frequent first, and the code of each value."""
    names, inverse, sizes = np.unique(np.array(values, str), return_inverse=True, return_counts=True)
    order = np.argsort(-sizes, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return names[order].tolist(), place[inverse].tolist()
