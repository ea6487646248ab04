"""What an overlap consists of: shares by kind, script, word start and length, also weighted by the corpus."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Int64

from monoglot.tokenization.kinds import RULES, Evidence, kinds_of, token_text
from monoglot.tokenization.overlap import MatchKind, Overlap, collisions
from monoglot.tokenization.parts import Token
from monoglot.tokenization.scripts import script_of
from monoglot.tokenization.vocabulary import Vocabulary

EXAMPLES = 10
_LENGTHS = ((1, "1"), (2, "2"), (3, "3"), (5, "4-5"), (9, "6-9"))
_WORD_STARTS = {True: "word start", False: "inside a word", None: "not told"}


@dataclass(frozen=True)
class Group:
    """Some of the target tokens.

    Attributes:
        name: What they have in common.
        tokens: How many they are.
        share: Their share of the tokens of the breakdown.
        corpus_share: Their share of all tokens of the corpus; ``None`` without a corpus.
        examples: The most frequent of them (without a corpus, the first), as the vocabulary writes them.
    """

    name: str
    tokens: int
    share: float
    corpus_share: float | None
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Breakdown:
    """Target tokens, grouped in several ways; the groups of each are in descending order of size.

    Attributes:
        all: All tokens as one group, named ``matched`` or ``missing``; their share is that of the vocabulary.
        by_kind: By ``kinds.Kind``; empty without a corpus.
        by_script: By the script of their letters.
        by_word_start: By word start.
        by_length: By length in characters.
    """

    all: Group
    by_kind: tuple[Group, ...]
    by_script: tuple[Group, ...]
    by_word_start: tuple[Group, ...]
    by_length: tuple[Group, ...]


@dataclass(frozen=True)
class OverlapAudit:
    """What an overlap consists of.

    Attributes:
        source_tokens: Size of the source vocabulary.
        target_tokens: Size of the target vocabulary.
        matched: The target tokens that exist in the source.
        missing: Those that don't.
        by_match: The matched tokens by the reason they were taken to be the same.
        collisions: Source tokens that can't be told apart, in groups, as the vocabulary writes them.
        rules: How each kind was recognized.
    """

    source_tokens: int
    target_tokens: int
    matched: Breakdown
    missing: Breakdown
    by_match: tuple[Group, ...]
    collisions: tuple[tuple[str, ...], ...]
    rules: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Give plain dictionaries and lists, fit for JSON."""
        return asdict(self)


def audit(
    overlap: Overlap, source: Vocabulary, target: Vocabulary, evidence: Evidence | None = None
) -> OverlapAudit:
    """Break an overlap down by kind, script, word start and length.

    Args:
        overlap: What ``match`` found.
        source: The source vocabulary.
        target: The target vocabulary, of exact canonicalization.
        evidence: Counts in a corpus, and in an English text if there is one.

    Returns:
        Plain data; frequencies and kinds are there only if there is evidence.
    """
    counts = None if evidence is None else evidence.corpus.tokens
    grouping = _Grouping(target, counts)
    kinds = kinds_of(target, evidence) if evidence is not None else []
    kind_names = {token.id: kind.value for token, kind in zip(target.tokens, kinds, strict=False)}
    match_names = {
        id: MatchKind(kind).name.lower()
        for id, kind in zip(overlap.target_ids.tolist(), overlap.kinds.tolist(), strict=True)
    }
    breakdowns = [
        _break_down(grouping, name, ids.tolist(), kind_names)
        for name, ids in (("matched", overlap.target_ids), ("missing", overlap.missing))
    ]
    return OverlapAudit(
        source_tokens=len(source),
        target_tokens=len(target),
        matched=breakdowns[0],
        missing=breakdowns[1],
        by_match=grouping.groups(match_names.items()),
        collisions=tuple(tuple(token.text for token in group) for group in collisions(source)),
        rules={kind.value: rule for kind, rule in RULES.items()} if evidence is not None else {},
    )


def _break_down(grouping: _Grouping, name: str, ids: list[int], kind_names: dict[int, str]) -> Breakdown:
    tokens = [grouping.target.by_id[id] for id in ids]
    return Breakdown(
        all=grouping.group(name, ids, total=len(grouping.target)),
        by_kind=grouping.groups((id, kind_names[id]) for id in ids if id in kind_names),
        by_script=grouping.groups((token.id, script_of(token_text(token) or "")) for token in tokens),
        by_word_start=grouping.groups((token.id, _WORD_STARTS[token.word_start]) for token in tokens),
        by_length=grouping.groups((token.id, _length(token)) for token in tokens),
    )


@dataclass(frozen=True)
class _Grouping:
    """Makes groups of target tokens."""

    target: Vocabulary
    counts: Int64[np.ndarray, " target"] | None

    def groups(self, names: Iterable[tuple[int, str]]) -> tuple[Group, ...]:
        """Group ids by name, the largest group first."""
        members: dict[str, list[int]] = defaultdict(list)
        for id, name in names:
            members[name].append(id)
        total = sum(map(len, members.values()))
        ordered = sorted(members.items(), key=lambda item: (-len(item[1]), item[0]))
        return tuple(self.group(name, ids, total) for name, ids in ordered)

    def group(self, name: str, ids: list[int], total: int) -> Group:
        """Make a group of ids, of which ``total`` is the whole."""
        counts = np.zeros(len(ids)) if self.counts is None else self.counts[ids]
        shown = [ids[place] for place in np.argsort(-counts, kind="stable")[:EXAMPLES]]
        return Group(
            name=name,
            tokens=len(ids),
            share=len(ids) / max(1, total),
            corpus_share=None if self.counts is None else float(counts.sum() / max(1, self.counts.sum())),
            examples=tuple(self.target.by_id[id].text for id in shown),
        )


def _length(token: Token) -> str:
    text = token_text(token)
    if text is None:
        return "special"
    return next((name for longest, name in _LENGTHS if len(text) <= longest), "10+")
