"""Settings as a command line and as a file."""

import tomllib
from dataclasses import asdict

from monoglot.settings import AdaptSettings, Settings
from monoglot.settings_text import command_line_options, run_file
from monoglot.training.schedule import TrainingSettings


def test_a_file_has_every_setting_and_is_toml():
    odd = 'query: "\\ \n\x7f\x01 ü🦔'
    settings = Settings(
        mode="trim", keep_text=(odd, "b"), coverage=0.9999, threads=1,
        method_options={"second-share": "0.5", "odd key": [1, 2], "on": True},
    )  # fmt: skip
    text = run_file("specialize", {"source": "hub/name", "corpus": ["a.txt", "b.txt"]}, settings)
    found = tomllib.loads(text)
    assert found.pop("method-options") == settings.method_options
    assert found["keep-text"] == [odd, "b"]
    assert (found["command"], found["source"], found["corpus"]) == (
        "specialize",
        "hub/name",
        ["a.txt", "b.txt"],
    )
    assert (found["coverage"], found["threads"], found["seed"]) == (0.9999, 1, 42)
    assert found["accept-difference"] is False
    left_open = {name for name, value in asdict(settings).items() if value in (None, (), {})}
    named = {name.replace("-", "_") for name in found} | {"method_options"}
    assert named == set(asdict(settings)) - left_open | {"command", "source", "corpus"}


def test_small_numbers_stay_what_they_are():
    training = TrainingSettings(learning_rate=5e-05, layers=(0, 1))
    found = tomllib.loads(run_file("adapt", {}, AdaptSettings(objective_options={"share": 1e-9}), training))
    assert found["learning-rate"] == 5e-05
    assert found["layers"] == [0, 1]
    assert found["objective-options"]["share"] == 1e-9


def test_a_command_line_has_what_differs():
    settings = Settings(mode="trim", keep_text=("a b",), accept_difference=True, method_options={"x_y": 1})
    words = command_line_options(asdict(settings), Settings())
    assert words == [
        "--mode", "trim", "--keep-text", "a b", "--accept-difference", "--method-options.x-y", "1",
    ]  # fmt: skip
