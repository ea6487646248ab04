"""Names from outside neither color the terminal nor end a line."""

from __future__ import annotations

import json
import shutil

import pytest

from monoglot.cli import main
from monoglot.visible import escape, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Größe – 漢字 ▁Straße", "Größe – 漢字 ▁Straße"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("two\nlines\r", "two\\nlines\\r"),
        ("turned \u202e around", "turned \\u202e around"),
        ("half \ud800", "half \\ud800"),
        ("\x9b31m \u2028", "\\x9b31m \\u2028"),
        ("", ""),
    ],
)
def test_what_moves_the_cursor_is_spelled_out(text, shown):
    assert visible(text) == shown
    assert visible(visible(text)) == visible(text)


def test_markup_is_text():
    assert escape("[red]x") == "\\[red]x"


def test_a_name_in_an_error_stays_in_its_line(capsys):
    assert main(["plan", "no\x1b[31mmodel\nhere", "nothing"]) == 2
    said = capsys.readouterr().err
    assert "\x1b[31m" not in said
    assert said.count("\n") == 1


def test_a_damaged_configuration_can_not_color_the_terminal(xlm_r, tmp_path, capsys):
    folder = tmp_path / "model"
    shutil.copytree(xlm_r, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["\x1b[2J\nNone"]}))
    text = tmp_path / "text.txt"
    text.write_text("eine Zeile\n")
    assert main(["plan", str(folder), str(text)]) == 2
    said = capsys.readouterr().err
    assert "\x1b[2J" not in said
    model, text, error = said.splitlines()
    assert "\\x1b[2J\\nNone" in model
    assert error.startswith("error:")
