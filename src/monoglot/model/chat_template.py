"""Texts that a chat template writes beside the messages, read from the parsed template, never run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import product

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser

from monoglot.errors import ModelError

ROLES = ("system", "user", "assistant", "tool")
MAX_OUTPUTS = 32
"""At most this many texts of the branches of a template are followed at a time; of more, the last one."""
DAYS = 366

_UNREAD_METHODS = frozenset(
    ("startswith", "endswith", "split", "rsplit", "strip", "lstrip", "rstrip", "get", "pop", "index", "find")
)
_UNREAD_FUNCTIONS = frozenset(("raise_exception", "range", "namespace", "strftime_now"))
_CASES = {"upper": str.upper, "lower": str.lower, "title": str.title, "capitalize": str.capitalize}
_UNCHANGED = frozenset(("trim", "string", "safe", "strip", "lstrip", "rstrip"))

_SCHEMA = {
    "type": "function",
    "function": {
        "name": "x",
        "description": "x",
        "parameters": {
            "type": "object",
            "properties": {
                name: {"type": name, "description": "x"}
                for name in ("string", "integer", "number", "boolean", "array", "object", "null")
            }
            | {"x": {"type": "array", "items": {"type": "string", "enum": ["x"]}, "nullable": True}},
            "required": ["x"],
        },
        "return": {"type": "string", "description": "x"},
    },
}
"""What `transformers.utils.get_json_schema` makes of a function."""
TOOLS = (json.dumps(_SCHEMA), json.dumps(_SCHEMA, indent=4), json.dumps({"name": "x", "arguments": {"x": 1}}))
"""How a template writes tools and their calls, where it turns something into JSON."""

Output = tuple[str | None, ...]
"""One text that an expression may write, in parts; ``None`` stands for text that isn't known."""
_UNKNOWN: tuple[Output, ...] = ((None,),)


