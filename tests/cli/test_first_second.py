"""What can be known in the first second is refused before torch and transformers are imported."""

import json
import subprocess
import sys

import pytest

from monoglot.cli.base import Display
from monoglot.cli.first_second import check_named, first_second
from monoglot.cli.nested import read_list, stand_in
from monoglot.demo import model_path
from monoglot.errors import SettingError
from monoglot.initialization.registry import METHODS
from monoglot.options import build
from monoglot.pipeline.preview import check_processes
from monoglot.settings import AdaptSettings, CompareSettings, Settings
from monoglot.training.registry import OBJECTIVES
from monoglot.vectors.registry import ENGINES
from tests.fixtures.tokenizers import DATA

SPECIALIZE, ADAPT, COMPARE = (f"{name} {{model}} {{text}} --output {{out}}" for name in
                              ("specialize", "adapt", "compare"))  # fmt: skip
REFUSED = {
    f"{SPECIALIZE} --method focuss": "unknown method 'focuss': did you mean 'focus'?",
    f"{SPECIALIZE} --method focus --method-options.anchor 3": "method 'focus' has no option 'anchor'",
    f"{SPECIALIZE} --method-options.second-share 7": "can't be 7: give a number from 0 to 1",
    f"{SPECIALIZE} --method wechsel": "method 'wechsel' needs the option 'dictionary'",
    f"{SPECIALIZE} --method alignment --method-options.parallel-text no.tsv": "there is no file 'no.tsv'",
    f"{SPECIALIZE} --vectors fastext": "unknown vectors 'fastext'",
    f"{SPECIALIZE} --vectors no.vec": "there is no file 'no.vec'",
    f"{SPECIALIZE} --vectors words --vectors-options.path {{text}}": "is read from .vec and .bin files; got",
    f"{SPECIALIZE} --vectors-options.window 0": "can't be 0: give a number from 1 to 100",
    f"{SPECIALIZE} --save 500%": "--save 500% is out of range",
    f"{SPECIALIZE} --new-tokens -1": "--new-tokens can't be -1: give a number from 0 to 10000000",
    f"{SPECIALIZE} --mode crop": "Choose from",
    f"{SPECIALIZE} --mode trim --coverage 2": "--coverage can't be 2: give a number from 0 to 1",
    f"{SPECIALIZE} --mode trim --coverage 0.5 --max-loss 0.5": "got --coverage and --max-loss",
    f"{SPECIALIZE} --minimum-count -1": "--minimum-count can't be -1: give 0 or more",
    f"{SPECIALIZE} --norm-calibration 2": "--norm-calibration can't be 2:",
    f"{SPECIALIZE} --target-tokenizer no/such/thing": "no such model: there is no folder 'no/such/thing'",
    f"{SPECIALIZE} --keep-tokens no.txt": "there is no file 'no.txt', which was given as --keep-tokens",
    f"{SPECIALIZE} --heldout no.txt": "there is no file no.txt",
    f"{SPECIALIZE} --seed -1": "--seed -1 is out of range",
    f"{SPECIALIZE} --threads 0": "--threads 0 is too small",
    f"{SPECIALIZE} --device gpu": "--device gpu is no device",
    f"{SPECIALIZE} --adapt-tokens 9 --adapt-options.objective mlmm": "unknown objective 'mlmm'",
    f"{SPECIALIZE} --adapt-tokens 9 --adapt-options.checks 0": "can't be 0: give 1 or more",
    f"{SPECIALIZE} --keep-script Klingon": "there is no script 'Klingon': give Arabic, Cyrillic,",
    f"{SPECIALIZE} --keep-script Cyrilic": "there is no script 'Cyrilic': did you mean 'Cyrillic'?",
    f"{SPECIALIZE} --keep-script arabic": "there is no script 'arabic': did you mean 'Arabic'?",
    f"{SPECIALIZE} --keep-text=": "--keep-text has an empty text",
    f"{SPECIALIZE} --keep-tokens {{empty}}": "is empty; expected one token per line",
    f"{SPECIALIZE} --mode trim --coverage 0.5 --weights 1 2": "has 2 numbers for 1 CORPUS arguments",
    f"{SPECIALIZE} {{text}} --mode trim --coverage 0.5 --weights 1 2": "a file can have one weight only",
    f"{SPECIALIZE} --new-tokens 500 --vocabulary-size 400": "--new-tokens 500 leave no room",
    f"{SPECIALIZE} --mode trim --save 10%": "--save is for --mode graft, got --mode trim",
    f"{SPECIALIZE} --new-tokens 9 --save 10%": "--new-tokens and --save set the same thing",
    f"{SPECIALIZE} --method-options.first focuss": "unknown method 'focuss': did you mean 'focus'?",
    f"{SPECIALIZE} --method-options.first blend": "'blend' can't be part of a blend",
    f"{SPECIALIZE} --method-options.second focus-reference": "'focus-reference' can't be part of a blend",
    f"{SPECIALIZE} --method-options.second wechsel": "method 'wechsel' needs the option 'dictionary'",
    f"{SPECIALIZE} --method focus --method-options.temperature 1": "needs a number of anchors",
    f"{SPECIALIZE} --adapt-tokens 9 --adapt-options.attention nix": "unknown attention 'nix'",
    f"{SPECIALIZE} --adapt-tokens 9 --adapt-options.report-to nix": "unknown tool 'nix'",
    f"{SPECIALIZE} --adapt-tokens 9 --adapt-options.layers 99": "--layers 99: the model has layers 0 to 4",
    f"{SPECIALIZE} --adapt-tokens 9 --adapt-options.learning-rate 2": "option 'learning-rate' of",
    f"{SPECIALIZE} --mode trim --adapt-tokens 9 --adapt-options.schedule new-rows": "rows that were not",
    f"{ADAPT} --attention nix": "unknown attention 'nix'",
    f"{ADAPT} --report-to nix": "unknown tool 'nix'",
    f"{ADAPT} --schedule new-rows": "--schedule new-rows needs a model with rows that were not copied",
    f"{ADAPT} --lora-rank 2 --schedule embeddings": "--lora-rank has no matrices to work on",
    f"{COMPARE} --methods blend:first=blend": "'blend' can't be part of a blend",
    f"{COMPARE} --adapt-options.attention nix": "unknown attention 'nix'",
    f"{COMPARE} --adapt-options.layers 99": "--layers 99: the model has layers 0 to 4",
    f"{COMPARE} --adapt-options.report-to nix": "unknown tool 'nix'",
    "evaluate {model} --task ner --test {text}": "the task 'ner' needs fine-tuning; give --train and --dev",
    "evaluate {model} --task retrieval --train {text} --dev {text} --test {text}": "leave out --train",
    "plan {model} {text} --chart x.png": "The chart is an SVG file, got x.png",
    "plan {model} {text} --keep-text=": "--keep-text has an empty text",
    "plan {model} {text} --keep-tokens {empty}": "is empty; expected one token per line",
    f"{ADAPT} --objective mlmm": "unknown objective 'mlmm': did you mean 'mlm'?",
    f"{ADAPT} --objective mlm --objective-options.share 2": "can't be 2: give more than 0 and less than 1",
    f"{ADAPT} --objective-options.shar 2": "no objective has an option 'shar': did you mean 'share'?",
    f"{ADAPT} --objective distill": "the objective 'distill' needs a teacher",
    f"{ADAPT} --schedule some": "Choose from",
    f"{ADAPT} --learning-rate -1": "--learning-rate can't be -1: give more than 0 and less than 1",
    f"{ADAPT} --warmup-share 2": "--warmup-share can't be 2: give a number from 0 to 1",
    f"{ADAPT} --checks 0": "--checks can't be 0: give 1 or more",
    f"{ADAPT} --weight-decay -1": "--weight-decay can't be -1: give 0 or more",
    f"{ADAPT} --lora-rank -1": "--lora-rank can't be -1: give 0 or more",
    f"{ADAPT} --layers 99": "--layers 99: the model has layers 0 to 4",
    f"{ADAPT} --layers -1": "--layers can't be -1: give 0 or more",
    f"{ADAPT} --teacher no/such/thing": "no such model: there is no folder 'no/such/thing'",
    f"{COMPARE} --methods focuss": "unknown method 'focuss': did you mean 'focus'?",
    f"{COMPARE} --methods blend:second-share=7": "can't be 7: give a number from 0 to 1",
    f"{COMPARE} --methods blend,blend": "'blend' is named twice",
    f"{COMPARE} --vectors fastext": "unknown vectors 'fastext'",
    f"{COMPARE} --adapt-options.learning-rate -1": "can't be -1: give more than 0 and less than 1",
    f"{COMPARE} --seeds 0": "--seeds can't be 0: give 1 or more",
    f"{COMPARE} --retention no.txt": "there is no file no.txt",
    "evaluate {model} --task nerr --test {text}": "unknown task 'nerr': did you mean 'ner'?",
    "evaluate {model} --task ner --test no.conll": "there is no file 'no.conll', which was given as --test",
    "evaluate {model} {text} --word-share 2": "--word-share can't be 2: give more than 0 and at most 1",
    "evaluate {model} {text} --retention no.txt": "there is no file no.txt",
    "evaluate {model} {text} --parallel no.jsonl": "there is no file 'no.jsonl'",
    "plan {model} {text} --threads 0": "--threads 0 is too small",
    "plan {model} {text} --keep-tokens no.txt": "there is no file 'no.txt'",
    "overlap {model} no/such/thing": "no such model: there is no folder 'no/such/thing'",
    "overlap {model} {model} --threads 0": "--threads 0 is too small",
    "explain {model} Haus": "was not made by monoglot",
    "explain {model} Haus --neighbors 0": "Must be >= 1",
    "report no-such-run": "there is no folder no-such-run",
    "push no-such-run owner/model": "there is no folder no-such-run",
    "demo --language xx": "no demo for language 'xx'",
}

