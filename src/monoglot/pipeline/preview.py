"""What can be checked and reported in the first second: before the classes of models are imported."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from monoglot.corpus import Corpus, open_corpus
from monoglot.corpus.files import TextFile, could_be_hub_name, is_stream
from monoglot.errors import ModelError, OutputError, SettingError
from monoglot.model.find import find_folder
from monoglot.model.side_files import MODULES, transformer_folder
from monoglot.model.whole_model import check_whole, has_tokenizer
from monoglot.progress import SILENT, Progress
from monoglot.run import LAYOUT, read_json, recorded_name
from monoglot.run.output import check, check_apart, check_place, is_ours
from monoglot.settings import AdaptSettings, CompareSettings, Settings
from monoglot.untrusted import check_regular, read_foreign_json
from monoglot.visible import is_text

FILES_LOOKED_INTO = 20
"""The first lines of so many files are looked at; all others are when they are read."""


def preview(
    model: str | Path,
    inputs: Sequence[str],
    output: Path | None = None,
    column: str | None = None,
    *,
    overwrite: bool = False,
    beside: str | Path | None = None,
    tokenizer_is_enough: bool = False,
    progress: Progress = SILENT,
) -> None:
    """Check names and places, and report what was found; nothing is imported that takes seconds.

    Args:
        model: Folder or hub name of the model.
        inputs: What the user named as corpus; streams and data sets of the hub are not opened.
        output: The folder to make, if there is one.
        column: Column of the corpus that holds the text.
        overwrite: Whether an output that an earlier run made may be replaced.
        beside: Folder or hub name of a second model, such as a teacher.
        tokenizer_is_enough: Whether the folder may hold a tokenizer alone.
        progress: Where to report the model and the corpus.

    Raises:
        InputError: If there is no such model or corpus, or the output can't be made.
    """
    if output is not None:
        check_place(output)
        if is_ours(output.resolve()):  # others may be an input, which is a better reason to refuse them
            check(output.resolve(), overwrite)
    found = find_folder(str(model))
    if not (tokenizer_is_enough and has_tokenizer(found)):
        check_whole(found)
    if beside is not None and not (has_tokenizer(other := find_folder(str(beside))) and tokenizer_is_enough):
        check_whole(other)
    folder = transformer_folder(found)
    progress.note(f"{'model':<12} {model}{_described(folder)}")
    files = [name for name in inputs if not (is_stream(name) or could_be_hub_name(name))]
    if files:
        corpus = open_corpus(files, column=column)
        for source in corpus.sources[:FILES_LOOKED_INTO]:
            if isinstance(source, TextFile):
                source.check_beginning()
        sizes = [source.size_bytes for source in corpus.sources]
        size = f", {sum(filter(None, sizes)) / 1e6:,.1f} MB" if all(sizes) else ""
        progress.note(f"{'text':<12} {len(sizes):,} file{'s' * (len(sizes) != 1)}{size}")


def _described(folder: Path) -> str:
    """Class and rows of a model, if its configuration names them."""
    try:
        config = read_foreign_json(folder / "config.json", ModelError)
    except ModelError:
        return ""  # what is wrong with it is said when the model is checked
    names = [str(name) for name in config.get("architectures") or ()]
    rows = config.get("vocab_size")
    parts = [*names[:1], *([f"{rows:,} rows of embeddings"] if isinstance(rows, int) else [])]
    return f": {', '.join(parts)}" if parts else ""


def check_output(
    output: str | Path, model: str | Path, inputs: Sequence[str], corpus: Corpus, *settings: object
) -> None:
    """Refuse an output that is an input, contains one, or lies in one.

    Args:
        output: The folder to make.
        model: Folder or hub name of the model.
        inputs: What the user gave as corpus.
        corpus: The corpus that was found there.
        settings: All settings, whose values may be the names of more files.

    Raises:
        OutputError: If it is so, or there can be no such folder.
        SettingError: If a setting is no text that can be written down.
    """
    check_place(Path(output))
    for name, text in (pair for each in settings for pair in _texts(each)):
        if not is_text(text):
            raise SettingError(
                f"--{name.replace('_', '-')} is {text!r:.80}, which is not UTF-8 and can't be recorded: "
                "rename it."
            )
    check_apart(Path(output), _places(model, inputs, corpus, settings))


def check_processes(settings: object) -> None:
    """Refuse several processes for what works in one, and one device for all of them.

    Args:
        settings: The settings of a command.

    Raises:
        SettingError: If a launcher (accelerate, torchrun) has started several.
    """
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if processes <= 1:
        return
    if isinstance(settings, CompareSettings):
        raise SettingError("compare works in one process: start it without accelerate or torchrun")
    if isinstance(settings, Settings) and settings.adapt_tokens is not None:
        raise SettingError(
            "specialize works in one process: leave out --adapt-tokens, and launch `monoglot adapt` on its "
            "output in several"
        )
    if isinstance(settings, AdaptSettings) and settings.device is not None and ":" in settings.device:
        raise SettingError(
            f"--device {settings.device} is one device, but {processes} processes were launched, each with "
            "its own: leave it out, or launch one process"
        )


def check_keep_text(texts: Iterable[str]) -> None:
    """Refuse an empty text to keep.

    Raises:
        SettingError: If there is one.
    """
    if any(not text.strip() for text in texts):
        raise SettingError("--keep-text has an empty text: name texts such as 'query: '")


def read_keep_tokens(file: str) -> tuple[str, ...]:
    """Read a file of tokens or texts to keep, one per line.

    Raises:
        SettingError: If it can't be read or holds nothing.
    """
    check_regular(Path(file), SettingError)
    try:
        text = Path(file).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise SettingError(
            f"--keep-tokens {file} can't be read ({error}); expected UTF-8 text with one token per line"
        ) from error
    lines = tuple(dict.fromkeys(line for line in text.split("\n") if line.strip()))
    if not lines:
        raise SettingError(f"--keep-tokens {file} is empty; expected one token per line")
    return lines


def check_weights(text: Corpus, weights: Sequence[float]) -> None:
    """Check that each part of the corpus has one weight.

    Raises:
        SettingError: If there are more or fewer, or an input repeats another.
    """
    if len(weights) != len(text.parts):
        raise SettingError(
            f"--weights has {len(weights)} numbers for {len(text.parts)} CORPUS arguments: give one for each "
            "(a glob in quotes, or a folder, is one)"
        )
    if not all(text.parts):
        raise SettingError("a file can have one weight only, but is in two CORPUS arguments: name it once")


def check_layers(folder: Path, layers: Sequence[int]) -> None:
    """Refuse layers that a model does not have, if its configuration tells how many it has.

    Raises:
        SettingError: If there is one.
    """
    count = read_foreign_json(transformer_folder(folder) / "config.json", ModelError).get("num_hidden_layers")
    if layers and isinstance(count, int) and max(layers) >= count:
        raise SettingError(f"--layers {max(layers)}: the model has layers 0 to {count - 1}")


def check_chart(file: Path) -> None:
    """Refuse a file that can't be written, before minutes are spent on what it shows.

    Raises:
        OutputError: If it is not called .svg, or its folder is not there or can't be written to.
    """
    if file.suffix.lower() != ".svg":
        raise OutputError(f"The chart is an SVG file, got {file}: give a name that ends in .svg.")
    if file.is_dir():
        raise OutputError(f"The chart can't be written to {file}, which is a folder: give a file's name.")
    if not file.parent.is_dir():
        raise OutputError(f"The chart can't be written to {file}: there is no folder {file.parent}, make it.")
    if not os.access(file.parent, os.W_OK):
        raise OutputError(
            f"The chart can't be written to {file}: the folder {file.parent} is not writable, name another."
        )


def _texts(settings: object) -> Iterator[tuple[str, str]]:
    """Give all texts in settings, each with the name of its setting."""
    if not dataclasses.is_dataclass(settings):
        return
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        values = value.items() if isinstance(value, Mapping) else [(field.name, value)]
        for name, each in values:
            for text in each if isinstance(each, list | tuple) else [each]:
                if isinstance(text, str) and text and "\0" not in text:
                    yield name, text


def original_of(folder: Path) -> tuple[str | None, str | None]:
    """Give name and content hash of the model that ``specialize`` made a model of, if it did."""
    home = folder / LAYOUT.home
    file = home / LAYOUT.manifest
    manifest = read_json(file) if file.is_file() else {}
    found = [manifest.get(part, {}).get("source") for part in ("names", "inputs")]
    name, key = (one if isinstance(one, str) else None for one in found)
    return name and recorded_name(home, name), key


def check_teacher(folder: Path, settings: AdaptSettings) -> None:
    """Refuse to train a sentence encoder without the model whose vectors it is to give.

    Args:
        folder: Folder of the model to train.
        settings: What the user asked for.

    Raises:
        SettingError: If it is one, no teacher was given, and no objective that needs none.
    """
    if settings.teacher is not None or settings.objective is not None or not (folder / MODULES).is_file():
        return
    classes = read_foreign_json(transformer_folder(folder) / "config.json", ModelError).get("architectures")
    if not classes or not str(classes[0]).endswith("Model"):  # with a head, it can learn without a teacher
        return
    original, _ = original_of(folder)
    made = f"{original}, of which {folder} was made" if original else "ORIGINAL"
    raise SettingError(
        f"a sentence encoder is trained to give the vectors of its original, and none was given: add "
        f"--teacher {made}"
    )


FOLDERS = {
    "target_tokenizer": "the target tokenizer",
    "teacher": "the teacher",
    "heldout": "the held-out text",
    "retention": "the text of --retention",
}
"""Settings that may name a folder; all others may name a file."""


def _places(
    model: str | Path, inputs: Sequence[str], corpus: Corpus, settings: Sequence[object]
) -> Iterator[tuple[str, Path]]:
    yield "the model", Path(model).expanduser()
    for folder in filter(Path.is_dir, (Path(name).expanduser() for name in inputs)):
        yield "the corpus", folder
    for what, sources in (("the corpus", corpus.sources), ("the held-out text", corpus.heldout)):
        for source in sources:
            if isinstance(source, TextFile):
                yield what, source.path
    for each in settings:
        for name, text in _texts(each):
            path = Path(text).expanduser()
            if name in FOLDERS or path.is_file():
                yield FOLDERS.get(name, f"the file of {name.replace('_', '-')}"), path
