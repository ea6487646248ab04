"""Every monoglot command of README and docs is one that the program reads."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from monoglot.cli import app
from monoglot.cli.main import check_flags

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(?:bash|console|sh)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^(?:\$ )?(?:.* -m )?monoglot (.*)$")
OTHERS = re.compile(r"^(?:python|pip|accelerate|pytest|make|hf) ")
"""Commands of other programs, and of benchmarks."""
THEIRS = {
    "--model", "--models", "--scale",  # of benchmarks and experiments
    "--machine_rank", "--main_process_ip", "--num_machines", "--num_processes",  # of accelerate
    "--signal",  # of sbatch
}  # fmt: skip
CLI = "docs/cli.md"  # written from the commands, with placeholders
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "experiments").rglob("*.md"))
)


def commands(page: str) -> list[str]:
    """What follows the program's name in each command of a page's blocks of code."""
    blocks = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    lines = [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [found[1] for line in lines if (found := COMMAND.match(line))]


@pytest.mark.parametrize("page", [page for page in PAGES if page != CLI and commands(page)])
def test_its_commands_can_be_read(page):
    for command in commands(page):
        words = shlex.split(command.replace(" …", " corpus.txt --output OUT", 1), comments=True)
        if "--config" in words:  # is read from a file, which tests of that option make
            continue
        check_flags(app, words)
        app.parse_args(words, exit_on_error=False, print_error=False)


def test_there_are_commands_on_many_pages():
    assert sum(bool(commands(page)) for page in PAGES) > 10
    assert sum(len(commands(page)) for page in PAGES) > 50


def test_every_option_that_a_sentence_names_is_one():
    known = {name for each in app for name in option_names(each)}
    assert len(known) > 60
    unknown = {
        (page, option)
        for page in PAGES
        if page != CLI
        for code in re.findall(r"`([^`\n]+)`", prose(page))
        if not OTHERS.search(code)
        for option in re.findall(r"(?<![\w-])--[a-z][\w-]*", code)
        if option not in known | THEIRS
    }
    assert not unknown


def option_names(command: str) -> set[str]:
    """The names of a command's options."""
    if command.startswith("-"):
        return set()
    return {name for option in app[command].assemble_argument_collection() for name in option.names}


def prose(page: str) -> str:
    """A page without its blocks of code."""
    return re.sub(
        r"^```.*?^```$", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )


def test_every_benchmark_and_experiment_that_a_page_names_is_there():
    named = {
        name
        for page in PAGES
        for name in re.findall(
            r"python -m ((?:benchmarks|experiments)[.\w]+)", (ROOT / page).read_text("utf-8")
        )
    }
    assert len(named) > 20
    files = {name: ROOT / Path(*name.split(".")) for name in named if not name.endswith(".NAME.run")}
    assert not [name for name, file in files.items() if not file.with_suffix(".py").is_file()]
