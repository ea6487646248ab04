"""Why each token of a source vocabulary was kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import IntEnum

import numpy as np
from jaxtyping import Float64, Int64, UInt8
from transformers import PreTrainedTokenizerFast

from monoglot.tokenization.parts import Parts, family_of
from monoglot.tokenization.selection import retained_tokens
from monoglot.tokenization.tokenizer_json import State, ids_of, state_of
from monoglot.tokenization.vocabulary import backend_of


class Reason(IntEnum):
    """Why a token was kept; of several reasons the first. Saved by their values, which must stay."""

    STRUCTURE = 0
    REQUESTED = 1
    TEXT = 2
    SCRIPT = 3
    LANGUAGE = 4
    PART = 5

    @property
    def words(self) -> str:
        """What completes "kept because …"."""
        return _WORDS[self]


_WORDS = {
    Reason.STRUCTURE: "the model or its tokenizer needs it (special, added, byte or whitespace token)",
    Reason.REQUESTED: "a prompt, a template, --keep-text or --keep-tokens has it",
    Reason.TEXT: "the text uses it",
    Reason.SCRIPT: "it is of a script that is kept whole",
    Reason.LANGUAGE: "its embedding looks like those of the text's language",
    Reason.PART: "a kept token is merged from it, its character occurs, or it fills the size asked for",
}


def kept_reasons(
    source: PreTrainedTokenizerFast,
    kept_source_ids: Int64[np.ndarray, " kept"],
    counts: Int64[np.ndarray, " source"] | Float64[np.ndarray, " source"],
    *,
    in_use: Sequence[str] = (),
    requested: Collection[int] = (),
    by_script: Collection[int] = (),
    by_language: Collection[int] = (),
    state: State | None = None,
) -> UInt8[np.ndarray, " kept"]:
    """Give the first reason that holds for each kept token, as values of `Reason`.

    Args:
        source: The tokenizer that the tokens are of.
        kept_source_ids: Their ids.
        counts: How often the text uses each of the source's tokens.
        in_use: Tokens that the model's configurations name.
        requested: Ids of the tokens of texts that are kept.
        by_script: Ids of tokens that are kept for their script.
        by_language: Ids of tokens that are kept because they look like the text's language.
        state: The tokenizer's parsed tokenizer.json, if it is at hand.
    """
    state, backend = state or state_of(source), backend_of(source)
    ids = ids_of(state)
    structure = [
        ids[text]
        for text in retained_tokens(source, state, family_of(backend, Parts.of(backend)), ids, in_use)
        if text in ids
    ]
    reasons = np.full(len(kept_source_ids), Reason.PART, np.uint8)
    # The first reason is written last.
    for reason, reason_ids in (
        (Reason.LANGUAGE, by_language),
        (Reason.SCRIPT, by_script),
        (Reason.TEXT, np.flatnonzero(counts > 0)),
        (Reason.REQUESTED, requested),
        (Reason.STRUCTURE, structure),
    ):
        reasons[np.isin(kept_source_ids, np.fromiter(reason_ids, np.int64))] = reason
    return reasons


def reason_counts(reasons: UInt8[np.ndarray, " kept"]) -> dict[str, int]:
    """How many tokens are kept for each reason, by its name in lower case; reasons of none are left out."""
    return {reason.name.lower(): n for reason in Reason if (n := int((reasons == reason).sum()))}
