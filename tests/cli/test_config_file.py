"""Options from a file: a run is repeated from what it wrote."""

import pytest

from monoglot.cli import app, main
from monoglot.errors import SettingError
from tests.fixtures.folders import GERMAN, TINY
from tests.fixtures.tokenizers import DATA

QUICK = ["--vocabulary-size", "700", "--threads", "1", "--vectors", "characters"]


def given(*words):
    """What a command would be called with."""
    return app.parse_args([str(word) for word in words], exit_on_error=False, print_error=False)[1].arguments


def same_files(first, second):
    """Whether two outputs are the same, but for what depends on the clock and pages that show it."""
    files = {path.relative_to(first) for path in first.rglob("*") if path.is_file()}
    assert files == {path.relative_to(second) for path in second.rglob("*") if path.is_file()}
    timed = {"measured.json", "report.html", "README.md"}
    compared = [file for file in files if file.name not in timed]
    assert len(compared) > 10
    return [file for file in compared if (first / file).read_bytes() != (second / file).read_bytes()]


def test_specialize_is_repeated_from_its_file(xlm_r, tmp_path, capsys):
    options = ["--keep-text", "query: ", "--method-options.second-share", "0.25", "--save", "3%"]
    first, second = tmp_path / "first", tmp_path / "second"
    words = ["specialize", xlm_r, DATA / "de.txt", "--output", first, *QUICK, *options]
    assert main([str(word) for word in words]) == 0
    file = first / "monoglot" / "run.toml"
    assert main(["specialize", "--config", str(file), "--output", str(second)]) == 0
    assert same_files(first, second) == []


def test_adapt_is_repeated_from_its_file(xlm_r, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    words = ["adapt", xlm_r, DATA / "de.txt", "--output", first, "--tokens", "2k", "--threads", "1"]
    words += [
        "--batch-tokens",
        "512",
        "--checks",
        "1",
        "--objective-options.share",
        "0.2",
        "--warmup-ratio",
        "0.1",
    ]
    assert main([str(word) for word in words]) == 0
    file = first / "monoglot" / "run.toml"
    assert main(["adapt", "--config", str(file), "--output-dir", str(second)]) == 0
    assert same_files(first, second) == []


def test_what_python_was_given_is_what_the_command_line_reads(german_run, xlm_r):
    output, _ = german_run
    found = given("specialize", "--config", output / "monoglot" / "run.toml", "-o", "other")
    assert found["settings"] == TINY
    assert (found["source"], list(found["corpus"])) == (str(xlm_r), [str(GERMAN)])


def test_the_command_line_comes_before_the_file(tmp_path):
    file = tmp_path / "run.yaml"
    file.write_text("source: m\ncorpus: [x, y]\nvocabulary_size: 20k\nmode: trim\nkeep-text: ['a b', c]\n")
    found = given("specialize", "--config", file, "-o", "o", "--mode", "replace", "n", "z")
    assert (found["source"], found["corpus"]) == ("n", ("z",))
    settings = found["settings"]
    assert (settings.mode, settings.vocabulary_size, settings.keep_text) == ("replace", 20_000, ("a b", "c"))


def test_other_names_are_names_in_a_file_too(tmp_path):
    file = tmp_path / "run.toml"
    file.write_text("max_seq_length = 512\nsave-total-limit = 3\ncompile = true\njson = true\n")
    found = given("adapt", "m", "x", "-o", "o", "--config", file)
    assert (found["training"].window_tokens, found["training"].keep, found["training"].compile) == (
        512,
        3,
        True,
    )
    assert found["display"].as_json


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"mode = ", "can't be read"),
        (b"\xff", "can't be read"),
        (None, "can't be read"),
        (b'command = "adapt"', "is for monoglot adapt, got monoglot specialize"),
        (b"vocab-size = 3", "has an option 'vocab-size': did you mean 'vocabulary-size'"),
        (b'config = "other.toml"', "has an option 'config'"),
        (b'mode = "trimm"', "--mode"),
    ],
)
def test_a_file_that_can_not_be_used_gets_one_sentence(tmp_path, capsys, content, message):
    file = tmp_path / "run.toml"
    if content is not None:
        file.write_bytes(content)
    assert main(["specialize", "m", "x", "-o", str(tmp_path / "o"), "--config", str(file)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("name", ["run.yml", "RUN.YAML"])
def test_a_list_is_no_file_of_options(tmp_path, name):
    (tmp_path / name).write_text("- a\n")
    with pytest.raises(SettingError, match="is a list: give options by name"):
        given("plan", "m", "x", "--config", tmp_path / name)