class _Generation(Extension):
    """The tag by which templates mark what the model writes; known to transformers only."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def template_texts(template: str) -> tuple[str, ...]:
    """Give the texts that a chat template writes, each as long as nothing unknown interrupts it.

    The branches of a template are followed both ways, loops none, one and two times, so that
    what stands side by side in a conversation stands side by side here. A role that is written is written as
    each that the template compares it with, and the usual four; a date as each day of a year; and where
    something is turned into JSON, there is JSON of a tool.

    Args:
        template: A template, in Jinja.

    Returns:
        The texts, each once, in the template's order.

    Raises:
        ModelError: If it can't be parsed.
    """
    environment = Environment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[_Generation, "jinja2.ext.loopcontrols", "jinja2.ext.do"],
    )
    try:
        tree = environment.parse(template)
        return tuple(_Reader(tree).texts())
    except TemplateSyntaxError as error:
        raise ModelError(f"can't be parsed (line {error.lineno}: {error.message})") from error
    except RecursionError as error:
        raise ModelError("can't be parsed (it is nested too deeply)") from error


class _Reader:
    """One walk through a parsed template."""

    def __init__(self, tree: nodes.Template) -> None:
        self._tree = tree
        self._roles = dict.fromkeys((*ROLES, *_compared_roles(tree)))
        self._names: dict[str, dict[Output, None]] = {}
        self._found: dict[str, None] = {}

    def texts(self) -> list[str]:
        for assignment in self._tree.find_all((nodes.Assign, nodes.Keyword)):
            self._remember(assignment)
        self._finish(self._walk(self._tree.body, [""]))
        for filtered in self._tree.find_all(nodes.Filter):
            if filtered.name == "tojson":
                self._finish(TOOLS)
        return [text for text in self._found if text]

    def _remember(self, assignment: nodes.Node) -> None:
        """Note what a name may stand for."""
        match assignment:
            case nodes.Assign(target=nodes.Name(name=name), node=value):
                pass
            case nodes.Assign(target=nodes.NSRef(attr=name), node=value):
                pass
            case nodes.Keyword(key=name, value=value):
                pass
            case _:
                return
        outputs = self._outputs(value)
        self._finish(text for output in outputs for text in output if text)
        known = self._names.setdefault(name, {})
        for output in outputs[: MAX_OUTPUTS - len(known)]:
            known[output] = None

    def _walk(self, body: Sequence[nodes.Node], begun: list[str]) -> list[str]:
        """Go through some statements.

        Args:
            body: The statements.
            begun: The texts that may have been begun before them.

        Returns:
            The texts that may have been begun after them.
        """
        for node in body:
            if isinstance(node, nodes.Output):
                for expression in node.nodes:
                    begun = self._write(begun, self._outputs(expression))
            elif isinstance(node, nodes.If):
                branches = [node.body, *(branch.body for branch in node.elif_), node.else_]
                begun = self._joined(*(self._walk(branch, begun) for branch in branches))
            elif isinstance(node, nodes.For):
                once = self._walk(node.body, begun)
                begun = self._joined(self._walk(node.else_, begun), once, self._walk(node.body, once))
            elif isinstance(node, nodes.Macro | nodes.AssignBlock):
                self._finish(self._walk(node.body, [""]))
            elif isinstance(body_of := getattr(node, "body", None), list):
                begun = self._walk(body_of, begun)
        return begun

    def _write(self, begun: list[str], outputs: Sequence[Output]) -> list[str]:
        after: dict[str, None] = {}
        for text, output in product(begun, outputs):
            for part in output:
                if part is None:
                    self._finish([text])
                    text = ""
                else:
                    text += part
            after[text] = None
        return self._joined(list(after))

    def _joined(self, *begun: list[str]) -> list[str]:
        texts = list(dict.fromkeys(text for each in begun for text in each))
        if len(texts) <= MAX_OUTPUTS:
            return texts
        self._finish(texts)
        return texts[-1:]

    def _finish(self, texts: Iterable[str]) -> None:
        self._found |= dict.fromkeys(texts)

    def _outputs(self, node: nodes.Node) -> Sequence[Output]:
        """What an expression may write."""
        match node:
            case nodes.TemplateData():
                return ((node.data,),)
            case nodes.Const(value=str()):
                return ((node.value,),)
            case nodes.Concat():
                return self._sequence(node.nodes)
            case nodes.Add():
                return self._sequence([node.left, node.right])
        if choices := _choices(node):
            return self._either(choices)
        change, changed = _change(node)
        if changed is not None:
            return self._changed(change, changed)
        return self._named(node)

    def _named(self, node: nodes.Node) -> Sequence[Output]:
        """What is not a text itself: a role, a variable, something else that texts may be in."""
        if _is_role(node):
            return tuple((role,) for role in self._roles)
        if (name := _name_of(node)) in self._names:
            return (*self._names[name], (None,))
        if isinstance(node, nodes.Call) and _name_of(node.node) == "strftime_now":
            self._finish(text for pattern in node.args for text in _dates(pattern))
        self._finish(_constants(node))
        return _UNKNOWN

    def _sequence(self, parts: Sequence[nodes.Node]) -> Sequence[Output]:
        outputs = [self._outputs(part) for part in parts]
        together: list[Output] = [()]
        for each in outputs:
            if len(together) * len(each) > MAX_OUTPUTS:
                self._finish(text for output in (*together, *each) for text in output if text)
                together = [(None,)]
            else:
                together = [(*before, *output) for before, output in product(together, each)]
        return together

    def _either(self, choices: Sequence[nodes.Node]) -> Sequence[Output]:
        return list(dict.fromkeys(output for choice in choices for output in self._outputs(choice)))

    def _changed(self, change: str, node: nodes.Node) -> Sequence[Output]:
        case = _CASES.get(change, str)
        outputs = [
            [part if part is None else case(part) for part in output] for output in self._outputs(node)
        ]
        for output in outputs:
            if change in ("trim", "strip", "lstrip") and output[0] is not None:
                output[0] = output[0].lstrip()
            if change in ("trim", "strip", "rstrip") and output[-1] is not None:
                output[-1] = output[-1].rstrip()
        return [tuple(output) for output in outputs]


def _choices(node: nodes.Node) -> list[nodes.Node]:
    """The expressions of which one is written; none if there is no choice."""
    match node:
        case nodes.CondExpr():
            return [node.expr1, *([node.expr2] if node.expr2 else [])]
        case nodes.Or() | nodes.And():
            return [node.left, node.right]
        case nodes.Filter(name="default" | "d", node=nodes.Node() as value):
            return [value, *node.args[:1]]
    return []


def _change(node: nodes.Node) -> tuple[str, nodes.Node | None]:
    """The filter or method that an expression applies to another, if it is one that keeps words."""
    name, inner = "", None
    if isinstance(node, nodes.Filter):
        name, inner = node.name, node.node
    elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
        name, inner = node.node.attr, node.node.node
    return name, inner if name in _UNCHANGED or name in _CASES else None


def _name_of(node: nodes.Node) -> str:
    """A variable's name, or the attribute's of a namespace."""
    if isinstance(node, nodes.Name):
        return node.name
    return node.attr if isinstance(node, nodes.Getattr) else ""


def _is_role(node: nodes.Node) -> bool:
    """Whether an expression is who speaks: ``message.role``, ``message['role']``, ``role``."""
    key = node.arg if isinstance(node, nodes.Getitem) else None
    named = key.value if isinstance(key, nodes.Const) else _name_of(node)
    return named in ("role", "from")


def _compared_roles(tree: nodes.Template) -> Iterator[str]:
    """The roles that a template asks for: what ``message.role`` is compared with, looked up in, set to."""
    for comparison in tree.find_all(nodes.Compare):
        sides = [comparison.expr, *(operand.expr for operand in comparison.ops)]
        if any(_is_role(side) for side in sides):
            yield from (text for side in sides for text in _constants(side))
    for assignment in tree.find_all(nodes.Assign):
        if _is_role(assignment.target):
            yield from _constants(assignment.node)


def _constants(node: nodes.Node) -> Iterator[str]:
    """The strings within an expression, but for those that only choose, compare or slice."""
    match node:
        case nodes.Const(value=str()):
            yield node.value
        case nodes.Getitem():
            yield from _constants(node.node)
        case nodes.CondExpr():
            yield from _constants(node.expr1)
            if node.expr2 is not None:
                yield from _constants(node.expr2)
        case nodes.Compare() | nodes.Test() | nodes.Name():
            return
        case nodes.Call(node=nodes.Name(name=name)) if name in _UNREAD_FUNCTIONS:
            return
        case nodes.Call(node=nodes.Getattr(attr=name, node=owner)) if name in _UNREAD_METHODS:
            yield from _constants(owner)
        case nodes.Pair():
            yield from _constants(node.value)
        case _:
            for child in node.iter_child_nodes():
                yield from _constants(child)


def _dates(pattern: nodes.Node) -> Iterator[str]:
    """A pattern of ``strftime`` for each day of a leap year, in one of twelve years."""
    if not (isinstance(pattern, nodes.Const) and isinstance(pattern.value, str)):
        return
    for day in range(DAYS):
        date = datetime(2024, 1, 1) + timedelta(days=day)
        year = 2024 if (date.month, date.day) == (2, 29) else 2024 + day % 12
        yield date.replace(year=year).strftime(pattern.value)
