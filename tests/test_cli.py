"""Every command, and what it says when the input can't be used."""

import errno
import json
import os
import re
import subprocess
import sys

import pytest

from monoglot.__main__ import run as entry_point
from monoglot.cli import app, main
from monoglot.cli.main import ELSEWHERE
from monoglot.errors import MonoglotError
from monoglot.initialization.registry import METHODS
from monoglot.vectors.registry import ENGINES
from tests.fixtures.tokenizers import DATA

QUICK = ["--vocabulary-size", "700", "--threads", "1", "--method", "subword"]


def run(capsys, *words):
    """Exit code, standard output and error of one command."""
    code = main([str(word) for word in words])
    return code, *capsys.readouterr()


def test_specialize_prints_what_it_did(xlm_r, tmp_path, capsys):
    code, out, _ = run(capsys, "specialize", xlm_r, DATA / "de.txt", "--output", tmp_path / "o", *QUICK)
    assert code == 0
    assert "parameters" in out
    assert "copied from the source" in out
    assert "Written to" in out
    assert "report.html" in out


def test_specialize_speaks_json(xlm_r, tmp_path, capsys):
    words = ("specialize", xlm_r, DATA / "de.txt", "-o", tmp_path / "o", "--json", *QUICK)
    code, out, _ = run(capsys, *words)
    assert code == 0
    before, after = (json.loads(out)[when]["vocabulary"] for when in ("before", "after"))
    assert before == 1500
    assert 650 < after <= 700


BAD = {
    "no such model": (["{tmp}/nowhere/at/all", "{de}"], "no such model: there is no folder"),
    "folder without tokenizer": (["{tmp}/empty", "{de}"], "{tmp}/empty"),
    "no such corpus": (["{model}", "{tmp}/nothing.txt"], "nothing.txt"),
    "empty corpus": (["{model}", "{tmp}/blank.txt"], "no text"),
    "wrong encoding": (["{model}", "{tmp}/latin1.txt"], "line 2"),
    "too little text": (["{model}", "{tmp}/short.txt", "--mode", "replace"], "supports"),
    "unknown method": (["{model}", "{de}", "--method", "focsu"], "did you mean 'focus'"),
    "unknown engine": (["{model}", "{de}", "--vectors", "fastext"], "did you mean 'fasttext'"),
    "negative size": (["{model}", "{de}", "--vocabulary-size", "-5"], "vocabulary-size"),
    "unknown flag": (["{model}", "{de}", "--vocabulery-size", "5"], "vocabulery-size"),
    "missing corpus": (["{model}"], "corpus"),
    "output in use": (["{model}", "{de}", "--output", "{tmp}/used"], "{tmp}/used"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_sentence_and_exit_code_2(case, xlm_r, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "thesis.doc").write_text("precious")
    (tmp_path / "blank.txt").write_text("\n \n")
    (tmp_path / "short.txt").write_text("Ein Satz.\nNoch ein Satz.\n")
    (tmp_path / "latin1.txt").write_bytes(b"gut\nf\xfcr alle\n")
    words, message = BAD[case]
    places = {"tmp": tmp_path, "model": xlm_r, "de": DATA / "de.txt"}
    before = sorted(tmp_path.iterdir())
    filled = [word.format(**places) for word in words]
    if "--output" not in filled:
        filled += ["--output", str(tmp_path / "out")]
    if "--vocabulary-size" not in filled:
        filled += ["--vocabulary-size", "700"]
    code, out, err = run(capsys, "specialize", *filled)
    assert code == 2
    assert out == ""
    assert message.format(**places) in " ".join(err.split())
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()
    assert [p for p in sorted(tmp_path.iterdir()) if "partial" not in p.name] == before


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("specialise a b", 'Unknown command "specialise". Did you mean "specialize"? See: monoglot --help'),
        (
            "report out more",
            "monoglot report takes no more arguments, got also: more. See: monoglot report --help",
        ),
        ("adapt a b --out c", "Unknown option: --out. Did you mean --output? See: monoglot adapt --help"),
        (
            "adapt a b --output c --embed 1",
            "Did you mean --embedding-learning-rate? See: monoglot adapt --help",
        ),
        (
            "adapt a b --output c --gradient-accumulation-steps 4",
            "Unknown option: --gradient-accumulation-steps: give --batch-tokens for a step",
        ),
        ("adapt a b", "--output is missing. See: monoglot adapt --help"),
        ("adapt a b --output", "--output requires an argument"),
        ("adapt a b --output c --zzz", "Unknown option: --zzz. See: monoglot adapt --help"),
        (
            "adapt a b --output c --tokens abc",
            'Invalid value for --tokens: expected a whole number, such as 200, 20k, 1.5M or 1G, got "abc".',
        ),
        ("adapt a b --output c --seed 1.5", "expected a whole number, such as"),
        (
            "adapt a b --output c --compile false",
            "--compile takes no value as a word of its own, got '--compile false': write --compile or "
            "--compile=false",
        ),
        ("push out --public no", "write --public or --public=false"),
    ],
)
def test_a_command_line_that_cannot_be_read_gets_one_line_and_where_help_is(line, said, capsys):
    code, out, err = run(capsys, *line.split())
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert said in err
    assert err.count("\n") == 1


