"""Brings text and Python values into the types that settings declare, or says in one sentence why not."""

from __future__ import annotations

import inspect
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from decimal import Decimal, InvalidOperation
from numbers import Integral, Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from cyclopts import CoercionError, CycloptsError, Group, Parameter, convert
from cyclopts.validators import Number

from monoglot.errors import SettingError, did_you_mean

T = TypeVar("T")

# Groups in which the help of a command lists its options, in this order.
MODEL = Group("Model", sort_key=1)
TEXT = Group("Text", sort_key=2)
VOCABULARY = Group("Vocabulary", sort_key=3)
INITIALIZATION = Group("Initialization", sort_key=4)
TRAINING = Group("Training", sort_key=5)
EVALUATION = Group("Evaluation", sort_key=6)
RUN = Group("Run", sort_key=7)
OUTPUT = Group("Output", sort_key=8)
ModelOption = Annotated[T, Parameter(group=MODEL)]
TextOption = Annotated[T, Parameter(group=TEXT)]
VocabularyOption = Annotated[T, Parameter(group=VOCABULARY)]
InitializationOption = Annotated[T, Parameter(group=INITIALIZATION)]
TrainingOption = Annotated[T, Parameter(group=TRAINING)]
EvaluationOption = Annotated[T, Parameter(group=EVALUATION)]
RunOption = Annotated[T, Parameter(group=RUN)]
OutputOption = Annotated[T, Parameter(group=OUTPUT)]

# Numbers that an option takes: what `checked` refuses outside of, and the help of its keys shows.
Share = Annotated[float, Number(gte=0, lte=1)]
PositiveShare = Annotated[float, Number(gt=0, lte=1)]
InnerShare = Annotated[float, Number(gt=0, lt=1)]
"""A share of something, and never none or all of it."""
Weight = Annotated[float, Number(gte=0)]
Positive = Annotated[float, Number(gt=0)]
Count = Annotated[int, Number(gte=1)]
CountOrZero = Annotated[int, Number(gte=0)]
"""A number of things that may be 0."""
# Trainers reserve memory for what is asked for, and loops run as long: what no text needs is refused.
TokenCount = Annotated[int, Number(gte=1, lte=10_000_000)]
TokenCountOrZero = Annotated[int, Number(gte=0, lte=10_000_000)]
Dimension = Annotated[int, Number(gte=1, lte=10_000)]
Window = Annotated[int, Number(gte=1, lte=100)]


@dataclass(frozen=True)
class IsFile:
    """Marks text that names a file, which has to be there.

    Attributes:
        suffixes: What its name may end in, in lower case; empty for anything.
    """

    suffixes: tuple[str, ...] = ()


InputFile = Annotated[str, IsFile()]
WordVectorsFile = Annotated[str, IsFile((".vec", ".bin"))]

SUFFIXES = {"k": 10**3, "M": 10**6, "G": 10**9}
NAMES = {
    int: "a whole number, such as 200, 20k, 1.5M or 1G",
    float: "a number",
    bool: "true or false",
    str: "text",
    Path: "a path",
    NoneType: "none",
    dict: "options by name",
}


def build(cls: type[T], options: Mapping[str, Any], owner: str) -> T:
    """Make a dataclass from options that may come from a command line.

    Args:
        cls: A dataclass; a field without a default is an option that has to be given.
        options: Values by field name, with ``-`` or ``_``; text becomes what the field is declared to be.
        owner: What the options belong to, for messages.

    Raises:
        SettingError: If there is no such option, it is given twice, its value is of another type than the
            field's, or one without a default is absent.
    """
    settable = [field for field in fields(cls) if field.init]  # type: ignore[arg-type]  # see Args
    names = [field.name for field in settable]
    hints = get_type_hints(cls, include_extras=True)
    values: dict[str, Any] = {}
    for given, value in options.items():
        name = given.replace("-", "_")
        if name not in names:
            hint = did_you_mean(name, names) if names else "it has none."
            raise SettingError(f"{owner} has no option '{given}': {hint}")
        if name in values:
            raise SettingError(f"{owner} got the option '{given}' twice, with - and with _: give it once")
        values[name] = checked(hints[name], value, f"option '{given}' of {owner}")
    for field in settable:
        if field.default is field.default_factory is MISSING and field.name not in values:
            raise SettingError(
                f"{owner} needs the option '{field.name}', which has no default: give it a value"
            )
    return cls(**values)


