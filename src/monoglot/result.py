"""What the functions of the Python interface give back: plain values, a table, HTML for a notebook."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from monoglot.errors import SettingError
from monoglot.visible import visible

if TYPE_CHECKING:
    import pandas

Row = Mapping[str, Any]
"""One row of a table, by the names of its columns; ``None`` where there is no value."""

Highlight = tuple[str, str]
"""What a line is about, and what it says."""

MOST_HIGHLIGHTS = 6
MOST_ROWS = 60
"""Rows that a notebook shows; `Result.to_pandas` has all."""


class Result(ABC):
    """Base of the frozen dataclasses that functions give back.

    They are made with ``repr=False``, so that `__repr__` is the one below.
    """

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values, fit for JSON."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]  # every subclass is a dataclass

    def highlights(self) -> Iterator[Highlight]:
        """Give what a first look should show, a few lines; by default the first rows."""
        for row in list(self.rows())[:MOST_HIGHLIGHTS]:
            name, *others = row.items()
            yield str(name[1]), ", ".join(f"{key} {_shown(v)}" for key, v in others if v is not None)

    def __repr__(self) -> str:
        """Give the class and the highlights, a line each; `to_dict` has everything."""
        lines = list(self.highlights())
        width = max((len(name) for name, _ in lines), default=0)
        told = (f"\n  {visible(name):<{width}}  {visible(text)}".rstrip() for name, text in lines)
        return f"{type(self).__name__}{''.join(told)}"

    @abstractmethod
    def rows(self) -> Iterable[Row]:
        """Give the table that says most: a mapping for each row, with the same keys."""

    def to_pandas(self) -> pandas.DataFrame:
        """Give the rows as a data frame.

        Raises:
            SettingError: If pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise SettingError(
                "to_pandas() needs pandas, which is not installed: pip install 'monoglot[pandas]'"
            ) from error
        return pandas.DataFrame(list(self.rows()))

    def _repr_html_(self) -> str:
        """Give the rows as an HTML table, which notebooks show."""
        rows = list(self.rows())
        head = "".join(f"<th>{escape(str(name))}</th>" for name in (rows[0] if rows else ()))
        lines = [
            "".join(
                f'<td style="text-align: {_side(value)}">{escape(_shown(value))}</td>' for value in values
            )
            for values in (row.values() for row in rows[:MOST_ROWS])
        ]
        more = f"<p>{len(rows) - MOST_ROWS} more rows</p>" if len(rows) > MOST_ROWS else ""
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if rows else ""
        return f"<p><b>{type(self).__name__}</b></p>{table}{more}"


def _side(value: object) -> str:
    return "right" if isinstance(value, int | float) and not isinstance(value, bool) else "left"


def _shown(value: object) -> str:
    """Write a value as people read it: counts with commas, other numbers with four digits."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


class Made(Protocol):
    """A result that tells which folder was made, such as that of `specialize`."""

    @property
    def output(self) -> str:
        """The folder."""
        ...


def folder_of(given: str | Path | Made) -> Path:
    """Give the folder that is named, or that a result tells of."""
    return Path(given if isinstance(given, str | Path) else given.output)
