"""Which target tokens exist in the source vocabulary, and which are missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int64, UInt8
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from monoglot.errors import SettingError
from monoglot.tokenization.partners import FINDERS, MatchKind, collisions
from monoglot.tokenization.vocabulary import Vocabulary

__all__ = ["MatchKind", "Overlap", "Strategy", "collisions", "match"]

Strategy = Literal["exact", "fuzzy", "symbols", "reference"]

_ARRAYS = ("source_ids", "target_ids", "kinds", "missing")


@dataclass(frozen=True)
class Overlap:
    """Pairs of corresponding tokens, in ascending order of target id, and the target ids without a partner.

    Attributes:
        source_ids: Source id of each pair; one source token may serve several target tokens.
        target_ids: Target id of each pair, ascending, each at most once.
        kinds: A ``MatchKind`` for each pair.
        missing: Target ids without a partner, ascending.
    """

    source_ids: Int64[np.ndarray, " pairs"]
    target_ids: Int64[np.ndarray, " pairs"]
    kinds: UInt8[np.ndarray, " pairs"]
    missing: Int64[np.ndarray, " missing"]

    def __len__(self) -> int:
        return len(self.target_ids)

    @cached_property
    def source_of(self) -> Mapping[int, int]:
        """The source id by target id."""
        pairs = zip(self.target_ids.tolist(), self.source_ids.tolist(), strict=True)
        return MappingProxyType(dict(pairs))

    def count(self, kind: MatchKind) -> int:
        """Count the pairs of one kind."""
        return int(np.count_nonzero(self.kinds == kind))

    def where(self, keep: Bool[np.ndarray, " pairs"]) -> Overlap:
        """Some of the pairs; what is missing stays missing."""
        return Overlap(self.source_ids[keep], self.target_ids[keep], self.kinds[keep], self.missing)

    def save(self, path: Path) -> None:
        """Write the four arrays as safetensors."""
        save_file({name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS}, path)

    @classmethod
    def load(cls, path: Path) -> Overlap:
        """Read what ``save`` wrote.

        Raises:
            SettingError: If the file is not an overlap.
        """
        try:
            arrays = load_file(path)
        except (OSError, SafetensorError) as error:
            raise SettingError(
                f"{path} can't be read as an overlap ({error}); make it anew with match()"
            ) from error
        if set(arrays) != set(_ARRAYS):
            raise SettingError(
                f"{path} holds the arrays {', '.join(sorted(arrays)) or 'none'}, but an overlap has "
                f"{', '.join(_ARRAYS)}; make it anew with match()"
            )
        return cls(**arrays)


def match(source: Vocabulary, target: Vocabulary, *, strategy: Strategy = "exact") -> Overlap:
    """Find for each target token the source token that is the same.

    Special tokens meet only special tokens: by role (see ``roles.counterpart``), else by spelling. All others
    meet by form and word start. A token that does not tell its word start (``None``) meets either: candidates
    are tried in the order of the target token's own word start, ``None``, and, if its own is ``None``,
    ``False`` and ``True``. A byte-fallback token meets that of the same byte, else a one-byte token that is
    not a word start; a one-byte token that finds nothing else meets the byte-fallback token. A source token
    that its tokenizer never produces (``unreachable``) meets only its like.

    If several source tokens have one form and one word start, the highest id counts: only an added token can
    repeat a token of the model, and a tokenizer looks for added tokens first. ``collisions`` lists them.

    Args:
        source: Vocabulary of the model at hand.
        target: Vocabulary to be initialised; ids without a token are in neither list of the result.
        strategy: ``exact``; ``fuzzy``, which then also ignores case and word start; ``symbols``, special
            tokens, numbers, punctuation and whitespace only; ``reference``, equality of the canonical forms
            of ``deepfocus`` alone, the highest source id counting (FOCUS, Dobler & de Melo 2023).

    Raises:
        SettingError: If the vocabularies' canonicalisation is not the one that the strategy needs.
    """
    needed = "reference" if strategy == "reference" else "exact"
    if not source.canonicalization == target.canonicalization == needed:
        raise SettingError(
            f"strategy {strategy!r} needs vocabularies made with canonicalization={needed!r}, but the "
            f"source's is {source.canonicalization!r} and the target's {target.canonicalization!r}"
        )
    find = FINDERS[strategy](source)
    source_ids = np.full(len(target), -1, dtype=np.int64)
    kinds = np.zeros(len(target), dtype=np.uint8)
    for place, token in enumerate(target.tokens):
        partner = find(token)
        if partner is not None:
            source_ids[place], kinds[place] = partner
    found = source_ids >= 0
    return Overlap(source_ids[found], target.ids[found], kinds[found], missing=target.ids[~found])
