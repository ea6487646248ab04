"""What is said of a command line that can't be read: one sentence, and where help is."""

from __future__ import annotations

from itertools import chain

from cyclopts import CycloptsError, UnknownOptionError, UnusedCliTokensError


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
