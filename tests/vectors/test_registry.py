"""Engines by name."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

import pytest

from monoglot.errors import SettingError, VectorsError
from monoglot.vectors.engines.fasttext import FastText
from monoglot.vectors.registry import ENGINES, get_engine


def test_engines_are_frozen_dataclasses_with_documented_settings():
    assert "fasttext" in ENGINES
    for cls in map(ENGINES.__getitem__, ENGINES):
        assert is_dataclass(cls)
        assert cls.__dataclass_params__.frozen
        documented = "".join(parent.__doc__ or "" for parent in cls.__mro__)
        assert all(f"{field.name}:" in documented for field in fields(cls))
        assert cls.__doc__.strip()


def test_options_are_settings():
    assert get_engine("fasttext", {"dim": 7}) == FastText(dim=7)
    with pytest.raises(SettingError, match="no option 'dims': did you mean 'dim'"):
        get_engine("fasttext", {"dims": 7})


def test_unknown_names_are_refused(tmp_path):
    with pytest.raises(SettingError, match=r"unknown vectors 'fastext' .*did you mean 'fasttext'"):
        get_engine("fastext")
    with pytest.raises(VectorsError, match=r"none\.npy can't be read \(No such file"):
        get_engine(str(tmp_path / "none.npy"))
    (tmp_path / "a.vec").touch()
    with pytest.raises(SettingError, match="has no options"):
        get_engine(str(tmp_path / "a.vec"), {"dim": 7})
