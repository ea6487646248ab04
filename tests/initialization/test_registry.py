import pytest

from monoglot.errors import SettingError
from monoglot.initialization.methods.focus import Focus
from monoglot.initialization.registry import get_method, method_names


def test_the_shipped_methods_are_found():
    assert set(method_names()) >= {"focus", "focus-reference", "subword", "random", "mean", "zero"}
    assert get_method("focus") == Focus()


def test_an_unknown_method_is_answered_with_a_guess():
    with pytest.raises(SettingError, match="unknown method 'focsu': did you mean 'focus'"):
        get_method("focsu")


def test_an_unknown_option_is_refused():
    with pytest.raises(SettingError, match="method 'mean' has no option 'k'"):
        get_method("mean", {"k": 3})
