"""Rules across the options of methods; without their classes, whose import takes seconds."""

from __future__ import annotations

from monoglot.errors import SettingError


def check_temperature(temperature: float, anchors: int) -> None:
    """Refuse a softmax over all anchors, each of which it would give a weight.

    Raises:
        SettingError: If there is a temperature and no number of anchors.
    """
    if temperature and not anchors:
        raise SettingError("focus with a temperature needs a number of anchors: softmax would mix them all")


def check_part_of_blend(name: str, *, is_alike: bool) -> None:
    """Refuse a blend within a blend, and a method that compares vocabularies in another way than a blend.

    Args:
        name: Name of the part.
        is_alike: Whether it compares vocabularies as a blend does.

    Raises:
        SettingError: If it can't be a part.
    """
    if name in ("blend", "regression") or not is_alike:
        raise SettingError(
            f"'{name}' can't be part of a blend: give two other methods, such as focus and subword"
        )