SUFFIXED = {
    "two words": ("adapt a b -o c --tokens 1.5M", {"training": {"tokens": 1_500_000}}),
    "one word": ("adapt a b -o c --tokens=10M", {"training": {"tokens": 10_000_000}}),
    "not tokens": ("specialize a b -o c --vocabulary-size 20k", {"settings": {"vocabulary_size": 20_000}}),
    "several": ("adapt a b -o c --layers 0 1k", {"training": {"layers": (0, 1000)}}),
    "by name": ("specialize a b -o c --adapt-options.tokens=10M", {"settings": {"adapt_tokens": 10_000_000}}),
    "text": ("specialize a b -o c --column 10M", {"settings": {"column": "10M"}}),
    "a corpus": ("adapt a 10M -o c", {"corpus": ("10M",)}),
    "evaluate": ("evaluate a b --lines 2k --seed=1k", {"settings": {"lines": 2000, "seed": 1000}}),
    "a task": ("evaluate a --task ner --seeds 1k --batch-size=2k", {"data": {"seeds": 1000}}),
    "training": ("specialize a b -o c --adapt-tokens 250k", {"settings": {"adapt_tokens": 250_000}}),
    "compare": ("compare a b -o c --probe-tokens 2M --lines=1k", {"settings": {"probe_tokens": 2_000_000}}),
    "explain": ("explain out 10M --neighbors 1k", {"neighbors": 1000, "words": ("10M",)}),
    "a flag that is off": ("adapt a b -o c --compile=false", {"training": {"compile": False}}),
}


@pytest.mark.parametrize("case", SUFFIXED)
def test_numbers_may_be_short_wherever_a_whole_number_is_wanted(case):
    line, expected = SUFFIXED[case]
    given = app.parse_args(line.split(), exit_on_error=False, print_error=False)[1].arguments
    for name, value in expected.items():
        if isinstance(value, dict):
            assert value.items() <= vars(given[name]).items()
        else:
            assert given[name] == value


def test_help_names_every_method_and_engine_and_no_empty_default(capsys):
    said = run(capsys, "specialize", "--help")[1]
    assert said.startswith("Usage: monoglot specialize SOURCE CORPUS... --output OUT [OPTIONS]\n")
    words = set(re.findall(r"[\w-]+", said))
    ours = {n for of in (METHODS, ENGINES) for n in of if of[n].__module__.startswith("monoglot.")}
    assert len(ours) > 15
    assert ours <= words
    assert "[default: auto]" in " ".join(said.replace("│", " ").split())
    assert not re.search(r"\[default: *(\{\}|\(\)|False|None)? *\]", said)


GROUPS = {
    "specialize": ["Arguments", "Model", "Text", "Vocabulary", "Initialization", "Training", "Run", "Output"],
    "adapt": ["Arguments", "Model", "Text", "Training", "Run", "Output"],
    "compare": [
        *("Arguments", "Model", "Text", "Vocabulary", "Initialization", "Training", "Evaluation", "Run"),
        "Output",
    ],
    "evaluate": ["Arguments", "Model", "Text", "Training", "Evaluation", "Run", "Output"],
    "plan": ["Arguments", "Model", "Text", "Vocabulary", "Run", "Output"],
}  # fmt: skip


