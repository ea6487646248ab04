import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_type_hints

import pytest

from monoglot.errors import SettingError
from monoglot.evaluation.settings import FineTuning
from monoglot.initialization.registry import METHODS
from monoglot.options import build, checked
from monoglot.settings import AdaptSettings, CompareSettings, EvaluateSettings, Settings, TaskSettings
from monoglot.training.registry import OBJECTIVES
from monoglot.training.schedule import TrainingSettings
from monoglot.vectors.registry import ENGINES


@dataclass(frozen=True)
class Inner:
    share: float = 0.5
    on: bool = False


@dataclass(frozen=True)
class Engine:
    learning_rate: float = 0.5
    dim: int = 300
    model: str = "cbow"
    rate: float | None = None
    on: bool = True
    perhaps: bool | None = None
    layers: tuple[int, ...] = ()
    pair: tuple[int, float] = (1, 1.0)
    names: tuple[str, ...] = ()
    listed: list[float] = field(default_factory=list)
    sequence: Sequence[int] = ()
    decay: Literal["linear", "cosine"] | None = None
    path: Path | None = None
    inner: Inner = field(default_factory=Inner)
    options: dict[str, Any] = field(default_factory=dict)


FROM_TEXT = {
    "a number that may be absent": ({"rate": "1e-3"}, Engine(rate=0.001)),
    "no number": ({"rate": "none"}, Engine(rate=None)),
    "dashes": ({"learning-rate": "0.1", "dim": "16", "model": "1"}, Engine(0.1, 16, "1")),
    "a suffix": ({"dim": "20k"}, Engine(dim=20_000)),
    "a whole number with a point": ({"dim": "1.5M"}, Engine(dim=1_500_000)),
    "a large number": ({"dim": "9007199254740993"}, Engine(dim=2**53 + 1)),
    "text that looks like a number": ({"model": "10M", "names": "1k"}, Engine(model="10M", names=("1k",))),
    "text that looks like a truth": ({"model": "false"}, Engine(model="false")),
    "false": ({"on": "false", "perhaps": "No"}, Engine(on=False, perhaps=False)),
    "zero is false": ({"on": "0"}, Engine(on=False)),
    "true": ({"on": "yes", "perhaps": "true"}, Engine(perhaps=True)),
    "one item that is zero": ({"layers": "0"}, Engine(layers=(0,))),
    "items": ({"layers": "0,1, 11", "listed": "1 2.5"}, Engine(layers=(0, 1, 11), listed=[1.0, 2.5])),
    "a list in JSON": ({"layers": "[0, 1]", "names": '["a,b"]'}, Engine(layers=(0, 1), names=("a,b",))),
    "a sequence": ({"sequence": "2k,3"}, Engine(sequence=[2000, 3])),
    "a pair": ({"pair": "3,0.5"}, Engine(pair=(3, 0.5))),
    "one of several": ({"decay": "cosine"}, Engine(decay="cosine")),
    "none of several": ({"decay": "none"}, Engine(decay=None)),
    "a path": ({"path": "a/b"}, Engine(path=Path("a/b"))),
    "nested": ({"inner": {"share": "1", "on": "no"}}, Engine(inner=Inner(1.0))),
    "options of its own": ({"options": {"x": "1"}}, Engine(options={"x": "1"})),
}


@pytest.mark.parametrize("case", FROM_TEXT)
def test_text_becomes_what_the_field_is(case):
    options, expected = FROM_TEXT[case]
    assert build(Engine, options, "it") == expected


FROM_PYTHON = {
    "a number": ({"dim": 7, "rate": 1}, Engine(dim=7, rate=1)),
    "a whole number written as another": ({"dim": 1e6}, Engine(dim=1_000_000)),
    "a list for a tuple": ({"layers": [0, 1], "names": ["a"]}, Engine(layers=(0, 1), names=("a",))),
    "a range": ({"layers": range(2)}, Engine(layers=(0, 1))),
    "one item": ({"layers": 0}, Engine(layers=(0,))),
    "a path for text": ({"model": Path("a/b")}, Engine(model="a/b")),
    "none": ({"perhaps": None, "rate": None}, Engine()),
    "an object": ({"inner": Inner(0.1)}, Engine(inner=Inner(0.1))),
}


@pytest.mark.parametrize("case", FROM_PYTHON)
def test_values_of_python_that_fit_are_taken(case):
    options, expected = FROM_PYTHON[case]
    made = build(Engine, options, "it")
    assert made == expected
    assert [type(value) for value in vars(made).values()] == [type(v) for v in vars(expected).values()]


