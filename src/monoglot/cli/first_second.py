"""What is refused in the first second, before anything is imported that takes long?

Names of methods, engines, objectives and tasks, and the keys of their options, are looked up in the list that
the help has (see `monoglot.cli.nested`); their classes would take seconds to import.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from monoglot.cli.base import Display
from monoglot.cli.nested import FILE_NAME, read_list, stand_in
from monoglot.corpus import open_corpus
from monoglot.corpus.files import could_be_hub_name, is_stream
from monoglot.device import check_device
from monoglot.errors import ModelError, SettingError, did_you_mean
from monoglot.model.side_files import transformer_folder
from monoglot.options import build
from monoglot.progress import SILENT, Progress
from monoglot.settings import (
    AdaptSettings,
    CompareSettings,
    EvaluateSettings,
    RunSettings,
    Settings,
    TaskSettings,
)
from monoglot.settings.compare import name_and_options
from monoglot.untrusted import read_foreign_json
from monoglot.vectors import VECTOR_SUFFIXES

PLUGINS = "monoglot.methods"
"""Where other packages register methods, which no list of ours has."""


def first_second(
    model: str,
    inputs: Sequence[str],
    display: Display,
    output: Path | None = None,
    settings: RunSettings | EvaluateSettings | None = None,
    *,
    beside: str | None = None,
    column: str | None = None,
    overwrite: bool = False,
    tokenizer_is_enough: bool = False,
) -> Progress:
    """Refuse names, places and devices that can't be, and report what was found, before any slow import."""
    from monoglot.model.find import find_folder
    from monoglot.pipeline.preview import check_teacher, preview

    check_named(settings)
    if int(os.environ.get("RANK", "0")) > 0:  # of several processes only the first reports
        return SILENT
    progress = display.progress
    column = settings.column if settings else column
    preview(
        model, inputs, output, column,
        overwrite=overwrite, beside=beside, tokenizer_is_enough=tokenizer_is_enough, progress=progress,
    )  # fmt: skip
    if isinstance(settings, RunSettings):
        texts = [settings.heldout, *getattr(settings, "retention", ())]
        check_texts(filter(None, texts), settings.column, getattr(settings, "keep_tokens", None))
        if tokenizer := getattr(settings, "target_tokenizer", None):
            find_folder(tokenizer)
    if isinstance(settings, AdaptSettings):
        check_teacher(find_folder(model), settings)
    if settings:
        check_device(settings.device)
    return progress


def check_named(settings: object) -> None:
    """Refuse names that are chosen from a list and not on it, and options that what they name does not have.

    Args:
        settings: The settings of a command.

    Raises:
        SettingError: If there is one.
    """
    if isinstance(settings, Settings):
        check_method(settings.method, settings.method_options)
        if settings.adaptation:
            check_objective(settings.adaptation[0])
    if isinstance(settings, CompareSettings):
        for word in settings.words:
            check_method(*name_and_options(word))
        adaptation = settings.of_probes().adaptation
        if adaptation:
            check_objective(adaptation[0])
    if isinstance(settings, Settings | CompareSettings):
        check_vectors(settings.vectors, settings.vectors_options)
    if isinstance(settings, AdaptSettings):
        check_objective(settings)
        if settings.objective in read_list().with_teacher and settings.teacher is None:
            raise SettingError(
                f"the objective '{settings.objective}' needs a teacher: name the original model with "
                "--teacher"
            )


def check_name(kind: str, name: str, known: Iterable[str]) -> None:
    """Refuse a name that is not on a list.

    Raises:
        SettingError: If it is not.
    """
    if name not in known:
        raise SettingError(f"unknown {kind} '{name}': {did_you_mean(name, known)}")


def check_keys(option: str, name: str, given: Mapping[str, Any], owner: str) -> None:
    """Refuse keys that an option does not have, values that they can't have, and files that are not there.

    Args:
        option: The option with keys, such as ``method-options``.
        name: What they are of, such as the name of a method.
        given: The keys with their values.
        owner: What they are of, in words.

    Raises:
        SettingError: If there is one.
    """
    keys = read_list().keys[option][name]
    made: Any = build(stand_in(name, keys), given, owner)
    for key in keys:
        path = getattr(made, key.name)
        if key.kind == FILE_NAME and path:
            check_input(path, f"--{option}.{key.name.replace('_', '-')}")


def check_method(name: str, options: Mapping[str, Any]) -> None:
    """Refuse a method that there is not, or options that it does not have; those of others are not known."""
    known = read_list().keys["method-options"]
    if name not in known and entry_points(group=PLUGINS):
        return
    check_name("method", name, known)
    check_keys("method-options", name, options, f"method '{name}'")


def check_vectors(name: str, options: Mapping[str, Any]) -> None:
    """Refuse an engine that there is not, options that it does not have, or a file that is not there."""
    known = read_list().keys["vectors-options"]
    if name in known:
        check_keys("vectors-options", name, options, f"the engine '{name}'")
    elif Path(name).suffix not in VECTOR_SUFFIXES:
        raise SettingError(
            f"unknown vectors '{name}' (a file would end in {' or '.join(VECTOR_SUFFIXES)}): "
            f"{did_you_mean(name, known)}"
        )
    else:
        check_input(name, "--vectors")


def check_objective(settings: AdaptSettings) -> None:
    """Refuse an objective that there is not, or options that it, or any if none is named, does not have."""
    known, options = read_list().keys["objective-options"], settings.objective_options
    if settings.objective is not None:
        check_name("objective", settings.objective, known)
        check_keys("objective-options", settings.objective, options, f"objective '{settings.objective}'")
        return
    keys = {key.name for listed in known.values() for key in listed}
    for name in options:
        if name.replace("-", "_") not in keys:
            raise SettingError(f"no objective has an option '{name}': {did_you_mean(name, keys)}")


def check_texts(texts: Iterable[str], column: str | None, keep_tokens: str | None = None) -> None:
    """Refuse text that is not there, or a file of tokens to keep that is not.

    Args:
        texts: What the user named as text; streams and data sets of the hub are not opened.
        column: Column that holds the text, for formats with columns.
        keep_tokens: The file of tokens.

    Raises:
        InputError: If something is not there.
    """
    names = [text for text in texts if not (is_stream(text) or could_be_hub_name(text))]
    if names:
        open_corpus(names, column=column)
    if keep_tokens is not None:
        check_input(keep_tokens, "--keep-tokens")


def check_data(data: TaskSettings | None) -> None:
    """Refuse data of a task that is not there; data sets of the hub are not opened."""
    for flag in ("train", "dev", "test"):
        given = getattr(data, flag, None) or ()
        for name in (given,) if isinstance(given, str) else given:
            if not could_be_hub_name(name):
                check_input(name, f"--{flag}")


def check_input(path: str, flag: str) -> None:
    """Refuse a file that is not there.

    Raises:
        SettingError: If it is not.
    """
    if not Path(path).expanduser().exists():
        raise SettingError(f"there is no file '{path}', which was given as {flag}")


def check_layers(model: str, layers: Sequence[int]) -> None:
    """Refuse layers that a model does not have, if its configuration tells how many it has."""
    from monoglot.model.find import find_folder

    config = read_foreign_json(transformer_folder(find_folder(model)) / "config.json", ModelError)
    count = config.get("num_hidden_layers")
    if layers and isinstance(count, int) and max(layers) >= count:
        raise SettingError(f"--layers {max(layers)}: the model has layers 0 to {count - 1}")
