"""Renumbers the token ids in configurations for another tokenizer."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from transformers import GenerationConfig, PreTrainedConfig, PreTrainedTokenizerFast

from monoglot.errors import ModelError
from monoglot.untrusted import refusing

ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
ONE_ID = re.compile(r"_token_(id|ids|index)$")
ID_LISTS = ("suppress_tokens", "begin_suppress_tokens")
ID_SEQUENCES = ("bad_words_ids", "force_words_ids")
FORCED, BIASES = "forced_decoder_ids", "sequence_bias"
TO_ID = re.compile(r"_to_(token_)?ids?$")
"""Whisper's ``lang_to_id`` and ``task_to_id``."""
LARGEST_ID = 2**31 - 1
NO_IDS = ("label2id", "id2label", "architectures")

logger = logging.getLogger(__name__)

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
        """Find the target token of the same role, else of the same text, else of another role it had.

        Args:
            old_id: An id of the source tokenizer.
            role: What the token is used for where the id was found (``eos_token``), if that is known.

        Returns:
            Its id in the target tokenizer; ``None`` if there is no such token.

        Raises:
            ModelError: If it is no whole number.
        """
        if not isinstance(old_id, int):
            raise ModelError(
                f"{old_id!r:.60} stands in the model's configuration where a token id is expected: correct "
                "config.json or generation_config.json."
            )
        roles = [name for name in ROLES if getattr(self.source, f"{name}_id") == old_id]
        if role in roles and (same := self._with_role(role)) is not None:
            return same
        text = self.text(old_id)
        if text is not None and (alike := self.target.backend_tokenizer.token_to_id(text)) is not None:
            return alike
        candidates = (self._with_role(name) for name in (*roles, role) if name in ROLES)
        return next((found for found in candidates if found is not None), None)

    def text(self, old_id: int) -> str | None:
        """The source token with an id, if there is one."""
        if not 0 <= old_id <= LARGEST_ID:
            return None
        text: str | None = self.source.backend_tokenizer.id_to_token(old_id)
        return text

    def _with_role(self, role: str) -> int | None:
        new_id: int | None = getattr(self.target, f"{role}_id")
        return new_id


def renumber(settings: Settings, ids: Renumbering) -> None:
    """Renumber every token id in a configuration, in place.

    A single id whose token is gone becomes ``None`` if it names a role (``pad_token_id``), and this is said;
    lists lose such tokens.

    Args:
        settings: A configuration of a model or of its generation that the caller owns.
        ids: From which tokenizer to which.

    Raises:
        ModelError: If generation is made to start or end with a token that the target tokenizer lacks, or an
            entry is no id.
    """
    for name, value in list(vars(settings).items()):
        if value is not None and not name.startswith("_"):
            problem = f"{name} of the model is {value!r:.60}, where token ids are expected"
            with refusing(ModelError, problem, "correct config.json or generation_config.json"):
                setattr(settings, name, _renumbered(name, value, ids))


def _renumbered(name: str, value: Any, ids: Renumbering) -> Any:
    """What an entry of a configuration becomes, by its name; dictionaries within are gone through."""
    if value is None or name in NO_IDS:
        return value
    if name in KINDS:
        return KINDS[name](value, ids)
    if ONE_ID.search(name):
        return _single(name, value, ids)
    if isinstance(value, dict):
        if TO_ID.search(name):
            return _by_text(name, value, ids)
        return {key: _renumbered(str(key), inner, ids) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renumbered(name, inner, ids) if isinstance(inner, dict) else inner for inner in value]
    return value


def _by_text(name: str, value: dict[str, Any], ids: Renumbering) -> dict[str, Any]:
    """Ids by the text of their tokens (Whisper); those whose tokens are gone are dropped, and named."""
    found = {key: ids.new_id(old) if type(old) is int else old for key, old in value.items()}
    if gone := [key for key, new in found.items() if new is None]:
        logger.warning("%s loses %d entries whose tokens are gone, such as %s", name, len(gone), gone[0])
    return {key: new for key, new in found.items() if new is not None}


def _forced(value: list[list[int | None]], ids: Renumbering) -> list[list[int | None]]:
    """Places with the ids that are forced there, or none."""
    pairs = [(place, old, None if old is None else ids.new_id(old)) for place, old in value]
    return [[place, new] for place, old, new in pairs if (new is None) == (old is None)]


def _sequences(value: Any, ids: Renumbering) -> Any:
    """Lists of ids, nested as deep as they are."""
    if value and isinstance(value[0], int):
        return _sequence(value, ids)
    return [_sequences(inner, ids) for inner in value]


def _biases(value: Any, ids: Renumbering) -> Any:
    """Biases of sequences of ids: a dictionary by tuples, or a list of pairs."""
    if isinstance(value, dict):
        return {tuple(_sequence(list(key), ids)): bias for key, bias in value.items()}
    return [[_sequence(sequence, ids), bias] for sequence, bias in value]


def _single(name: str, value: object, ids: Renumbering) -> object:
    role = ONE_ID.sub("_token", name)
    if isinstance(value, list):
        for old in value:
            _warn_if_lost(name, old, role, ids)
        return _remaining_ids(value, ids, role) or (None if value else value)
    if isinstance(value, dict):
        return {key: _renumbered(name, inner, ids) for key, inner in value.items()}
    if not isinstance(value, int) or value < 0:
        return value
    new = ids.new_id(value, role)
    if new is None and role not in ROLES:
        raise ModelError(
            f"{name} of the model is {value} ({ids.text(value) or 'no token'}), which the target tokenizer "
            "lacks: add this token to the tokenizer or remove the setting."
        )
    _warn_if_lost(name, value, role, ids)
    return new


def _warn_if_lost(name: str, old: int, role: str, ids: Renumbering) -> None:
    new, text = ids.new_id(old, role), ids.text(old)
    if text is None and old >= 0:
        becomes = (
            "it is left out" if new is None else f"it becomes {new} ({ids.target.convert_ids_to_tokens(new)})"
        )
        logger.warning("%s of the model is %d, which no token of its tokenizer has: %s", name, old, becomes)
    elif new is None and old >= 0:
        logger.warning("%s of the model is %d (%s), which the new tokenizer lacks: left out", name, old, text)


def _remaining_ids(old_ids: Iterable[int], ids: Renumbering, role: str = "") -> list[int]:
    """The new ids of those tokens that still exist, each once, in their order."""
    # A list may name a token and another that does its work: where the role has moved, both end a text.
    found = (new for old in old_ids for new in (ids.new_id(old, role), ids.new_id(old)))
    return list(dict.fromkeys(new for new in found if new is not None))


def _sequence(old_ids: list[int], ids: Renumbering) -> list[int]:
    """The new ids of a sequence; if one of its tokens is gone, its text is tokenized afresh."""
    new_ids = [ids.new_id(old) for old in old_ids]
    kept = [new for new in new_ids if new is not None]
    if len(kept) == len(old_ids):
        return kept
    afresh: list[int] = ids.target.encode(ids.source.decode(old_ids), add_special_tokens=False)
    return afresh


KINDS: dict[str, Callable[[Any, Renumbering], Any]] = {
    **dict.fromkeys(ID_LISTS, _remaining_ids),
    **dict.fromkeys(ID_SEQUENCES, _sequences),
    FORCED: _forced,
    BIASES: _biases,
}
"""How entries that hold several ids are renumbered, by their names."""