REFUSED = {
    "unknown": ({"dmi": 3}, "it has no option 'dmi': did you mean 'dim'"),
    "no number": ({"dim": "many"}, "option 'dim' of it is a whole number.*, got 'many'"),
    "not whole": ({"dim": "1.5"}, "whole number.*'1.5'"),
    "not whole after the suffix": ({"dim": "1.2345k"}, "whole number"),
    "no suffix": ({"dim": "3x"}, "whole number"),
    "a suffix alone": ({"dim": "k"}, "whole number"),
    "infinite": ({"dim": "inf"}, "whole number"),
    "empty": ({"dim": ""}, "whole number"),
    "nan": ({"rate": "nan"}, "a number or none, got 'nan'"),
    "nan of python": ({"rate": math.nan}, "a number"),
    "a share with a suffix": ({"learning_rate": "1k"}, "a number, got '1k'"),
    "no truth": ({"on": "maybe"}, "true or false, got 'maybe'"),
    "none for a truth": ({"on": None}, "true or false, got None"),
    "a number for a truth": ({"on": 1}, r"true or false, got 1 \(int\)"),
    "a truth for a number": ({"dim": True}, r"whole number.*got True \(bool\)"),
    "a number for text": ({"model": 3}, r"text, got 3 \(int\)"),
    "bytes for text": ({"model": b"x"}, "text, got b'x'"),
    "no choice": ({"decay": "liner"}, "option 'decay' of it can't be 'liner': did you mean 'linear'"),
    "too many": ({"pair": "1,2,3"}, "a list"),
    "a wrong item": ({"layers": "0,x"}, "a list, each a whole number.*, got '0,x'"),
    "a wrong item of python": ({"layers": [0.5]}, "a list"),
    "bytes for a list": ({"names": b"ab"}, "a list"),
    "no mapping": ({"options": 3}, "options by name"),
    "a wrong option of an inner one": ({"inner": {"shar": 1}}, "Inner has no option 'shar'"),
    "twice": ({"learning-rate": 1, "learning_rate": 2}, "'learning_rate' twice"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused(case):
    options, message = REFUSED[case]
    with pytest.raises(SettingError, match=message):
        build(Engine, options, "it")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Settings(vocabulary_size="20x"), "--vocabulary-size is a whole number.*, got '20x'"),
        (lambda: Settings(trust_remote_code="perhaps"), "--trust-remote-code is true or false"),
        (lambda: Settings(mode="trimm"), "--mode can't be 'trimm': did you mean 'trim'"),
        (lambda: Settings(vectors_options=["dim"]), "--vectors-options is options by name"),
        (lambda: Settings(adapt_options={"checks": 1}), "give --adapt-tokens"),
        (lambda: Settings(adapt_tokens=5, adapt_options={"tokens": "6k"}), "give one"),
        (lambda: TrainingSettings(compile=None), "--compile is true or false, got None"),
        (lambda: TrainingSettings(layers="x"), "--layers is a list"),
        (lambda: AdaptSettings(objective_options="composed"), "--objective-options is options by name"),
        (lambda: CompareSettings(seeds=1.5), "--seeds is a whole number"),
        (lambda: EvaluateSettings(lines="all"), "--lines is a whole number"),
        (lambda: EvaluateSettings(lines=0), "--lines can't be 0: give 1 or more"),
        (lambda: TaskSettings(seeds=None), "--seeds is a whole number"),
        (lambda: FineTuning(epochs="x"), "--epochs is a whole number.* or none"),
    ],
)
def test_settings_of_another_type_are_refused(make, message):
    with pytest.raises(SettingError, match=message):
        make()


def test_settings_take_what_can_be_meant():
    assert CompareSettings(retention="english.txt").retention == ("english.txt",)
    assert TaskSettings(test="a.conll").test == ("a.conll",)
    assert TrainingSettings(layers=[0]).layers == (0,)
    assert Settings(heldout=Path("a.txt"), vocabulary_size="20k").vocabulary_size == 20_000
    assert Settings(adapt_options={"tokens": "1.5M", "checks": 2}).adapt_tokens == 1_500_000


@pytest.mark.parametrize("registry", [METHODS, ENGINES, OBJECTIVES], ids=["methods", "engines", "objectives"])
def test_every_option_by_name_can_be_written_as_text(registry):
    read = 0
    for name in registry:
        hints = get_type_hints(registry[name])
        for option in fields(registry[name]):
            if option.init and isinstance(option.default, int | float | str):
                value = checked(hints[option.name], str(option.default), option.name)
                assert (value, type(value)) == (option.default, type(option.default))
                read += 1
    assert read > 3


def test_a_probe_has_more_steps_than_a_long_training_unless_told_otherwise():
    plain = CompareSettings(probe_tokens=1000).of_probes()
    assert (plain.adapt_tokens, plain.adapt_options["batch_tokens"]) == (1000, 2048)
    told = CompareSettings(adapt_options={"batch-tokens": "512"}).of_probes()
    assert told.adapt_options["batch_tokens"] == "512"
    with pytest.raises(SettingError, match="--probe-tokens can't be 0: give 1 or more"):
        CompareSettings(probe_tokens=0)