@pytest.mark.parametrize("command", GROUPS)
def test_help_lists_options_in_groups(command, capsys):
    said = run(capsys, command, "--help")[1]
    assert re.findall(r"^╭─ (\w+) ─", said, re.MULTILINE) == GROUPS[command]


OTHER_NAMES = {
    "--output-dir=c": ("output", None),
    "--max-seq-length=1k": ("training", "window_tokens"),
    "--warmup-ratio=0.5": ("training", "warmup_share"),
    "--lr-scheduler-type=cosine": ("training", "decay"),
    "--save-total-limit=3": ("training", "keep"),
}


@pytest.mark.parametrize("word", OTHER_NAMES)
def test_names_of_transformers_are_names_here(word):
    name, field = OTHER_NAMES[word]
    words = ["adapt", "a", "b", word, *(["-o", "c"] if name != "output" else [])]
    given = app.parse_args(words, exit_on_error=False, print_error=False)[1].arguments
    value = getattr(given[name], field) if field else given[name]
    assert str(value) == {"1k": "1000"}.get(word.partition("=")[2], word.partition("=")[2])


def test_quiet_shows_nothing_and_json_all_the_same(xlm_r, capsys):
    words = ("overlap", xlm_r, xlm_r, "--quiet")
    assert run(capsys, *words) == (0, "", "")
    code, out, err = run(capsys, *words, "--json", "--threads", "1")
    assert (code, err) == (0, "")
    assert json.loads(out)["missing"]["all"]["tokens"] == 0


@pytest.mark.parametrize(
    "command", ["specialize", "adapt", "compare", "evaluate", "plan", "overlap", "report", "demo"]
)
def test_whatever_computes_has_threads_and_whatever_prints_can_be_quiet(command, capsys):
    said = run(capsys, command, "--help")[1]
    assert "--threads INT" in said
    assert "--quiet" in said
    assert "--config PATH" in said


def test_what_is_named_in_place_of_an_option_of_transformers_is_an_option():
    options = app["adapt"].assemble_argument_collection()
    known = {name for option in options for name in option.names}
    named = {name for text in ELSEWHERE.values() for name in re.findall(r"--[\w-]+", text)}
    assert named
    assert named <= known
    assert not known & set(ELSEWHERE)


def test_help_is_quick_and_imports_no_torch():
    code = "import sys; from monoglot.cli import main; main(['--help']); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "specialize" in done.stdout
    assert done.stdout.strip().endswith("False")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_leaves_early_is_no_fault(xlm_r, unbuffered):
    command = [sys.executable, "-m", "monoglot", "overlap", str(xlm_r), str(xlm_r), "--json", "--quiet"]
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), said) == (141, b"")


def test_version(capsys):
    from monoglot import __version__

    assert run(capsys, "--version")[1].strip() == __version__


def test_options_of_an_engine_are_numbers(xlm_r, tmp_path, capsys):
    options = ["--vectors", "fasttext", "--vectors-options.dim", "16", "--vectors-options.buckets", "2000"]
    options += ["--vectors-options.learning-rate", "0.1", "--vectors-options.model", "skipgram"]
    words = ("specialize", xlm_r, DATA / "de.txt", "-o", tmp_path / "o", *QUICK[:4], *options)
    assert run(capsys, *words)[0] == 0
    manifest = (tmp_path / "o" / "monoglot" / "manifest.json").read_text()
    assert '"dim": 16' in manifest
    assert '"learning_rate": 0.1' in manifest


@pytest.mark.parametrize(
    "error", [KeyError("left"), RecursionError("deep"), BaseException("panicked"), MemoryError()]
)
def test_what_nobody_thought_of_is_one_sentence_too(xlm_r, monkeypatch, capsys, error):
    def broken(*_, **__):
        raise error

    monkeypatch.setattr("monoglot.pipeline.plan.plan", broken)
    monkeypatch.delenv("MONOGLOT_TRACEBACK", raising=False)
    words = ["plan", str(xlm_r), str(DATA / "de.txt"), "--quiet"]
    assert main(words) == 1
    said = capsys.readouterr().err
    assert f"error: {type(error).__name__} at commands.py" in said
    assert "please report it" in said
    assert "Traceback" not in said
    monkeypatch.setenv("MONOGLOT_TRACEBACK", "1")
    with pytest.raises(type(error)):
        main(words)


