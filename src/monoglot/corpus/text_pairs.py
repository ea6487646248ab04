"""Texts in two languages, one pair per line: translations of sentences, and dictionaries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from monoglot.corpus.formats import READ_ERRORS, decompressed, is_damage
from monoglot.errors import SettingError


def read_pairs(path: Path, *, words: bool = False) -> Iterator[tuple[str, str]]:
    """Read lines of the form ``source<TAB>target`` in UTF-8, possibly compressed (.gz, .zst).

    Args:
        path: The file; empty lines are skipped.
        words: Whether lines hold words, which a space may separate as well if there are just two.

    Yields:
        The two texts of each line.

    Raises:
        SettingError: If the file can't be read, or a line is not of that form.
    """
    try:
        with path.open("rb") as raw:
            for number, content in enumerate(decompressed(raw, path.suffix.lower()), start=1):
                line = content.decode("utf-8-sig" if number == 1 else "utf-8").strip("\r\n ")
                if not line:
                    continue
                fields = line.split() if words and "\t" not in line else line.split("\t")
                if len(fields) != 2 or not all(field.strip() for field in fields):
                    raise SettingError(
                        f"line {number} of {path} has {len(fields)} columns or an empty one: each line must "
                        "hold a source text, a tab and the target text"
                    )
                yield fields[0].strip(), fields[1].strip()
    except UnicodeDecodeError:
        raise SettingError(f"line {number} of {path} is not UTF-8: convert the file") from None
    except READ_ERRORS as error:
        if is_damage(error):
            raise SettingError(f"{path} is damaged ({error}): make it again") from None
        raise SettingError(f"{path} can't be read ({getattr(error, 'strerror', error)})") from None


def check_pairs(path: Path, *, words: bool = False) -> None:
    """Read a whole file of pairs, to refuse it before any long work.

    Raises:
        SettingError: If it can't be read, or holds no pair.
    """
    count = sum(1 for _ in read_pairs(path, words=words))
    if not count:
        raise SettingError(f"{path} is empty: each line must hold a source text, a tab and the target text")
