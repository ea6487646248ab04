"""The Python of README.md and docs/ runs."""

import re
from pathlib import Path

import pytest

from monoglot.initialization import registry
from tests.fixtures.tokenizers import DATA

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def blocks(name: str) -> list[str]:
    """The Python blocks of a page."""
    return BLOCK.findall((ROOT / name).read_text(encoding="utf-8"))


@pytest.fixture
def at_home(xlm_r, tmp_path, monkeypatch):
    """Puts a tiny model and the sample text where the pages name a hub model and a corpus."""
    monkeypatch.chdir(tmp_path)

    def translate(code: str) -> str:
        code = code.replace("intfloat/multilingual-e5-small", str(xlm_r))
        code = code.replace("german/*.txt.gz", str(DATA / "de.txt"))
        return code.replace("vocabulary_size=50_048", "vocabulary_size=700, method='subword'")

    return translate


def test_readme_and_output_page(at_home, capsys):
    specialize, method = blocks("README.md")
    exec(at_home(specialize), {})
    assert "copied" in capsys.readouterr().out
    try:
        exec(method, {})
        assert "first-piece" in registry.method_names()
    finally:
        registry._registered.pop("first-piece", None)
    (mixture,) = blocks("docs/output.md")
    exec(at_home(mixture).replace("▁Krankenwagen", "▁und"), {})
    assert "1.00 ▁und" in capsys.readouterr().out
