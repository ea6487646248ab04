"""Dynamic masking: which tokens of a window are to be predicted, and what stands there instead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64

from monoglot.training.chunked import IGNORED
from monoglot.training.windows import Windows

STREAM = 1
"""Keeps the draws of masking apart from others that the same seed and sample number give."""
TO_MASK, TO_RANDOM = 0.8, 0.9
"""Of the chosen tokens 80% are masked, 10% become another token, 10% stay (Devlin et al. 2019)."""


@dataclass(frozen=True)
class Maskable:
    """What masking must know of a vocabulary.

    Attributes:
        mask_id: The mask token.
        ordinary: The ids that may stand in for another: all but special tokens.
        is_special: For each id whether it is a special token; these are never predicted.
        begins_word: For each id whether it begins a word.
        is_whole: For each id whether it is a word of its own, so that the next token begins another; none if
            left out.
    """

    mask_id: int
    ordinary: Int64[np.ndarray, " ordinary"]
    is_special: Bool[np.ndarray, " ids"]
    begins_word: Bool[np.ndarray, " ids"]
    is_whole: Bool[np.ndarray, " ids"] | None = None


@dataclass(frozen=True)
class Masked:
    """Windows with tokens to predict, the same number in each.

    Attributes:
        ids: The token ids with the chosen ones replaced.
        chosen: Places of the chosen tokens in each window, ascending.
        targets: The ids that stood there; -100 where a window has fewer tokens to choose from.
    """

    ids: Int64[np.ndarray, "windows tokens"]
    chosen: Int64[np.ndarray, "windows chosen"]
    targets: Int64[np.ndarray, "windows chosen"]


def mask(windows: Windows, maskable: Maskable, *, share: float, whole_words: bool, seed: int) -> Masked:
    """Choose tokens and replace them; for each window a pure function of seed and sample number.

    Every window has the same number of chosen tokens, so that means over windows, gradient accumulation and
    several processes all weigh each token alike.

    Args:
        windows: What to mask.
        maskable: What must be known of the vocabulary.
        share: Share of a window's tokens that is chosen.
        whole_words: Whether words are chosen, not tokens; the last word may be chosen in part.
        seed: Seed of the run.
    """
    n_tokens = windows.ids.shape[1]
    wanted = max(1, round(share * n_tokens))
    ids = windows.ids.copy()
    rows = [
        _mask_row(
            np.random.default_rng([seed, STREAM, number]),
            ids[row],
            windows.is_text[row] & ~maskable.is_special[ids[row]],
            windows.positions[row],
            maskable,
            wanted,
            whole_words,
        )
        for row, number in enumerate(windows.numbers.tolist())
    ]
    return Masked(ids, np.stack([chosen for chosen, _ in rows]), np.stack([targets for _, targets in rows]))


def _mask_row(
    rng: np.random.Generator,
    ids: Int64[np.ndarray, " tokens"],
    eligible: Bool[np.ndarray, " tokens"],
    positions: Int64[np.ndarray, " tokens"],
    maskable: Maskable,
    wanted: int,
    whole_words: bool,
) -> tuple[Int64[np.ndarray, " chosen"], Int64[np.ndarray, " chosen"]]:
    """Choose tokens of one window, replace them in place, and give their places and former ids."""
    keys = rng.random(len(ids))
    if whole_words:
        begins = word_begins(ids, positions, eligible, maskable)
        keys = keys[np.cumsum(begins) - 1]
    keys[~eligible] = 2  # behind all others
    order = np.argsort(keys, kind="stable")[:wanted]
    chosen = np.sort(order)
    targets = np.where(eligible[chosen], ids[chosen], IGNORED)
    fate = rng.random(wanted)[: len(chosen)]
    others = maskable.ordinary[rng.integers(len(maskable.ordinary), size=wanted)][: len(chosen)]
    kept = np.where(fate < TO_RANDOM, others, ids[chosen])
    replaced = np.where(fate < TO_MASK, maskable.mask_id, kept)
    ids[chosen] = np.where(eligible[chosen], replaced, ids[chosen])
    return chosen, targets


def word_begins(
    ids: Int64[np.ndarray, " tokens"],
    positions: Int64[np.ndarray, " tokens"],
    eligible: Bool[np.ndarray, " tokens"],
    maskable: Maskable,
) -> Bool[np.ndarray, " tokens"]:
    """Which tokens of a window begin a word, those that are never predicted included."""
    begins: Bool[np.ndarray, " tokens"] = maskable.begins_word[ids] | (positions == 0) | ~eligible
    if maskable.is_whole is not None:
        begins[1:] |= maskable.is_whole[ids[:-1]]
    return begins
