"""Symbolic links in a model folder: those of the hub's cache are followed, others must stay inside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from monoglot.errors import ModelError
from monoglot.visible import is_text

SNAPSHOTS, BLOBS = "snapshots", "blobs"


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
    homes = _homes(folder.resolve())
    for path in _links(folder):
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):  # a loop is a RuntimeError
            raise ModelError(
                f"{path} is a link that leads nowhere: remove it, or put the file there that it stands for."
            ) from None
        if path.suffix == ".safetensors" and target.is_file():
            continue
        if not any(target.is_relative_to(home) for home in homes):
            raise ModelError(
                f"{path} is a link to {target}, outside the model's folder, from where nothing is copied: "
                "put the file itself there (`cp -L`), or remove the link."
            )


def _homes(folder: Path) -> tuple[Path, ...]:
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
