"""What `report` and `explain` are given, checked before slow imports: language, base model, words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from monoglot.errors import SettingError
from monoglot.visible import visible

LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
"""A code of ISO 639 with what may follow it (BCP 47), such as de, swh or zh-Hant."""
HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


def check_described(language: str | None, base_model: str | None) -> None:
    """Refuse what the hub would not understand.

    Raises:
        SettingError: If the language is no code, or the model no name on the hub.
    """
    if language is not None and not LANGUAGE.fullmatch(language):
        raise SettingError(
            f"--language '{visible(language)}' is not the code of a language: give one such as de"
        )
    if base_model is not None and not HUB_NAME.fullmatch(base_model):
        raise SettingError(f"--base-model '{visible(base_model)}' is not a name on the hub: give owner/name")


def check_words(words: Sequence[str]) -> None:
    """Refuse to explain nothing, or what is no text.

    Raises:
        SettingError: If there is no word, or one that is not UTF-8.
    """
    if not any(word.strip() for word in words):
        raise SettingError("no words were given; give words such as Haus, or tokens such as ▁Haus")
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError:
            raise SettingError(f"the word '{visible(word)}' is not UTF-8: write it in UTF-8") from None
