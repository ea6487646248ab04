"""What is refused in the first second, before anything is imported that takes long?

Names of methods, engines, objectives and tasks, and the keys of their options, are looked up in the list that
the help has (see `monoglot.cli.nested`); their classes would take seconds to import.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from monoglot.cli.base import Display
from monoglot.cli.nested import read_list, stand_in
from monoglot.corpus import open_corpus
from monoglot.corpus.files import could_be_hub_name, is_stream
from monoglot.device import check_device
from monoglot.errors import SettingError, did_you_mean
from monoglot.initialization.option_rules import check_part_of_blend, check_temperature
from monoglot.options import build
from monoglot.pipeline.preview import (
    check_keep_text,
    check_layers,
    check_processes,
    check_teacher,
    check_weights,
    preview,
    read_keep_tokens,
)
from monoglot.progress import SILENT, Progress
from monoglot.run import LAYOUT
from monoglot.settings import (
    AUTO,
    AdaptSettings,
    CompareSettings,
    EvaluateSettings,
    RunSettings,
    Settings,
    TaskSettings,
)
from monoglot.settings.compare import name_and_options
from monoglot.settings.evaluate import check_way
from monoglot.tokenization.scripts import check_script_names
from monoglot.training.schedule import TrainingSettings, check_schedule
from monoglot.vectors import VECTOR_SUFFIXES

PLUGINS = "monoglot.methods"
"""Where other packages register methods, which no list of ours has."""


def first_second(
    model: str,
    inputs: Sequence[str],
    display: Display,
    output: Path | None = None,
    settings: RunSettings | EvaluateSettings | None = None,
    training: TrainingSettings | None = None,
    *,
    beside: str | None = None,
    column: str | None = None,
    overwrite: bool = False,
    tokenizer_is_enough: bool = False,
) -> Progress:
    """Refuse names, places and devices that can't be, and report what was found, before any slow import."""
    from monoglot.model.find import find_folder

    check_processes(settings)
    check_named(settings)
    check_tools(training)
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
        check_texts(filter(None, texts), settings.column)
        if tokenizer := getattr(settings, "target_tokenizer", None):
            find_folder(tokenizer)
    if isinstance(settings, AdaptSettings):
        check_teacher(find_folder(model), settings)
    if isinstance(settings, Settings):
        check_vocabulary(settings, inputs)
    check_training(model, settings, training)
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
        # A blend has no option that a regression does not have.
        check_method("regression" if settings.method == AUTO else settings.method, settings.method_options)
        if settings.adaptation:
            check_objective(settings.adaptation[0])
            check_tools(settings.adaptation[1])
    if isinstance(settings, CompareSettings):
        for word in settings.words:
            check_method(*name_and_options(word))
        adaptation = settings.of_probes().adaptation
        if adaptation:
            check_objective(adaptation[0])
            check_tools(adaptation[1])
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


def check_keys(option: str, name: str, given: Mapping[str, Any], owner: str) -> Any:
    """Refuse keys that an option does not have, values that they can't have, and files that are not there.

    Args:
        option: The option with keys, such as ``method-options``.
        name: What they are of, such as the name of a method.
        given: The keys with their values.
        owner: What they are of, in words.

    Returns:
        All keys with their values, as attributes.

    Raises:
        SettingError: If there is one.
    """
    keys = read_list().keys[option][name]
    made: Any = build(stand_in(name, keys), given, owner)
    for key in keys:
        path, suffixes = getattr(made, key.name), key.suffixes
        if suffixes is not None and path:
            flag = f"--{option}.{key.name.replace('_', '-')}"
            if suffixes and Path(path).suffix.lower() not in suffixes:
                raise SettingError(f"{flag} is read from {' and '.join(suffixes)} files; got '{path}'")
            check_input(path, flag)
    return made


def check_method(name: str, options: Mapping[str, Any]) -> Any:
    """Refuse a method that there is not, or options that it does not have; those of others are not known.

    Returns:
        All its options, as attributes; ``None`` if it is not known.
    """
    known = read_list().keys["method-options"]
    if name not in known and entry_points(group=PLUGINS):
        return None
    check_name("method", name, known)
    made = check_keys("method-options", name, options, f"method '{name}'")
    if hasattr(made, "anchors"):
        check_temperature(made.temperature, made.anchors)
    if name in ("blend", "regression"):
        for part, its_options in ((made.first, made.first_options), (made.second, made.second_options)):
            check_part_of_blend(part, is_alike=True)
            found = check_method(part, its_options or {})
            check_part_of_blend(part, is_alike=getattr(found, "overlap", "exact") == "exact")
    return made


