"""Sentences of the user's own text, cut by the old tokenizer and by the new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerFast

from monoglot.report.spelling import visible
from monoglot.tokenization.vocabulary import backend_of, plain_backend

SHORTEST_CHARACTERS, LONGEST_CHARACTERS = 50, 170


@dataclass(frozen=True)
class Piece:
    """A stretch of text that one token stands for, or several that share its characters.

    Attributes:
        text: The characters.
        tokens: How many tokens; more than one where characters are cut into bytes.
    """

    text: str
    tokens: int


@dataclass(frozen=True)
class Example:
    """A sentence in pieces.

    Attributes:
        before: Its pieces by the source tokenizer; ``None`` if that is not at hand.
        after: Its pieces by the target tokenizer.
    """

    before: tuple[Piece, ...] | None
    after: tuple[Piece, ...]


def examples(
    source: PreTrainedTokenizerFast | None, target: PreTrainedTokenizerFast, lines: Sequence[str], most: int
) -> list[Example]:
    """Cut some lines by both tokenizers: lines at equal distances, not those that look best.

    Args:
        source: The source tokenizer, if it is at hand.
        target: The target tokenizer.
        lines: Held-out text; of long lines the beginning is taken.
        most: How many lines.
    """
    chosen = _chosen(lines, most)
    after = cut(target, chosen)
    before = cut(source, chosen) if source is not None else [None] * len(chosen)
    return [Example(old, new) for old, new in zip(before, after, strict=True)]


def cut(tokenizer: PreTrainedTokenizerFast, lines: Sequence[str]) -> list[tuple[Piece, ...]]:
    """The pieces of each line; characters that no token stands for are part of the piece after them."""
    backend = backend_of(tokenizer)
    if backend.truncation or backend.padding:
        backend = plain_backend(tokenizer)
    encodings = backend.encode_batch(list(lines), add_special_tokens=False)
    return [_pieces(line, encoding.offsets) for line, encoding in zip(lines, encodings, strict=True)]


def _pieces(line: str, spans: Sequence[tuple[int, int]]) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    done, waiting = 0, 0
    for _, end in spans:
        waiting += 1
        if end > done:
            pieces.append(Piece(visible(line[done:end]), waiting))
            done, waiting = end, 0
        elif pieces:
            pieces[-1] = Piece(pieces[-1].text, pieces[-1].tokens + waiting)
            waiting = 0
    if done < len(line):
        pieces.append(Piece(visible(line[done:]), waiting))
    return tuple(pieces)


def _chosen(lines: Sequence[str], most: int) -> list[str]:
    fitting = [line for line in lines if SHORTEST_CHARACTERS <= len(line) <= LONGEST_CHARACTERS]
    pool = fitting if len(fitting) >= most else [line for line in lines if line.strip()]
    step = max(1, len(pool) // most)
    return [_beginning(line) for line in pool[::step][:most]]


def _beginning(line: str) -> str:
    if len(line) <= LONGEST_CHARACTERS:
        return line
    end = line.rfind(" ", SHORTEST_CHARACTERS, LONGEST_CHARACTERS)
    return f"{line[: end if end > 0 else LONGEST_CHARACTERS]} …"
