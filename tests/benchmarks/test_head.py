"""Benchmarks and experiments: each says how it is called, and its result can be made again."""

import json
import sys
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks import head

COMMANDS = sorted(
    ".".join(path.relative_to(head.ROOT).with_suffix("").parts)
    for folder in ("benchmarks", "experiments")
    for path in (head.ROOT / folder).rglob("*.py")
    if "def main(" in path.read_text(encoding="utf-8") and path.stem != "oracle"
)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_how_it_is_called(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as ended:
        import_module(name).main()
    assert ended.value.code in (0, None)
    assert "usage: " in capsys.readouterr().out


def test_there_are_commands():
    assert len(COMMANDS) > 20


def test_data_that_is_not_there_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["x", "--data", "nowhere"])
    with pytest.raises(SystemExit) as ended:
        head.parse(head.parser("What it does.", "data", seed=3))
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith("error: there is no nowhere: say with --data where it is\n")


def test_a_result_says_where_it_comes_from(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", [str(Path("benchmarks") / "x.py"), "--seed", "3"])
    content = json.loads(head.save("x", {"seed": 3, "value": 0.5}, tmp_path).read_text())
    assert content["command"] == "python -m benchmarks.x --seed 3"
    assert (content["seed"], content["value"]) == (3, 0.5)
    assert content["commit"] == head.commit()
    assert {"processor", "cores", "versions"} <= content["machine"].keys()


def test_the_command_names_modules_in_folders(monkeypatch):
    monkeypatch.setattr(sys, "argv", [str(head.ROOT / "experiments" / "x" / "run.py"), "--table"])
    assert head.command() == "python -m experiments.x.run --table"
