"""Decompressed byte streams that notice when their file was cut short."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import BinaryIO

import zstandard

BUFFER_BYTES = 1 << 20
SLICE_BYTES = 1 << 10
"""So much of a Zstandard file is decompressed at a time: a kilobyte of it may be 30 MB of zeros."""
SUFFIXES = (".gz", ".zst")
DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError)
"""What reading a damaged or truncated compressed stream raises."""


def decompressed(raw: BinaryIO, suffix: str) -> BinaryIO:
    """Open the content of a compressed file.

    Args:
        raw: The file as it lies on disk.
        suffix: ``.gz``, ``.zst``, or anything else for a file that is not compressed.

    Returns:
        The content; reading it raises one of ``DAMAGE`` if the file is damaged or ends too early.
    """
    if suffix == ".gz":
        # BufferedReader splits lines in C; GzipFile by itself runs Python code for each line.
        return io.BufferedReader(gzip.GzipFile(fileobj=raw, mode="rb"), BUFFER_BYTES)
    if suffix == ".zst":
        return io.BufferedReader(_ZstandardFile(raw), BUFFER_BYTES)
    return raw


class _ZstandardFile(io.RawIOBase):
    """The content of one or more Zstandard frames; unlike the library's reader it refuses a truncated one."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._within_frame = False
        self._compressed = memoryview(b"")
        self._content = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # narrower than Buffer
        while not self._content:
            if not self._fill():
                return 0
        size = min(len(buffer), len(self._content))
        buffer[:size] = self._content[:size]
        self._content = self._content[size:]
        return size

    def _fill(self) -> bool:
        """Decompress the next chunk; tell whether there was one."""
        if not self._compressed:
            self._compressed = memoryview(self._raw.read(BUFFER_BYTES))
        chunk, self._compressed = self._compressed[:SLICE_BYTES], self._compressed[SLICE_BYTES:]
        if not chunk:
            if self._within_frame:
                raise EOFError("the last Zstandard frame is not complete")
            return False
        self._within_frame = True
        self._content = memoryview(self._frame.decompress(chunk))
        if self._frame.eof:
            unused = len(self._frame.unused_data)
            self._compressed = memoryview(bytes(chunk[len(chunk) - unused :]) + bytes(self._compressed))
            self._frame = zstandard.ZstdDecompressor().decompressobj()
            self._within_frame = False
        return True
