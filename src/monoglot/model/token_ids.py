"""Token ids kept in configurations, renumbered for another tokenizer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from transformers import GenerationConfig, PreTrainedConfig, PreTrainedTokenizerFast

from monoglot.errors import ModelError

ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
ONE_ID = re.compile(r"_token_(id|ids|index)$")
ID_LISTS = ("suppress_tokens", "begin_suppress_tokens")
ID_SEQUENCES = "bad_words_ids"
UNSUPPORTED = ("forced_decoder_ids", "force_words_ids", "sequence_bias")

Settings = PreTrainedConfig | GenerationConfig


@dataclass(frozen=True)
class Renumbering:
    """Finds the token of one tokenizer that does the work of another tokenizer's token.

    Attributes:
        source: The tokenizer whose ids are given.
        target: The tokenizer whose ids are wanted.
    """

    source: PreTrainedTokenizerFast
    target: PreTrainedTokenizerFast

    def new_id(self, old_id: int, role: str = "") -> int | None:
        """Find the target token of the same role, else of the same spelling, else of another role it had.

        Args:
            old_id: An id of the source tokenizer.
            role: What the token is used for where the id was found (``eos_token``), if that is known.

        Returns:
            Its id in the target tokenizer; ``None`` if there is no such token.
        """
        roles = [name for name in ROLES if getattr(self.source, f"{name}_id") == old_id]
        if role in roles and (same := self._with_role(role)) is not None:
            return same
        text = self.source.backend_tokenizer.id_to_token(old_id) if old_id >= 0 else None
        if text is not None and (spelled := self.target.backend_tokenizer.token_to_id(text)) is not None:
            return spelled
        candidates = (self._with_role(name) for name in (*roles, role) if name in ROLES)
        return next((found for found in candidates if found is not None), None)

    def _with_role(self, role: str) -> int | None:
        new_id: int | None = getattr(self.target, f"{role}_id")
        return new_id


def renumber(settings: Settings, ids: Renumbering) -> None:
    """Renumber every token id in a configuration, in place.

    A single id whose token is gone becomes ``None`` if it names a role (``pad_token_id``); lists lose such
    tokens.

    Args:
        settings: A configuration of a model or of its generation that the caller owns.
        ids: From which tokenizer to which.

    Raises:
        ModelError: If generation is made to start or end with a token that the target tokenizer lacks, or
            if the settings hold ids of a kind that can't be renumbered.
    """
    for name, value in list(vars(settings).items()):
        if value is None or name.startswith("_"):
            continue
        if name in UNSUPPORTED:
            raise ModelError(
                f"{name} of {type(settings).__name__} can't be renumbered; expected none: remove it."
            )
        if name in ID_LISTS:
            setattr(settings, name, _survivors(value, ids))
        elif name == ID_SEQUENCES:
            setattr(settings, name, [_sequence(sequence, ids) for sequence in value])
        elif ONE_ID.search(name):
            setattr(settings, name, _single(name, value, ids))


def _single(name: str, value: object, ids: Renumbering) -> object:
    role = ONE_ID.sub("_token", name)
    if isinstance(value, list):
        return _survivors(value, ids, role) or None
    if not isinstance(value, int) or value < 0:
        return value
    new = ids.new_id(value, role)
    if new is None and role not in ROLES:
        text = ids.source.backend_tokenizer.id_to_token(value)
        raise ModelError(
            f"{name} of the model is {value} ({text or 'no token'}), which the target tokenizer lacks: "
            "add this token to the tokenizer or remove the setting."
        )
    return new


def _survivors(old_ids: Iterable[int], ids: Renumbering, role: str = "") -> list[int]:
    """The new ids of those tokens that still exist, each once, in their order."""
    found = (ids.new_id(old, role) for old in old_ids)
    return list(dict.fromkeys(new for new in found if new is not None))


def _sequence(old_ids: list[int], ids: Renumbering) -> list[int]:
    """The new ids of a sequence; if one of its tokens is gone, its text is tokenized afresh."""
    new_ids = [ids.new_id(old) for old in old_ids]
    kept = [new for new in new_ids if new is not None]
    if len(kept) == len(old_ids):
        return kept
    afresh: list[int] = ids.target.encode(ids.source.decode(old_ids), add_special_tokens=False)
    return afresh
