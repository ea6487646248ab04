"""Classes by name."""

from __future__ import annotations

import pytest

from monoglot.errors import SettingError
from monoglot.initialization.initialize import Initializer
from monoglot.initialization.methods.focus import Focus
from monoglot.registry import Registry


@pytest.fixture
def methods():
    """The package of methods, registered elsewhere already, and names of the test's own."""
    registry: Registry[Initializer] = Registry("method", "monoglot.initialization.methods", "monoglot.none")
    registry.register("near")(Focus)
    return registry


def test_a_name_belongs_to_one_class(methods):
    class Other:
        pass

    with pytest.raises(ValueError, match="the method 'near' is registered twice"):
        methods.register("near")(Other)
    assert methods["near"] is Focus


def test_a_class_that_is_defined_again_replaces_itself(methods):
    again = type("Focus", (), {"__module__": Focus.__module__})
    assert methods.register("near")(again) is again
    assert methods["near"] is again


def test_unknown_names_are_refused_with_those_that_are_known(methods):
    methods.register("a")(Focus)
    assert list(methods) == ["a", "near"]
    with pytest.raises(SettingError, match=r"unknown method 'naer': did you mean 'near'\? Known: a, near"):
        methods["naer"]
    methods.forget("near")
    assert "near" not in methods


def test_another_package_names_its_modules_by_entry_points(methods, monkeypatch):
    class Entry:
        def load(self):
            methods.register("theirs")(Focus)

    monkeypatch.setattr(
        "monoglot.registry.entry_points", lambda group: [Entry()] if group == "monoglot.none" else []
    )
    assert "theirs" in methods
