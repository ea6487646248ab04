"""Engines of vectors by name: the modules of `engines/`, and files of vectors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monoglot.errors import SettingError, did_you_mean
from monoglot.registry import Registry
from monoglot.vectors import VECTOR_SUFFIXES
from monoglot.vectors.engine import Engine
from monoglot.vectors.vector_files import VectorsFile

ENGINES: Registry[Engine] = Registry("the engine", "monoglot.vectors.engines")
engine = ENGINES.register


def get_engine(name: str, options: Mapping[str, Any] | None = None) -> Engine:
    """Make the engine of the given name, or the one that reads the file of the given path.

    Args:
        name: A name, such as ``fasttext``, or the path of a .safetensors, .npy or .vec file.
        options: The engine's settings, by the names of its fields.

    Raises:
        SettingError: There is no such engine, or it has no such option.
        VectorsError: There is no such file.
    """
    if name in ENGINES:
        return ENGINES.make(name, options)
    if Path(name).suffix.lower() in VECTOR_SUFFIXES:
        if options:
            raise SettingError(f"a file of vectors has no options; got {', '.join(options)} for {name}")
        return VectorsFile.at(Path(name))
    raise SettingError(
        f"unknown vectors '{name}' (a file would end in {' or '.join(VECTOR_SUFFIXES)}): "
        f"{did_you_mean(name, ENGINES)}"
    )
