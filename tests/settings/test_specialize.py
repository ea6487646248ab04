"""Options that a mode does not have."""

import pytest

from monoglot.errors import SettingError
from monoglot.settings import Settings


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"mode": "graft", "add_tokens": 9}, "--mode extend and does nothing in --mode graft"),
        ({"mode": "replace", "coverage": 0.9}, "--coverage is for --mode trim and graft"),
        ({"mode": "extend", "max_loss": 0.1}, "--max-loss is for --mode trim and graft"),
        ({"mode": "replace", "minimum_count": 5}, "--minimum-count is for --mode trim and graft"),
        ({"mode": "replace", "accept_difference": True}, "is for --mode trim, extend and graft"),
        ({"mode": "trim", "method": "focus"}, "--method is for --mode replace, extend and graft"),
        ({"mode": "trim", "method_options": {"first": "focus"}}, "--method-options is for --mode replace"),
        ({"mode": "trim", "vectors": "characters"}, "--vectors is for --mode replace"),
        ({"mode": "trim", "norm_calibration": 1.0}, "--norm-calibration is for --mode replace"),
        ({"mode": "replace", "target_tokenizer": "x", "vocabulary_size": 900}, "nothing with a --target"),
    ],
)  # fmt: skip
def test_what_a_mode_ignores_is_said(given, words):
    (sentence,) = Settings(**given).ignored
    assert words in sentence


def test_nothing_is_ignored_where_the_mode_has_the_option():
    assert not Settings().ignored
    assert not Settings(mode="extend", add_tokens=9, method="focus", vectors="characters").ignored
    assert not Settings(mode="graft", target_tokenizer="x", vocabulary_size=900).ignored


@pytest.mark.parametrize("given", [{"new_tokens": 5}, {"save": 0.1}, {"keep_script": ("Arabic",)}])
def test_what_belongs_to_another_mode_is_refused(given):
    with pytest.raises(SettingError, match=r"is for --mode .*, got --mode replace: leave it out"):
        Settings(mode="replace", **given)


def test_none_of_what_a_mode_does_not_have_is_no_contradiction():
    Settings(mode="replace", language_tokens=0, new_tokens=0)