def field_names(cls: type) -> list[str]:
    """Names of a dataclass's fields in the order in which they are written: its own, then inherited ones."""
    own = set(inspect.get_annotations(cls))
    names = [field.name for field in fields(cls)]
    return sorted(names, key=lambda name: name not in own)


def check_types(settings: object, owner: str = "") -> None:
    """Bring the fields of a frozen dataclass into their declared types, for its ``__post_init__``.

    Text of a command line has been converted before; this is for callers from Python, whom no type checker
    stops from giving ``"20k"``, a path, or a list where a tuple is declared.

    Args:
        settings: The dataclass.
        owner: What its fields are options of, for messages; by default they are options of a command.

    Raises:
        SettingError: If a value is of another type than its field's, or a number out of its bounds.
    """
    hints = get_type_hints(type(settings), include_extras=True)
    for field in fields(settings):  # type: ignore[arg-type]  # see above
        if field.init:
            flag = f"--{field.name.replace('_', '-')}"
            what = f"option '{field.name}' of {owner}" if owner else flag
            value = checked(hints[field.name], getattr(settings, field.name), what)
            object.__setattr__(settings, field.name, value)


def checked(hint: Any, value: Any, what: str) -> Any:
    """Convert a value to a declared type.

    Args:
        hint: The declared type, with the bounds of numbers as `Annotated` has them.
        value: Text, or a value of Python.
        what: What the value is given for, for the message.

    Raises:
        SettingError: If it is of another type, or a number out of bounds.
    """
    bounds, hint = bounds_of(hint), _plain(hint)
    try:
        found = _fitted(hint, value)
        _check_bounds(found, bounds, what)
        return found
    except (ValueError, CycloptsError):
        pass
    choices = [choice for kind in (hint, *get_args(hint)) for choice in _choices(kind)]
    if choices and isinstance(value, str):
        raise SettingError(f"{what} can't be '{value}': {did_you_mean(value, map(str, choices))}")
    kind = "" if isinstance(value, str) or value is None else f" ({type(value).__name__})"
    raise SettingError(f"{what} is {described(hint)}, got {value!r}{kind}")


