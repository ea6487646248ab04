"""Every exception that monoglot raises on purpose.

::

    MonoglotError
    ├── Interrupted               told to stop, after saving (exit code 143 or 130)
    └── InputError                what the user gave can't be used (the command line exits with code 2)
        ├── SettingError          an option or a combination of options
        ├── CorpusError           text that can't be read, or too little of it
        ├── TokenizerError        a tokenizer that is missing, broken or of an unsupported kind
        ├── ModelError            a model that is missing, broken or of an unsupported kind
        ├── VectorsError          auxiliary vectors that don't fit the vocabulary
        ├── UnknownTokenError     a token that the vocabulary does not have (a KeyError, too)
        ├── TrainingError         training that can't continue
        └── OutputError           an output folder in use, a full disk

Each message is one sentence that says what was got, what was expected and how to fix it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MonoglotError(Exception):
    """The root of all errors that monoglot raises on purpose."""

    exit_code = 1


class Interrupted(MonoglotError):
    """Long work was told to stop by a signal; it has saved what it did.

    Attributes:
        exit_code: 128 and the number of the signal, as shells report it.
    """

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


class InputError(MonoglotError):
    """What the user gave can't be used."""

    exit_code = 2


class SettingError(InputError):
    """An option, or a combination of options, that can't be used."""


class CorpusError(InputError):
    """Text that can't be read, or too little of it."""


class TokenizerError(InputError):
    """A tokenizer that is missing, broken or of an unsupported kind."""


class ModelError(InputError):
    """A model that is missing, broken or of an unsupported kind."""


class VectorsError(InputError):
    """Auxiliary vectors that don't fit the vocabulary."""


class UnknownTokenError(InputError, KeyError):
    """A token that was asked for by name, and that the vocabulary does not have."""

    def __str__(self) -> str:
        """The message as it is; a ``KeyError`` would show it in quotes."""
        return Exception.__str__(self)


class TrainingError(InputError):
    """Training that can't continue, such as with a loss that is no number."""


class OutputError(InputError):
    """An output folder that is in use or can't be written."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Say which names are known, the likeliest first.

    Args:
        name: What the user wrote.
        known: The names that would have been accepted.

    Returns:
        Text to append to an error message, such as ``did you mean 'focus'? Known: focus, mean.``
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    guess = f"did you mean '{close[0]}'? " if close else ""
    return f"{guess}Known: {', '.join(names)}."


def first_line(error: BaseException) -> str:
    """What an error of another library says, in one line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
