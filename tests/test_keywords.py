"""What the functions of the Python interface answer to keywords that they do not have."""

import inspect

import pytest

import monoglot
from monoglot import AdaptSettings, EvaluateSettings, Settings, TrainingSettings

FUNCTIONS = (
    "adapt", "audit", "compare", "evaluate", "explain", "overlap", "plan", "push", "report", "specialize"
)  # fmt: skip
PLACES = ("model", "text", "out")


@pytest.mark.parametrize(
    ("function", "keywords", "said"),
    [
        (
            "specialize",
            {"mode": "graft", "new_tokens": 2000},
            "specialize() has no argument 'mode' and 'new_tokens', which are settings: "
            "give settings=Settings(mode='graft', new_tokens=2000)",
        ),
        (
            "adapt",
            {"objective": "mlm", "tokens": 1000, "threads": 1},
            "give settings=AdaptSettings(objective='mlm', threads=1), training=TrainingSettings(tokens=1000)",
        ),
        ("compare", {"methods": ["focus"]}, "which is a setting: give settings=CompareSettings(methods=["),
        ("specialize", {"new_token": 5}, "'new_token': did you mean 'new_tokens', a field of Settings?"),
        ("specialize", {"overwite": True}, "'overwite': did you mean 'overwrite'?"),
        ("specialize", {"mode": "graft", "zzz": 1}, "specialize() has no argument 'zzz': Known: corpus,"),
    ],
)
def test_says_what_to_write(function, keywords, said):
    with pytest.raises(TypeError) as caught:
        getattr(monoglot, function)(*PLACES, **keywords)
    assert said in str(caught.value)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_answers(function):
    with pytest.raises(TypeError, match=rf"{function}\(\) has no argument 'zzz': Known: "):
        getattr(monoglot, function)(zzz=1)
    assert "zzz" not in inspect.signature(getattr(monoglot, function)).parameters


def test_evaluate_knows_the_settings_of_tasks():
    with pytest.raises(TypeError, match=r"give data=TaskSettings\(seeds=3\), tuning=FineTuning\(epochs=1\)"):
        monoglot.evaluate("model", seeds=3, epochs=1)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"tokens": 9}, r"adapt\(\) takes an AdaptSettings as settings, got a dict: give AdaptSettings\("),
        (TrainingSettings(), "got a TrainingSettings: give it as training=…"),
        (Settings(), r"got a Settings: give AdaptSettings\(…\)"),
        (EvaluateSettings(), r"got an EvaluateSettings: give AdaptSettings\(…\)"),
    ],
)
def test_settings_of_another_class_are_refused(settings, said):
    with pytest.raises(TypeError, match=said):
        monoglot.adapt(*PLACES, settings)


def test_settings_that_fit_are_taken(tmp_path):
    with pytest.raises(monoglot.MonoglotError):
        monoglot.adapt(tmp_path / "no", tmp_path / "no.txt", tmp_path / "out", AdaptSettings())
