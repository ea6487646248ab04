"""Do the pages that name files and functions name those that exist?"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import monoglot

SOURCE = Path(monoglot.__file__).parent
DOCS = Path(__file__).parents[1] / "docs"
STEP = re.compile(r"`([\w/]+\.py)`\s+→\s+`([\w.]+)`")
FILE = re.compile(r"`((?:[\w]+/)*[\w]+(?:\.py|/))`")
PAGES = ("algorithm.md", "architecture.md")


def defined(file: Path, name: str) -> bool:
    """Whether a file defines a function, class, constant, or a class's method."""
    nodes = ast.parse(file.read_text(encoding="utf-8")).body
    for part in name.split("."):
        found = [node for node in nodes if part in _names(node)]
        if not found:
            return False
        nodes = getattr(found[0], "body", [])
    return True


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


@pytest.mark.parametrize("page", PAGES)
def test_every_function_that_a_page_names_exists(page):
    steps = STEP.findall((DOCS / page).read_text(encoding="utf-8"))
    assert len(steps) > 15
    gone = [
        f"{file} → {name}"
        for file, name in steps
        if not (SOURCE / file).is_file() or not defined(SOURCE / file, name)
    ]
    assert not gone


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_exists(page):
    files = FILE.findall((DOCS / page).read_text(encoding="utf-8"))
    places = (SOURCE, SOURCE.parents[1])
    assert not [file for file in files if not any((place / file).exists() for place in places)]


def test_every_test_file_of_the_edge_cases_exists():
    named = re.findall(r"`((?:\w+/)*test_\w+)`", (DOCS / "edge-cases.md").read_text(encoding="utf-8"))
    assert len(named) > 50
    assert not [name for name in named if not (DOCS.parent / "tests" / f"{name}.py").is_file()]


def test_what_is_gone_is_noticed():
    file = SOURCE / "maths" / "simplex.py"
    assert defined(file, "sparsemax")
    assert not defined(file, "softmax")
    assert defined(SOURCE / "maths" / "mixture.py", "Mixture.apply")
    assert not defined(SOURCE / "maths" / "mixture.py", "Mixture.gone")


def test_every_layer_is_described():
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    rooms = [path for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()]
    names = [path.name if path.suffix else f"{path.name}/" for path in rooms]
    assert not [name for name in names if f"`{name}`" not in text and not name.startswith("__")]
