"""The Python of README.md and docs/ runs, their links lead somewhere, and every page is in the navigation."""

import re
import runpy
import tomllib
from pathlib import Path

import numpy as np
import pytest

import monoglot
from monoglot.initialization import registry
from monoglot.initialization.registry import get_method
from tests.fixtures import transfers
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
    assert "tokens per word" in capsys.readouterr().out
    try:
        exec(method, {})
        assert "first-piece" in registry.method_names()
    finally:
        registry.METHODS.forget("first-piece")
    (mixture,) = blocks("docs/output.md")
    exec(at_home(mixture).replace("▁Krankenwagen", "▁und"), {})
    assert "1.00 ▁und" in capsys.readouterr().out


def test_quick_start_loads_the_result(at_home):
    specialize, _ = blocks("README.md")
    exec(at_home(specialize), {})
    (load,) = blocks("docs/index.md")
    found: dict = {}
    exec(load, found)
    assert len(found["tokenizer"]) == found["model"].get_input_embeddings().num_embeddings


def test_results_are_shown_as_the_reference_has_it(at_home, capsys):
    example, settings = blocks("docs/api.md")
    exec(at_home(example), {})
    assert re.search(r"\d+ \d+ \d\.\d+\n +token +id .* nearest\n0 ", capsys.readouterr().out)
    exec(at_home(settings), {})
    assert Path("e5-trimmed/monoglot/proof").is_dir()


def test_a_method_of_your_own(source_tokenizers, target_tokenizers):
    (method,) = blocks("docs/new-method.md")
    transfer = transfers.make_transfer(source_tokenizers["unigram"], target_tokenizers["unigram"])
    try:
        exec(method, {"__name__": "example"})
        rows = get_method("last-piece-heavy", {"share": 0.5}).mix(transfer)
        alone = get_method("last-piece-heavy", {"share": 1}).mix(transfer)
    finally:
        registry.METHODS.forget("last-piece-heavy")
    spelled = np.flatnonzero(np.diff(transfer.pieces.indptr) > 1)
    assert len(spelled) > 20
    for place in spelled:
        pieces = transfer.pieces.of(place)
        one, last = (each.select(np.array([place])) for each in (rows, alone))
        assert one.weights.sum() == pytest.approx(1)
        assert one.weights[one.indices == pieces[-1]].sum() >= 0.5
        assert set(last.indices[last.weights > 0]) == {pieces[-1]}


PAGES = ["README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if not target.startswith("http"):
            assert ((ROOT / page).parent / target).exists(), target


def test_every_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    named = re.findall(r": ([\w-]+\.md)$", navigation, re.MULTILINE)
    assert sorted(named) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))


def test_the_reference_has_every_public_name():
    named = re.findall(
        r"^::: monoglot\.(\w+)$", (ROOT / "docs/api.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(named) == sorted(name for name in monoglot.__all__ if name != "__version__")


def test_a_release_has_absolute_links_and_addresses():
    found = runpy.run_path(str(ROOT / ".ci" / "absolute_links.py"))
    address = "https://example.org/owner/monoglot"
    readme = found["absolute"]((ROOT / "README.md").read_text(encoding="utf-8"), address)
    targets = re.findall(r"\]\(([^)\s]+)", readme)
    assert all(target.startswith(("https://", "#")) for target in targets)
    assert f"]({address}/raw/HEAD/docs/before-after.svg)" in readme
    assert f"]({address}/blob/HEAD/docs/modes.md)" in readme
    pyproject = found["with_urls"]((ROOT / "pyproject.toml").read_text(encoding="utf-8"), address)
    assert tomllib.loads(pyproject)["project"]["urls"]["Repository"] == address
    site = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "repo_url" not in site  # until there is an address
    assert f"\nrepo_url: {address}\n" in found["with_repository"](site, address)