PROGRAM = """
import contextlib, io, json, sys
from monoglot.cli import main
for words in json.load(sys.stdin):
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        code = main(words)
    slow = [name for name in ("torch", "transformers") if name in sys.modules]
    print(json.dumps([code, said.getvalue(), slow]))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What each command line is answered with, in one process; lists what was imported until then."""
    places = {"model": model_path(), "text": DATA / "de.txt", "out": tmp_path_factory.mktemp("none") / "out"}
    empty = places["empty"] = tmp_path_factory.mktemp("made") / "empty.txt"
    empty.touch()
    lines = [[word.format(**places) for word in line.split()] for line in REFUSED]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=json.dumps(lines), capture_output=True, text=True, check=True
    )
    assert not places["out"].parent.joinpath("out").exists()
    return dict(zip(REFUSED, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("line", REFUSED)
def test_is_refused_before_torch_is_imported(line, answers):
    code, said, slow = answers[line]
    assert (code, slow) == (2, [])
    assert REFUSED[line] in " ".join(said.split())
    assert "Traceback" not in said


def test_a_sentence_encoder_without_its_original_is_refused_at_once(tmp_path, capsys):
    from monoglot.cli import main

    (tmp_path / "modules.json").write_text("[]")
    (tmp_path / "config.json").write_text('{"architectures": ["BertModel"], "model_type": "bert"}')
    (tmp_path / "model.safetensors").touch()
    (tmp_path / "tokenizer.json").touch()
    assert main(["adapt", str(tmp_path), str(DATA / "de.txt"), "--output", str(tmp_path / "o")]) == 2
    assert "none was given: add --teacher ORIGINAL" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("option", "registry"),
    [("method-options", METHODS), ("vectors-options", ENGINES), ("objective-options", OBJECTIVES)],
)
def test_the_list_takes_and_refuses_what_the_classes_do(option, registry):
    for name, keys in read_list().keys[option].items():
        required = {key.name: "x" for key in keys if key.required}
        assert build(stand_in(name, keys), required, name)
        for key in keys:
            if "gte" in key.bounds:
                wrong = required | {key.name: key.bounds["gte"] - 1}
                for cls in (stand_in(name, keys), registry[name]):
                    with pytest.raises(SettingError, match="can't be"):
                        build(cls, wrong, name)


def test_methods_of_other_packages_are_left_to_the_registry(monkeypatch):
    with pytest.raises(SettingError, match="unknown method 'theirs'"):
        check_named(Settings(method="theirs"))
    monkeypatch.setattr("monoglot.cli.first_second.entry_points", lambda group: [group])
    check_named(Settings(method="theirs"))
    check_named(CompareSettings(methods=("theirs:x=1",)))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (CompareSettings(), "compare works in one process"),
        (Settings(adapt_tokens=9), "specialize works in one process"),
        (AdaptSettings(device="cuda:1"), "cuda:1 is one device, but 4 processes were launched"),
    ],
)
def test_several_processes_are_refused_where_they_can_not_work_together(settings, words, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(SettingError, match=words):
        first_second("no model", [], Display(), settings=settings)
    for fine in (Settings(), AdaptSettings(device="cuda")):
        check_processes(fine)


def test_an_option_of_any_objective_is_taken_where_none_is_named():
    check_named(AdaptSettings(objective_options={"whole-words": True}))
