"""An output that is an input, lies in one or holds one is refused, whatever its path looks like."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from monoglot.errors import OutputError
from monoglot.run.output import check_apart

CASES = {
    "the model": ("model", "is the model"),
    "with a dot": ("./model/.", "is the model"),
    "through its parent": ("model/../model", "is the model"),
    "a link to it": ("link", "is the model"),
    "in it": ("model/german", "lies in the model"),
    "in it through a link": ("link/deep/german", "lies in the model"),
    "around it": (".", "holds the model"),
    "around the text": ("texts", "holds the corpus"),
    "the text": ("texts/de.txt", "is the corpus"),
    "a link to a folder around the text": ("link-to-texts", "holds the corpus"),
    "a folder whose work lies in the text's": (
        "unfinished",
        "unfinished.partial, where the work is done, holds",
    ),
}


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in ("model", "texts", "unfinished.partial"):
        (tmp_path / folder).mkdir()
    for file in ("texts/de.txt", "unfinished.partial/de.txt"):
        (tmp_path / file).write_text("Text")
    (tmp_path / "link").symlink_to("model")
    (tmp_path / "link-to-texts").symlink_to(tmp_path / "texts")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_an_output_that_is_an_input_is_refused(case: str, absolute: bool, places: Path) -> None:
    output, message = CASES[case]
    inputs = [("the model", Path("model")), ("the corpus", Path("texts/de.txt"))]
    inputs += [("the corpus", Path("unfinished.partial/de.txt"))]
    with pytest.raises(OutputError, match=message):
        check_apart(Path(os.path.join(places, output)) if absolute else Path(output), inputs)  # noqa: PTH118


@pytest.mark.parametrize("output", ["german", "model-german", "mode", "texts-german", "new/german"])
def test_an_output_beside_the_inputs_is_not(output: str, places: Path) -> None:
    inputs = [
        ("the model", Path("model")),
        ("the corpus", Path("texts/de.txt")),
        ("the hub", Path("no/such")),
    ]
    check_apart(Path(output), inputs)


def test_an_input_that_is_a_link_into_the_output_is_refused(places: Path) -> None:
    (places / "out").mkdir()
    (places / "out" / "text.txt").write_text("Text")
    (places / "text.txt").symlink_to("out/text.txt")
    with pytest.raises(OutputError, match=r"The output out holds the corpus \(text\.txt\): choose another"):
        check_apart(Path("out"), [("the corpus", Path("text.txt"))])