def test_standard_input_is_a_corpus(monkeypatch, capsys):
    asked = {}

    def found(source, corpus, **_):
        asked["corpus"] = list(corpus)
        raise MonoglotError("seen")

    monkeypatch.setattr("monoglot.pipeline.plan.plan", found)
    monkeypatch.setattr("monoglot.cli.first_second.preview", lambda *_, **__: None)
    assert main(["plan", "model", "-"]) == 1
    assert asked["corpus"] == ["/dev/stdin"]


def test_an_interrupted_command_says_that_it_resumes(xlm_r, tmp_path, capsys, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("monoglot.pipeline.specialize.check", stop)
    code, _, err = run(capsys, "specialize", xlm_r, DATA / "de.txt", "-o", tmp_path / "o", *QUICK)
    assert code == 130
    assert "the same command resumes from here" in err


def test_an_interruption_before_the_first_import_is_no_traceback(capsys, monkeypatch):
    def stop():
        raise KeyboardInterrupt

    monkeypatch.setattr("monoglot.cli.main", stop)
    assert entry_point() == 130
    assert capsys.readouterr().err == "interrupted before anything was done\n"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_what_can_not_be_written_is_one_sentence(number, capsys, monkeypatch):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number), "/some/where")

    module = sys.modules["monoglot.cli.main"]  # the package has a function of that name
    monkeypatch.setattr(module, "check_flags", fail)
    monkeypatch.setattr(module, "leave_output", lambda: None)
    code, _, err = run(capsys, "audit", "x")
    assert code == 2
    assert f"/some/where can't be read or written ({os.strerror(number)})" in err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")  # noqa: PTH110
def test_a_full_disk_behind_standard_output_is_one_sentence():
    with open("/dev/full", "w") as full:  # noqa: PTH123
        found = subprocess.run(
            [sys.executable, "-m", "monoglot", "--help"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert found.returncode == 2
    assert "standard output can't be read or written" in found.stderr
    assert len(found.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--vocabulary-size", "1G"],
            "--vocabulary-size can't be 1000000000: give a number from 1 to 10000000",
        ),
        (
            ["--vectors-options.window", "1G"],
            "option 'window' of the engine 'cooccurrence' can't be 1000000000",
        ),
        (["--vectors-options.context-dim", "1G"], "can't be 1000000000: give a number from 1 to 10000"),
        (["--coverage", "inf"], 'expected a number, got "inf"'),
        (["--adapt-tokens", "1k", "--adapt-options.weight-decay", "inf"], "'inf'"),
    ],
)
def test_numbers_that_no_text_needs_are_refused_at_once(words, said, xlm_r, tmp_path, capsys):
    code, _, err = run(capsys, "specialize", xlm_r, DATA / "de.txt", "-o", tmp_path / "o", *words)
    assert code == 2
    assert said in " ".join(err.split())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["", " "])
def test_a_model_without_a_name_is_refused(name, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, "specialize", name, DATA / "de.txt", "-o", tmp_path / "o")
    assert code == 2
    assert "the name of the model is empty" in err


def test_words_that_are_no_text_are_refused(german_run, capsys):
    code, _, err = run(capsys, "explain", german_run[0], "\udcff")
    assert code == 2
    assert r"the word '\udcff' is not UTF-8" in err
    assert run(capsys, "explain", german_run[0])[0] == 2


@pytest.mark.parametrize(
    "words", [["--language", "German"], ["--base-model", "xx"], ["--language", "\udcff"]]
)
def test_a_card_is_not_given_what_the_hub_does_not_know(words, german_run, capsys):
    before = (german_run[0] / "README.md").read_bytes()
    code, _, err = run(capsys, "report", german_run[0], *words)
    assert code == 2
    assert words[0] in err
    assert (german_run[0] / "README.md").read_bytes() == before
