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


def check_part_of_blend(name: str, *, is_alike: bool = True, mixes_only: bool = True) -> None:
    """Refuse what can't be averaged with another method.

    Args:
        name: Name of the part.
        is_alike: Whether it compares vocabularies as a blend does.
        mixes_only: Whether all that it makes are weights.

    Raises:
        SettingError: If it is a blend itself, compares vocabularies in another way, or adds a correction.
    """
    if name in ("blend", "regression") or not mixes_only:
        raise SettingError(
            f"'{name}' can't be part of a blend: give two other methods, such as focus and subword"
        )
    if not is_alike:
        raise SettingError(
            f"'{name}' can't be part of a blend: it compares vocabularies in another way; leave out its "
            "option overlap, or give another method, such as subword"
        )
