"""The package as users get it: its public names, a cheap import, and an sdist that installs."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import typing
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import monoglot

ROOT = Path(__file__).parent.parent

PUBLIC = [
    "AdaptSettings",
    "Adapted",
    "CompareSettings",
    "Comparison",
    "CorpusError",
    "EvaluateSettings",
    "Evaluation",
    "Explanation",
    "FineTuning",
    "Initializer",
    "InputError",
    "Interrupted",
    "Mixture",
    "ModelError",
    "ModelFigures",
    "MonoglotError",
    "OutputError",
    "Overlap",
    "OverlapAnalysis",
    "Plan",
    "Progress",
    "Provenance",
    "Pushed",
    "Report",
    "Result",
    "SettingError",
    "Settings",
    "Summary",
    "TaskEvaluation",
    "TaskSettings",
    "Terminal",
    "TokenVectors",
    "TokenizerError",
    "TrainingError",
    "TrainingSettings",
    "Transfer",
    "UnknownTokenError",
    "VectorsError",
    "Vocabulary",
    "VocabularyAudit",
    "__version__",
    "adapt",
    "audit",
    "compare",
    "evaluate",
    "explain",
    "focus",
    "get_method",
    "initialize",
    "match",
    "method_names",
    "overlap",
    "plan",
    "push",
    "register",
    "report",
    "specialize",
    "transplant",
]


def python(*arguments: str | Path, interpreter: str | Path = sys.executable) -> str:
    """What a fresh interpreter prints, isolated from this one's environment and working directory."""
    command = [interpreter, "-I", *arguments]
    process = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path("/"))
    assert process.returncode == 0, process.stderr
    return process.stdout.strip()


def test_public_names() -> None:
    assert sorted(monoglot.__all__) == sorted(PUBLIC)
    for name in PUBLIC:
        assert getattr(monoglot, name) is not None


def test_version_is_that_of_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert monoglot.__version__ == project["version"]


def test_import_is_cheap() -> None:
    heavy = ("torch", "transformers", "datasets", "numpy", "rich", "fasttext")
    program = f"import sys, monoglot; print([name for name in {heavy} if name in sys.modules])"
    assert python("-c", program) == "[]"


def test_undefined_names_are_errors_for_ruff_and_mypy() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert "F" in tools["ruff"]["lint"]["select"]
    assert "F821" not in tools["ruff"]["lint"]["ignore"]
    assert "name-defined" not in tools["mypy"].get("disable_error_code", [])


def test_every_annotation_names_what_there_is() -> None:
    undefined = []
    for found in pkgutil.walk_packages(monoglot.__path__, "monoglot."):
        if found.name == "monoglot.__main__":
            continue
        module = importlib.import_module(found.name)
        for thing in defined_in(module):
            try:
                typing.get_type_hints(thing, localns=imported_for_typing(module))
            except NameError as error:
                undefined.append(f"{module.__name__}.{thing.__qualname__}: {error}")
    assert undefined == []


def defined_in(module: ModuleType) -> Iterator[type]:
    """The classes, functions and methods that a module defines."""
    own = [thing for thing in vars(module).values() if getattr(thing, "__module__", None) == module.__name__]
    for thing in own:
        if inspect.isfunction(thing) or inspect.isclass(thing):
            yield thing
        if inspect.isclass(thing):
            yield from (method for method in vars(thing).values() if inspect.isfunction(method))


def imported_for_typing(module: ModuleType) -> dict[str, object]:
    """What a module imports for its annotations only."""
    names: dict[str, object] = {}
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            exec(ast.unparse(node.body), names)
    return names


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist, and the wheel made from it (not from the working tree)."""
    folder = tmp_path_factory.mktemp("distributions")
    python("-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return next(folder.glob("*.tar.gz")), next(folder.glob("*.whl"))


def test_sdist_holds_what_is_needed_to_build_and_test(distributions: tuple[Path, Path]) -> None:
    with tarfile.open(distributions[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names >= {
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "CITATION.cff",
        "pyproject.toml",
        "tests/test_package.py",
    }


def test_wheel_holds_every_file(distributions: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(distributions[1]) as archive:
        packed = {name for name in archive.namelist() if name.startswith("monoglot/")}
    source = ROOT / "src"
    files = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    # Caches lie beside the files: of Python, and hidden ones of tools.
    own = {path for path in files if not any(part.startswith((".", "__pycache__")) for part in path.parts)}
    assert packed == {path.as_posix() for path in own}


def test_wheel_installs_into_a_fresh_environment(distributions: tuple[Path, Path], tmp_path: Path) -> None:
    python("-m", "venv", "--without-pip", tmp_path)
    fresh = tmp_path / "bin" / "python"
    site_packages = Path(python("-c", "import site; print(site.getsitepackages()[0])", interpreter=fresh))
    # The dependencies come from this environment; the editable monoglot does not, for .pth files don't nest.
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    install = ["-m", "pip", "--python", tmp_path, "install", "--quiet", "--no-deps", "--no-index"]
    python(*install, distributions[1])
    program = "import monoglot; print(monoglot.__version__, monoglot.__file__)"
    installed = python("-c", program, interpreter=fresh).split()
    assert installed == [monoglot.__version__, str(site_packages / "monoglot" / "__init__.py")]
    assert (tmp_path / "bin" / "monoglot").exists()


def test_no_two_classes_have_one_name() -> None:
    files = Path(monoglot.__file__).parent.rglob("*.py")
    names = [name for file in files for name in re.findall(r"(?m)^class (\w+)", file.read_text("utf-8"))]
    assert [name for name, times in Counter(names).items() if times > 1] == []
