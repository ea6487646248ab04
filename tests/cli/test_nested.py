"""Keys of options, with types and defaults."""

from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from monoglot.cli import main
from monoglot.cli.nested import epilogue, keys_of
from monoglot.options import InputFile, Share


@dataclass(frozen=True)
class Inner:
    path: InputFile
    share_of_all: Share = 0.25
    size: int | None = None
    on: bool = False
    layers: tuple[int, ...] = ()
    decay: Literal["linear", "cosine"] | None = "cosine"
    options: dict[str, Any] = field(default_factory=dict)
    known: int = field(default=3, init=False)


def test_keys_have_types_and_defaults():
    assert [key.text for key in keys_of(Inner)] == [
        "path FILE (required)",
        "share-of-all FLOAT ≥0 ≤1 [0.25]",
        "size INT",
        "on true|false [false]",
        "layers INT...",
        "decay linear|cosine [cosine]",
        "options KEYS",
    ]


def test_the_text_names_the_option_and_what_it_depends_on():
    text = epilogue("method-options")
    assert text.startswith(
        "**Keys of --method-options**, given as --method-options.KEY VALUE, by --method:\n\n- "
    )
    assert "\n- blend: " in text
    assert "second-share FLOAT ≥0 ≤1 [0.5]" in text
    assert "\n- zero: none" in text


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (
            "specialize",
            [
                "second-share FLOAT ≥0 ≤1 [0.5]",
                "half-evidence-count FLOAT ≥0 [5.0]",
                "warmup-share FLOAT ≥0 ≤1",
            ],
        ),
        ("adapt", ["whole-words true|false [false]"]),
        ("compare", ["half-evidence-count", "whole-words", "warmup-share"]),
    ],
)
def test_the_help_shows_them(command, shown, capsys):
    assert main([command, "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert all(words in said for words in shown)
