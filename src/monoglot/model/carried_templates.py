"""Which chat templates a model with a new tokenizer keeps, and why it loses the others."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedTokenizerFast

from monoglot.errors import TokenizerError
from monoglot.model.given_text import CHAT_TEMPLATES, DEFAULT, ChatTemplate, chat_templates
from monoglot.model.side_files import CHAT_TEMPLATE, transformer_folder
from monoglot.model.tokenizer_folder import TEMPLATE_NAME
from monoglot.untrusted import read_foreign_json

OF_PROCESSORS = "chat_template.json"
OF_TOKENIZERS = "tokenizer_config.json"
_MARKED = re.compile(r"[<\[].*[>\]]", re.DOTALL)
MOST_NAMED = 3


@dataclass(frozen=True)
class TemplateOutcome:
    """What becomes of one chat template.

    Attributes:
        template: The template of the source.
        problem: Why the output does not have it, or can't use it, in words; empty if it has.
        place: The file to write it into, relative to the folder; ``None`` if it need not or can't be written.
    """

    template: ChatTemplate
    problem: str = ""
    place: Path | None = None


def carry_templates(source: Path, out: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    """Write the source's chat templates that belong to the output and aren't there yet.

    Args:
        source: The source model's folder.
        out: The new model's folder, with tokenizer and configurations already in place.
        tokenizer: Its tokenizer.
    """
    for outcome in _outcomes(source, tokenizer):
        if outcome.place is None:
            continue
        (out / outcome.place).parent.mkdir(parents=True, exist_ok=True)
        if outcome.place.name == outcome.template.file.name:
            shutil.copyfile(source / outcome.template.file, out / outcome.place)
        else:
            (out / outcome.place).write_text(outcome.template.text, encoding="utf-8")


def lost_templates(source: Path, tokenizer: PreTrainedTokenizerFast) -> tuple[str, ...]:
    """Say of each chat template that an output with this tokenizer lacks, or can't use, why; a sentence each.

    Args:
        source: The source model's folder.
        tokenizer: The output's tokenizer.

    Raises:
        ModelError: If a configuration of the source is damaged.
    """
    return tuple(
        f"the chat template in {outcome.template.origin} {outcome.problem}"
        for outcome in _outcomes(source, tokenizer)
        if outcome.problem
    )


def _outcomes(source: Path, tokenizer: PreTrainedTokenizerFast) -> Iterator[TemplateOutcome]:
    templates = list(chat_templates(source))
    if not templates:  # most models: spares reading a tokenizer.json of 20 MB
        return
    own = _own(tokenizer)
    marks, known = _control_tokens(source), tokenizer.get_vocab()
    seen: set[tuple[Path, str]] = set()
    for template in templates:
        lacking = [mark for mark in marks if mark in template.text and mark not in known]
        of_tokenizer = _is_of_tokenizer(template.file)
        problem, place = "", _place(template)
        if not of_tokenizer and place is None:
            problem = f"is of no use: {_lacking_tokens(lacking)}" if lacking else ""
        elif of_tokenizer and template.text in own.values():
            place = None
        elif of_tokenizer and (template.file.parent, template.name) in seen:
            problem = f"is not carried over: {CHAT_TEMPLATE} beside it takes its place in the source too"
        elif lacking:
            problem = f"is not carried over: {_lacking_tokens(lacking)}"
        elif of_tokenizer and template.name in own:
            problem = "is not carried over: the new tokenizer brings a template of its own"
        elif place is None:
            problem = f"is not carried over: its name {template.name!r} can't be a file's"
        if of_tokenizer:
            seen.add((template.file.parent, template.name))
        yield TemplateOutcome(template, problem, None if problem else place)


def _is_of_tokenizer(file: Path) -> bool:
    return file.name in (CHAT_TEMPLATE, OF_TOKENIZERS) or file.parent.name == CHAT_TEMPLATES


def _lacking_tokens(lacking: list[str]) -> str:
    more = " …" if len(lacking) > MOST_NAMED else ""
    return f"the new tokenizer lacks {', '.join(lacking[:MOST_NAMED])}{more}, which it writes"


def _own(tokenizer: PreTrainedTokenizerFast) -> dict[str, str]:
    """The templates that a tokenizer brings, by name."""
    templates = tokenizer.chat_template
    if isinstance(templates, dict):
        return templates
    return {DEFAULT: templates} if templates else {}


def _place(template: ChatTemplate) -> Path | None:
    """Where an output has a template that its tokenizer does not bring; ``None`` if nowhere.

    Processors' configurations are copied with the template in them.
    """
    file = template.file
    if file.suffix == ".jinja" or file.name == OF_PROCESSORS:
        return file
    if file.name != OF_TOKENIZERS:
        return None
    if template.name == DEFAULT:
        return file.parent / CHAT_TEMPLATE
    named = TEMPLATE_NAME.fullmatch(template.name)
    return file.parent / CHAT_TEMPLATES / f"{template.name}.jinja" if named else None


def _control_tokens(source: Path) -> list[str]:
    """The added tokens of a source that are special or look so: those that a template may write."""
    file = transformer_folder(source) / "tokenizer.json"
    added = read_foreign_json(file, TokenizerError).get("added_tokens", []) if file.exists() else []
    return [
        token["content"] for token in added if token.get("special") or _MARKED.fullmatch(token["content"])
    ]
