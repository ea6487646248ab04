"""Content keys: equal for equal content, different for anything else."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from monoglot.run import content_key, file_hash
from monoglot.run.hashing import canonical

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


class Mode(StrEnum):
    TRIM = "trim"


@dataclass(frozen=True)
class Inner:
    rate: float = 0.1


@dataclass(frozen=True)
class Settings:
    mode: Mode = Mode.TRIM
    inner: Inner = Inner()
    sizes_tokens: tuple[int, ...] = (1, 2)


@dataclass(frozen=True)
class Twin:
    rate: float = 0.1


def test_file_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"monoglot" * 100_000)
    assert file_hash(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_dataclasses_become_plain_values_with_their_names() -> None:
    expected = {"Settings": {"mode": "trim", "inner": {"Inner": {"rate": 0.1}}, "sizes_tokens": [1, 2]}}
    assert canonical(Settings()) == expected


def test_two_kinds_of_settings_with_equal_fields_differ() -> None:
    assert content_key(Inner()) != content_key(Twin())


@given(PLAIN)
def test_canonical_form_keeps_plain_values(value: object) -> None:
    assert canonical(value) == value


@given(st.dictionaries(st.text(), PLAIN, min_size=2, max_size=4))
def test_order_of_a_mapping_does_not_matter(value: dict[str, object]) -> None:
    assert content_key(dict(reversed(value.items()))) == content_key(value)


@given(st.lists(st.integers(), min_size=2, max_size=5, unique=True))
def test_order_of_a_sequence_matters(value: list[int]) -> None:
    assert content_key(value[::-1]) != content_key(value)


def test_key_is_the_same_in_another_process() -> None:
    program = (
        "from monoglot.run import content_key; print(content_key({'a': {'x', 'y', 'z', 'ü'}, 'b': 0.1}))"
    )
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == content_key({"b": 0.1, "a": {"ü", "z", "y", "x"}})


@pytest.mark.parametrize("value", [Path("corpus.txt"), object(), b"bytes", {1: "number"}, Settings])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="can't be part of a content key"):
        content_key(value)


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        content_key({"rate": float("nan")})
