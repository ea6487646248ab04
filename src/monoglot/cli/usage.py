"""What is said of a command line that can't be read: one sentence, and where help is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise, takewhile

from cyclopts import App, CycloptsError, UnknownOptionError, UnusedCliTokensError

from monoglot.errors import SettingError

TRUTHS = ("true", "false", "yes", "no")


def check_flags(app: App, words: Sequence[str]) -> None:
    """Refuse ``--flag false``: the flag would be set, and the word be read as a file or a name.

    Args:
        app: The application.
        words: Words of the command line.

    Raises:
        SettingError: If a flag that takes no value has one as a word of its own.
    """
    _, apps, rest = app.parse_commands(list(words))
    command = apps[-1].default_command
    if command is None or not command.__module__.startswith(__package__):
        return  # such as cyclopts' own --help
    options = apps[-1].assemble_argument_collection()
    flags = {name for argument in options if argument.token_count()[0] == 0 for name in argument.names}
    for flag, word in pairwise(takewhile(lambda word: word != "--", rest)):
        if flag in flags and word.lower() in TRUTHS:
            raise SettingError(
                f"{flag} takes no value as a word of its own, got '{flag} {word}': write {flag} or "
                f"{flag}=false"
            )


def usage_error(error: CycloptsError) -> str:
    """Say what is wrong with a command line, and how to mend it.

    Args:
        error: What cyclopts found.
    """
    command = " ".join(["monoglot", *(error.command_chain or ())])
    return f"{_sentence(error, command)} See: {command} --help"


def _sentence(error: CycloptsError, command: str) -> str:
    if isinstance(error, UnusedCliTokensError):
        return f"{command} takes no more arguments, got also: {' '.join(error.unused_tokens or ())}."
    said = str(error).partition(" Available commands")[0]
    if isinstance(error, UnknownOptionError):
        begun = (error.token.keyword or error.token.value).partition("=")[0]
        names = chain.from_iterable(
            argument.names for argument in error.argument_collection if argument.parse
        )
        longer = sorted(name for name in names if begun.startswith("--") and name.startswith(begun))
        # Whoever types the beginning of an option means that one, and no other that looks alike.
        return f"{said.partition(' Did you mean')[0]} Did you mean {' or '.join(longer)}?" if longer else said
    return said
