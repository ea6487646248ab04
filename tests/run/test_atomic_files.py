"""Atomic files, and one sentence for every way in which libraries report a full disk."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from monoglot.errors import OutputError
from monoglot.run import atomic_write
from monoglot.run.atomic_files import computing, link_or_copy, writing


def test_atomic_write_replaces_only_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with atomic_write(path) as file:
        file.write("für")
        assert path.read_text() == "old"
    assert path.read_bytes() == "für".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_atomic_write_leaves_nothing_after_an_error(tmp_path: Path) -> None:
    def fail() -> None:
        with atomic_write(tmp_path / "file.bin", "wb") as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_copies_where_the_file_system_cannot_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    (tmp_path / "a").write_text("content")
    monkeypatch.setattr(os, "link", refuse)
    link_or_copy(tmp_path / "a", tmp_path / "folder" / "b")
    assert (tmp_path / "folder" / "b").read_text() == "content"
    assert not (tmp_path / "a").samefile(tmp_path / "folder" / "b")


def write_to_a_full_device() -> None:
    with Path("/dev/full").open("wb", buffering=0) as file:
        file.write(b"x")


def quota() -> None:
    raise OSError(errno.EDQUOT, "Disk quota exceeded")


def rust() -> None:
    raise RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")


def numpy_short_write() -> None:
    with Path("/dev/full").open("wb") as file:
        np.zeros(100_000).tofile(file)


@pytest.mark.parametrize("write", [write_to_a_full_device, quota, rust, numpy_short_write])
def test_full_disk_is_one_sentence(
    write: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=4096))
    message = r"^The disk is full, so .*/out can't be completed: free some space"
    with pytest.raises(OutputError, match=message), computing(tmp_path / "out"):
        write()


def test_errors_that_have_nothing_to_do_with_the_disk_pass(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), computing(tmp_path / "out"):
        (tmp_path / "no-such-corpus").read_text()
    with pytest.raises(OSError, match="broken"), computing(tmp_path / "out"):
        raise OSError("a broken file, while there is space")


@pytest.mark.parametrize("context", [writing, computing])
def test_read_only_output_is_one_sentence(
    context: Callable[[Path], AbstractContextManager[None]], tmp_path: Path
) -> None:
    message = r"can't be written \(Read-only file system at /ro/x\): make it"
    with pytest.raises(OutputError, match=message), context(tmp_path / "out"):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), "/ro/x")


def test_what_a_killed_process_left_of_a_file_is_removed_with_the_next_one(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for owner in (gone.pid, os.getppid(), "mine", 2**70):
        (tmp_path / f".page.html.tmp-{owner}").write_text("half")
    with atomic_write(tmp_path / "page.html") as file:
        file.write("whole")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"page.html", f".page.html.tmp-{os.getppid()}", ".page.html.tmp-mine"}
