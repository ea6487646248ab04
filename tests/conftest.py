"""Fixtures for all tests; each module of `tests/fixtures` makes one kind of them."""

pytest_plugins = [
    "tests.fixtures.tokenizers",
    "tests.fixtures.models",
    "tests.fixtures.folders",
    "tests.fixtures.flash",
]
