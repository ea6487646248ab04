from dataclasses import dataclass

import pytest

from monoglot.errors import SettingError
from monoglot.options import build


@dataclass(frozen=True)
class Engine:
    learning_rate: float = 0.5
    dim: int = 300
    model: str = "cbow"
    rate: float | None = None


def test_text_becomes_what_the_field_is():
    assert build(Engine, {"rate": "1e-3"}, "it") == Engine(rate=0.001)
    assert build(Engine, {"learning-rate": "0.1", "dim": "16", "model": "1"}, "it") == Engine(0.1, 16, "1")
    assert build(Engine, {"dim": 7}, "it") == Engine(dim=7)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dmi": 3}, "it has no option 'dmi': did you mean 'dim'"),
        ({"dim": "many"}, "is a number \\(int\\), got 'many'"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(SettingError, match=message):
        build(Engine, options, "it")
