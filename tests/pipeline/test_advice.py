from dataclasses import dataclass

import pytest

from monoglot.pipeline.advice import advise


@dataclass(frozen=True)
class Tried:
    vocabulary: int
    relative_tokens: float


def options(*replacing: Tried):
    named = {f"replace {o.vocabulary}": o for o in replacing}
    return {"as it is": Tried(9000, 1.0), "trim": Tried(4000, 1.0), **named}


@pytest.mark.parametrize(
    ("tried", "size_bytes", "option", "reason"),
    [
        ((), 10**6, "trim", "too small"),
        ((Tried(8000, 0.97),), 10**9, "trim", "not worth"),
        ((Tried(8000, 0.6),), 10**6, "trim", "little"),
        ((Tried(8000, 0.8), Tried(16000, 0.61), Tried(32000, 0.6)), 10**9, "replace 16000", "save 40%"),
    ],
)
def test_the_rules(tried, size_bytes, option, reason):
    advice = advise(options(*tried), size_bytes)
    assert advice.option == option
    assert reason in advice.reason


def test_flags_ask_for_what_is_advised():
    advice = advise(options(Tried(16000, 0.5)), 10**9)
    assert advice.flags == "--mode replace --vocabulary-size 16000"
