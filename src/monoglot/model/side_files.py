"""Files beside the weights that go along unchanged, and the links among them that may be followed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from monoglot.errors import ModelError
from monoglot.untrusted import check_regular, read_foreign_json
from monoglot.visible import is_text

MODULES = "modules.json"
BESIDE_MODULES = ("sentence_*_config.json", "config_sentence_transformers.json")
BESIDE_MODEL = ("preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json")
OWN_CODE = ("*.py",)
CHAT_TEMPLATE = "chat_template.jinja"
SNAPSHOTS, BLOBS = "snapshots", "blobs"


def transformer_folder(folder: Path) -> Path:
    """The folder with the transformer itself: the given one, or one inside it (``0_Transformer``).

    Args:
        folder: A model folder, or a sentence-transformers folder.

    Raises:
        ModelError: If the folder doesn't exist, has a link that leads out of it or something that is no file
            in the place of one, or its modules.json is damaged.
    """
    if not folder.is_dir():
        raise ModelError(f"There is no folder {folder}; expected the folder of a Hugging Face model.")
    check_links(folder)
    inner = next((path for kind, path in sentence_modules(folder) if kind.endswith("Transformer")), folder)
    for pattern in (*BESIDE_MODULES, *BESIDE_MODEL, CHAT_TEMPLATE):
        for file in (*folder.glob(pattern), *inner.glob(pattern)):
            check_regular(file, ModelError)
    return inner


def sentence_modules(folder: Path) -> list[tuple[str, Path]]:
    """Type and folder of each sentence-transformers module; none for other models.

    Raises:
        ModelError: If modules.json is damaged or names a folder elsewhere.
    """
    file = folder / MODULES
    if not file.is_file():
        return []
    modules = []
    for entry in read_foreign_json(file, ModelError, list):
        fields = entry if isinstance(entry, dict) else {}
        kind, path = fields.get("type"), fields.get("path")
        if not (isinstance(kind, str) and isinstance(path, str)) or "\0" in path:
            raise ModelError(
                f"{file} has the entry {entry!r}; expected a type and a path for each module: correct it."
            )
        modules.append((kind, folder / path))
    for _, path in modules:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise ModelError(f"{file} names {path}, which lies outside the model's folder: correct it.")
    return modules


def copy_side_files(source: Path, out: Path) -> None:
    """Copy what belongs to a model and does not depend on its vocabulary, but for chat templates.

    Args:
        source: The source model's folder.
        out: The new model's folder, with model and tokenizer already in place.

    Raises:
        ModelError: If modules.json is damaged.
    """
    inner = transformer_folder(source)
    new_inner = out / inner.relative_to(source)
    for _, module in sentence_modules(source):
        if module != inner:
            _copy_module(module, out / module.relative_to(source))
    if (source / MODULES).is_file():
        _copy_files(source, out, (MODULES,))
    for place, new in {source: out, inner: new_inner}.items():
        _copy_files(place, new, (*BESIDE_MODULES, *BESIDE_MODEL))
    if _has_own_code(inner):
        _copy_files(inner, new_inner, OWN_CODE)


def _has_own_code(folder: Path) -> bool:
    """Whether a configuration names code beside it; whoever reads that far has allowed it to be run."""
    file = folder / "config.json"
    return file.is_file() and "auto_map" in read_foreign_json(file, ModelError)


def _copy_module(module: Path, target: Path) -> None:
    if module.is_dir():  # a module without settings, such as Normalize, has no folder
        if linked := [path for path in module.rglob("*") if path.is_symlink() and path.is_dir()]:
            raise ModelError(f"{linked[0]} is a link to a folder; expected the folder itself: put it there.")
        shutil.copytree(module, target, dirs_exist_ok=True)


def _copy_files(source: Path, out: Path, patterns: tuple[str, ...]) -> None:
    for pattern in patterns:
        for file in sorted(source.glob(pattern)):
            shutil.copyfile(file, out / file.name)


def check_links(folder: Path) -> None:
    """Refuse a model folder with a link that leads out of it: what it leads to would get into the output.

    The hub's cache (``models--OWNER--NAME/snapshots/REVISION``) links each file to ``blobs`` of the same
    model, which belongs to the folder. Weights may lie anywhere: they are read as safetensors, not copied.
    Hidden files are nobody's business.

    Args:
        folder: The folder of a model.

    Raises:
        ModelError: If a link leads elsewhere or nowhere, or a name is not UTF-8.
    """
    for path in (folder, *folder.rglob("*")):
        if not is_text(str(path)):
            raise ModelError(f"{str(path)!r} has a name that is not UTF-8, and can't be recorded: rename it.")
    allowed = _allowed_folders(folder.resolve())
    for path in _links(folder):
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):  # a loop is a RuntimeError
            raise ModelError(
                f"{path} is a link that leads nowhere: remove it, or put the file there that it stands for."
            ) from None
        if path.suffix == ".safetensors" and target.is_file():
            continue
        if not any(target.is_relative_to(place) for place in allowed):
            raise ModelError(
                f"{path} is a link to {target}, outside the model's folder, from where nothing is copied: "
                "put the file itself there (`cp -L`), or remove the link."
            )


def _allowed_folders(folder: Path) -> tuple[Path, ...]:
    """Where the files of a model may lie: its folder and, in the hub's cache, the blobs of the model."""
    for snapshots in folder.parents:
        if snapshots.name == SNAPSHOTS and (snapshots.parent / BLOBS).is_dir():
            return folder, snapshots.parent / BLOBS
    return (folder,)


def _links(folder: Path) -> Iterator[Path]:
    """All symbolic links below a folder; none is followed."""
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in sorted((*folders, *files)):
            if not name.startswith(".") and (path := Path(place, name)).is_symlink():
                yield path
