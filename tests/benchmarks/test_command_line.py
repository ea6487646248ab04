"""What is written from the command line is current."""

from benchmarks import command_line
from monoglot.cli.nested import FILE, FOR
from monoglot.registry import Registry

CURE = "run python -m benchmarks.command_line"


def test_the_list_of_keys_is_current():
    assert FILE.read_text(encoding="utf-8") == command_line.keys_file(), CURE
    assert set(command_line.nested_keys()) == set(FOR)


def test_the_page_is_current():
    assert command_line.PAGE.read_text(encoding="utf-8") == command_line.page(), CURE


def test_a_class_of_somebody_else_is_not_listed():
    class Own:
        """Not of monoglot."""

    registry: Registry = Registry("method", "monoglot.initialization.methods")
    registry.register("own")(Own)
    assert "own" not in command_line._keys(registry)