def bounds_of(hint: Any) -> Number | None:
    """Give the bounds of the numbers that a declared type takes, if it has any."""
    if get_origin(hint) is Annotated:
        own = [extra for extra in hint.__metadata__ if isinstance(extra, Number)]
        return own[0] if own else bounds_of(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return next(filter(None, map(bounds_of, get_args(hint))), None)
    return None


def file_of(hint: Any) -> IsFile | None:
    """What is known of the file that a declared type names; ``None`` if it names none."""
    marks = hint.__metadata__ if get_origin(hint) is Annotated else ()
    return next((mark for mark in marks if isinstance(mark, IsFile)), None)


def range_of(bounds: Number) -> str:
    """Describe bounds in words, such as ``1 or more``."""
    least = "" if bounds.gte is None else f"{bounds.gte}"
    above = "" if bounds.gt is None else f"more than {bounds.gt}"
    most = "" if bounds.lte is None else f"at most {bounds.lte}"
    below = "" if bounds.lt is None else f"less than {bounds.lt}"
    if least and not (most or below):
        return f"{least} or more"
    if least and most:
        return f"a number from {least} to {bounds.lte}"
    return " and ".join(filter(None, (f"at least {least}" if least else "", above, most, below)))


def _check_bounds(value: Any, bounds: Number | None, what: str) -> None:
    """Refuse a number out of its bounds, or a list that has one."""
    for number in value if isinstance(value, list | tuple) else [value]:
        if bounds is None or isinstance(number, bool) or not isinstance(number, int | float):
            continue
        try:
            bounds(type(number), number)
        except ValueError:
            written = repr(number).removesuffix(".0")  # nearer to what was given than 2.0
            raise SettingError(f"{what} can't be {written}: give {range_of(bounds)}") from None


def _plain(hint: Any) -> Any:
    """Take bounds and what else `Annotated` adds off a declared type, and off those of a union."""
    if get_origin(hint) is Annotated:
        return _plain(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return Union[tuple(_plain(kind) for kind in get_args(hint))]  # noqa: UP007 - of a tuple
    return hint


def described(hint: Any) -> str:
    """Describe a type in words."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(described(kind) for kind in inner)
    if origin is Literal:
        return f"one of {', '.join(map(str, inner))}"
    if origin in (tuple, list, Sequence):
        return f"a list, each {described(inner[0])}"
    plain = origin or hint
    return NAMES.get(plain, getattr(plain, "__name__", str(plain)))


def from_text(kind: type, text: str) -> Any:
    """Convert one word to a plain type, as cyclopts does but for numbers.

    Whole numbers may end in ``k``, ``M`` or ``G``, and are not rounded to be whole; NaN and infinity are no
    numbers.

    Raises:
        CoercionError: If the word is none of that type.
    """
    if kind is int:
        return _whole_number(text)
    if kind is float:
        number = convert(float, [text])
        if not math.isfinite(number):
            raise CoercionError(msg=f'expected {NAMES[float]}, got "{text}".')
        return number
    return convert(kind, [text])


def _whole_number(text: str) -> int:
    digits, factor = (text[:-1], SUFFIXES[text[-1]]) if text[-1:] in SUFFIXES else (text, 1)
    try:
        number = Decimal(digits) * factor
        if number == (whole := int(number)):
            return whole
    except (InvalidOperation, ValueError, OverflowError):  # no number; NaN; infinity
        pass
    raise CoercionError(msg=f'expected {NAMES[int]}, got "{text}".')


def _fitted(hint: Any, value: Any) -> Any:
    """Convert a value; see `checked`.

    Raises:
        ValueError: If the value is of another type.
        CycloptsError: The same, of text.
    """
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if is_dataclass(hint) and isinstance(hint, type) and isinstance(value, Mapping):
        return build(hint, value, hint.__name__)
    if origin in (tuple, list, Sequence):
        return _items(origin, inner, value)
    if isinstance(value, str):
        return convert(hint, [value], converter=from_text)
    if origin in (Union, UnionType):
        return _first(inner, value)
    if origin is Literal:
        if value in inner:
            return value
        raise ValueError
    plain: Any = origin or hint
    return FITTING.get(plain, _instance)(plain, value)


def _first(kinds: Iterable[Any], value: Any) -> Any:
    """Convert a value to the first type of a union that takes it."""
    for kind in kinds:
        try:
            return _fitted(kind, value)
        except ValueError:
            continue
    raise ValueError


def _items(origin: Any, inner: Sequence[Any], value: Any) -> Any:
    """Convert to a list or tuple; text is one item, a list in JSON, or numbers between commas."""
    kinds = [kind for kind in inner if kind is not ...]
    if isinstance(value, str):
        value = _listed(value, is_text=str in kinds)
    elif value is None or isinstance(value, Mapping | bytes | bytearray | set | frozenset):
        raise ValueError
    items = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    if len(kinds) > 1 and len(kinds) != len(items):
        raise ValueError
    kinds = kinds if len(kinds) > 1 else kinds * len(items)
    found = [_fitted(kind, item) for kind, item in zip(kinds, items, strict=True)]
    return tuple(found) if origin is tuple else found


def _listed(text: str, *, is_text: bool) -> list[Any]:
    """The items that one word names."""
    if text.startswith("["):
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if isinstance(found, list):
            return found
    return [text] if is_text else [part for part in text.replace(",", " ").split() if part]


def _choices(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) is Literal else ()


def _text(_: Any, value: Any) -> str:
    if isinstance(value, os.PathLike) and isinstance(path := os.fspath(value), str):
        return path
    raise ValueError


def _path(_: Any, value: Any) -> Path:
    return Path(_text(None, value))


def _integer(_: Any, value: Any) -> int:
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)  # 1e6
    raise ValueError


def _number(_: Any, value: Any) -> float:
    if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError
    # An int stays one: stages are found again by what was given.
    return value if isinstance(value, int | float) else float(value)


def _truth(_: Any, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError


def _mapping(_: Any, value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return dict(value)
    raise ValueError


def _instance(kind: Any, value: Any) -> Any:
    if not isinstance(kind, type) or isinstance(value, kind):
        return value
    raise ValueError


FITTING: dict[Any, Callable[[Any, Any], Any]] = {
    str: _text, Path: _path, int: _integer, float: _number, bool: _truth, dict: _mapping, Mapping: _mapping,
}  # fmt: skip
