"""Which names and keys do options such as ``--method`` have? They are listed in a file, for a quick help."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields, make_dataclass
from functools import cache
from importlib.resources import files
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from cyclopts.validators import Number

from monoglot.options import IsFile, bounds_of, file_of


@dataclass(frozen=True)
class Key:
    """A key of an option.

    Attributes:
        name: Its name, with ``_``.
        kind: Its type as the help names it, see `kind`.
        default: Its default.
        required: Whether it has none.
        bounds: What a number has to be, by the names of `cyclopts.validators.Number`.
    """

    name: str
    kind: str
    default: Any = None
    required: bool | None = None
    bounds: Mapping[str, float] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The key as the help shows it, such as ``dim INT ≥1 [300]``."""
        signs = {"gte": "≥", "gt": ">", "lte": "≤", "lt": "<"}
        found = "".join(f" {signs[name]}{number}" for name, number in self.bounds.items())
        return f"{self.name.replace('_', '-')} {self.kind}{found}{_default(self)}"

    @property
    def suffixes(self) -> tuple[str, ...] | None:
        """What the name of its file may end in, empty for anything; ``None`` if it names no file."""
        if self.kind == FILE_NAME:
            return ()
        if not self.kind.startswith(f"{FILE_NAME}."):
            return None
        return tuple(part.removeprefix(FILE_NAME) for part in self.kind.split("|"))

    @property
    def hint(self) -> Any:
        """The type of its values."""
        plain = _type_of(self.kind)
        bounded = Annotated[plain, Number(**self.bounds)] if self.bounds else plain
        return bounded if self.default is not None or self.required else bounded | None


Keys = Mapping[str, Mapping[str, Sequence[Key]]]
"""The keys of each option, for each class that it may be for ("": for one only)."""


@dataclass(frozen=True)
class Listed:
    """What the file lists.

    Attributes:
        keys: The keys of options.
        tasks: Names of tasks.
        fine_tuned: Those that a model can be fine-tuned for.
        untrained: Those that sentence vectors can be scored on as they are.
        with_teacher: Objectives that need a model to match.
        attentions: Implementations of attention in transformers.
        recorders: Tools that record a training, as transformers names them.
    """

    keys: Keys
    tasks: Sequence[str]
    fine_tuned: Sequence[str]
    untrained: Sequence[str]
    with_teacher: Sequence[str]
    attentions: Sequence[str]
    recorders: Sequence[str]

    @property
    def content(self) -> str:
        """The file; what a key does not have is left out."""
        keys = {
            option: {name: [_short(asdict(key)) for key in listed] for name, listed in names.items()}
            for option, names in self.keys.items()
        }
        plain = vars(self) | {"keys": keys}
        return json.dumps(plain, ensure_ascii=False, indent=1) + "\n"


def _short(key: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in key.items() if not (value is None or value == {})}


FILE = files("monoglot.cli") / "nested_options.json"
"""Written by ``python -m benchmarks.command_line``: to import all methods and engines takes seconds."""

FILE_NAME = "FILE"
"""The kind of a key that names a file, which has to be there; ``FILE.vec|FILE.bin`` if its suffix counts."""

FOR = {
    "method-options": "--method",
    "vectors-options": "--vectors",
    "objective-options": "--objective",
    "adapt-options": "",
}
"""Options with keys, and the option on which these depend."""


@cache
def read_list() -> Listed:
    """Read the list."""
    found = json.loads(FILE.read_text(encoding="utf-8"))
    keys = {
        option: {name: [Key(**key) for key in listed] for name, listed in names.items()}
        for option, names in found.pop("keys").items()
    }
    return Listed(keys, **found)


def stand_in(name: str, keys: Sequence[Key]) -> type:
    """Make a dataclass that takes the same options as the one that keys were listed of."""
    made = [
        (key.name, key.hint, field() if key.required else field(default=key.default))
        for key in sorted(keys, key=lambda key: not key.required)
    ]
    return make_dataclass(name.title().replace("-", ""), made, kw_only=True)


def epilogue(*options: str) -> str:
    """Write the keys of some options for the end of a command's help, in Markdown.

    Args:
        options: Options of `FOR`, without dashes.
    """
    keys, parts = read_list().keys, []
    for option in options:
        depends = f", by {FOR[option]}" if FOR[option] else ""
        parts.append(f"**Keys of --{option}**, given as --{option}.KEY VALUE{depends}:")
        lines = [
            f"- {f'{name}: ' if name else ''}{', '.join(key.text for key in listed) or 'none'}"
            for name, listed in keys[option].items()
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def keys_of(cls: type) -> list[Key]:
    """List the fields of a dataclass as keys.

    Args:
        cls: The dataclass.
    """
    hints, bounded, keys = get_type_hints(cls), get_type_hints(cls, include_extras=True), []
    for each in fields(cls):
        if each.init:
            default = each.default_factory() if each.default_factory is not MISSING else each.default
            limits = bounds_of(bounded[each.name])
            numbers = {name: getattr(limits, name, None) for name in ("gte", "gt", "lte", "lt")}
            given = {name: number for name, number in numbers.items() if number is not None}
            required = default is MISSING
            file = file_of(bounded[each.name])
            named = file_kind(file) if file else kind(hints[each.name])
            keys.append(Key(each.name, named, None if required else default, required or None, given))
    return keys


def file_kind(file: IsFile) -> str:
    """Name the kind of a file as the help does."""
    return "|".join(f"{FILE_NAME}{suffix}" for suffix in file.suffixes) or FILE_NAME


def kind(hint: Any) -> str:
    """Name a type as the help does: INT, FLOAT, STR, true|false, the choices, or with dots for several."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(kind(each) for each in inner if each is not NoneType)
    if origin is Literal:
        return "|".join(str(each) for each in inner if each != "")
    if origin in (tuple, list):
        return f"{kind(inner[0])}..."
    if origin is dict:
        return "KEYS"
    return "true|false" if hint is bool else str(hint.__name__).upper()


def _type_of(kind: str) -> Any:
    """Give the type that `kind` named."""
    if kind.startswith(f"{FILE_NAME}."):
        return str
    if kind.endswith("..."):
        return tuple[_type_of(kind.removesuffix("...")), ...]  # type: ignore[misc]  # a type made here
    plain = {
        "INT": int,
        "FLOAT": float,
        "STR": str,
        FILE_NAME: str,
        "true|false": bool,
        "KEYS": dict[str, Any],
    }
    return plain.get(kind) or Literal[tuple(kind.split("|"))]


def _default(key: Key) -> str:
    """Write a default in brackets; that it has to be given where there is none."""
    if key.required:
        return " (required)"
    if key.default is None or key.default in ((), [], {}, ""):
        return ""
    return f" [{str(key.default).lower() if isinstance(key.default, bool) else key.default}]"