def check_vectors(name: str, options: Mapping[str, Any]) -> None:
    """Refuse an engine that there is not, options that it does not have, or a file that is not there."""
    known = read_list().keys["vectors-options"]
    if name in known:
        check_keys("vectors-options", name, options, f"the engine '{name}'")
    elif Path(name).suffix.lower() not in VECTOR_SUFFIXES:
        raise SettingError(
            f"unknown vectors '{name}' (a file would end in {' or '.join(VECTOR_SUFFIXES)}): "
            f"{did_you_mean(name, known)}"
        )
    else:
        check_input(name, "--vectors")


def check_objective(settings: AdaptSettings) -> None:
    """Refuse an objective or attention that there is not, and options that no objective, or not it, has."""
    listed = read_list()
    known, options = listed.keys["objective-options"], settings.objective_options
    attention = settings.attention
    # Kernels of the hub are named owner/name; a model's own code may bring an attention of its own.
    if attention is not None and "/" not in attention and not settings.trust_remote_code:
        check_name("attention", attention, listed.attentions)
    if settings.objective is not None:
        check_name("objective", settings.objective, known)
        check_keys("objective-options", settings.objective, options, f"objective '{settings.objective}'")
        return
    keys = {key.name for those in known.values() for key in those}
    for name in options:
        if name.replace("-", "_") not in keys:
            raise SettingError(f"no objective has an option '{name}': {did_you_mean(name, keys)}")


def check_tools(training: TrainingSettings | None) -> None:
    """Refuse tools that transformers does not know, and adapters without the package that makes them."""
    for name in training.report_to if training else ():
        check_name("tool", name, read_list().recorders)
    if training and training.lora_rank and find_spec("peft") is None:
        raise SettingError("--lora-rank needs PEFT: pip install 'monoglot[lora]'")


def check_training(model: str, settings: object, training: TrainingSettings | None) -> None:
    """Refuse layers that a model does not have, and schedules that its rows are not for.

    Args:
        model: Folder or hub name of the model.
        settings: The settings of a command.
        training: How `adapt` is to train.
    """
    from monoglot.model.find import find_folder

    if training and not (find_folder(model) / LAYOUT.home / LAYOUT.mixture).is_file():
        check_schedule(training.schedule, None)
    if isinstance(settings, CompareSettings):
        settings = settings.of_probes()
    if isinstance(settings, Settings) and settings.adaptation:
        training = settings.adaptation[1]
        if settings.mode == "trim":
            check_schedule(training.schedule, 0)
    if training and training.layers:
        check_layers(find_folder(model), training.layers)


def check_vocabulary(settings: Settings, inputs: Sequence[str]) -> None:
    """Refuse scripts that there are not, empty texts and files to keep, and weights of other text."""
    check_script_names(settings.keep_script)
    check_kept(settings.keep_text, settings.keep_tokens)
    if settings.weights and not any(is_stream(name) or could_be_hub_name(name) for name in inputs):
        check_weights(open_corpus(inputs, column=settings.column), settings.weights)


def check_kept(texts: Iterable[str], file: str | None) -> None:
    """Refuse an empty text to keep, and a file of tokens that is not there or that can't be used."""
    check_keep_text(texts)
    if file is not None:
        check_input(file, "--keep-tokens")
        read_keep_tokens(file)


def check_texts(texts: Iterable[str], column: str | None) -> None:
    """Refuse text that is not there.

    Args:
        texts: What the user named as text; streams and data sets of the hub are not opened.
        column: Column that holds the text, for formats with columns.

    Raises:
        InputError: If something is not there.
    """
    names = [text for text in texts if not (is_stream(text) or could_be_hub_name(text))]
    if names:
        open_corpus(names, column=column)


def check_task(name: str, data: TaskSettings) -> None:
    """Refuse a task that there is not, and one that is to be trained and can't, or the reverse."""
    listed = read_list()
    check_name("task", name, listed.tasks)
    check_way(name, data.train is not None, name in listed.fine_tuned, name in listed.untrained)


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
