"""Texts and tokens that a model's files name: prompts, prefixes, chat templates, ids of special tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerFast

from monoglot.errors import ModelError
from monoglot.model.chat_template import template_texts
from monoglot.model.side_files import sentence_modules, transformer_folder
from monoglot.model.token_ids import BIASES, FORCED, ID_LISTS, ID_SEQUENCES, LARGEST_ID, ONE_ID, TO_ID
from monoglot.tokenization.roles import is_control, is_reserved
from monoglot.tokenization.vocabulary import ids_of_texts
from monoglot.untrusted import read_foreign_json

CHAT_TEMPLATES = "additional_chat_templates"
DEFAULT = "default"
_TEMPLATE_FILE = "chat_template.jinja"
_CONFIGURATIONS = re.compile(r"(config|config_.*|.*_config|chat_template)\.json")
_PROMPT_KEY = re.compile(
    r"((default|system|query|queries|document|documents|doc|passage|corpus|text|task|retrieval)_)*"
    r"(prefix|prefixes|prompt|prompts|instruction|instructions)"
)
_SYSTEM_PROMPTS = re.compile(r"(default_)?system_prompt.*\.txt", re.IGNORECASE)
_CARD_HEAD = re.compile(r"\A---\s*\n(.*?\n)---\s*$", re.DOTALL | re.MULTILINE)
_BASE_MODEL = re.compile(r"^base_model:(.*(?:\n\s*-.*)*)", re.MULTILINE)
_HUB_FOLDER = "models--"
_MANIFEST = "monoglot/manifest.json"
# They name every token there is, or are no settings.
_LISTS_OF_TOKENS = (
    "tokenizer.json",
    "vocab.json",
    "added_tokens.json",
    "special_tokens_map.json",
    "modules.json",
)
_DECODER = "added_tokens_decoder"
_RETRIEVAL = "Represent this sentence for searching relevant passages: "
KNOWN_PREFIXES: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(rf"(?<![a-z0-9]){name}(?![a-z0-9])", re.IGNORECASE), texts)
    for name, texts in (
        (r"m?e5(?=.*instruct)", ("Instruct: ", "\nQuery: ")),
        (r"m?e5(?!.*instruct)", ("query: ", "passage: ")),
        (r"gte[-_]qwen2(?=.*instruct)", ("Instruct: ", "\nQuery: ")),
        (r"nomic[-_]embed", ("search_query: ", "search_document: ", "classification: ", "clustering: ")),
        (r"arctic[-_]embed", ("query: ", _RETRIEVAL)),
        (r"bge[-_](small|base|large)[-_]en", (_RETRIEVAL,)),
        (r"mxbai[-_]embed", (_RETRIEVAL,)),
    )
)
"""Prefixes of models whose files don't tell, by a part of the model's name."""


@dataclass(frozen=True)
class GivenText:
    """A text that a model is always given.

    Attributes:
        text: The text, as it stands before, after or between what the user writes.
        origin: Where it was found, for a person to read.
    """

    text: str
    origin: str


@dataclass(frozen=True)
class ChatTemplate:
    """A chat template.

    Attributes:
        file: The file that it stands in, relative to the model's folder.
        name: What it is called; ``default`` where it has no name.
        text: The template, in Jinja.
        named: Whether the file holds several, by name.
    """

    file: Path
    name: str
    text: str
    named: bool = False

    @property
    def origin(self) -> str:
        """Where it stands, for a person to read."""
        return self.file.as_posix() + (f" ({self.name})" if self.named else "")


def given_texts(folder: Path) -> tuple[GivenText, ...]:
    """Find the texts that a model is always given.

    These are prompts and prefixes that a configuration names (those of sentence-transformers and PyLate, of
    ``task_specific_params``, system prompts), prefixes that a model is known to want, by its name, and what
    chat templates write, wherever these stand.

    Args:
        folder: A model folder, or a sentence-transformers folder around one.

    Returns:
        The texts, each once, in the order of places above.

    Raises:
        ModelError: If there is no such folder, or a configuration is not JSON.
    """
    found: dict[str, GivenText] = {}
    for given in (*_prompts(folder), *_known(folder), *_written_by_templates(folder)):
        if given.text:
            found.setdefault(given.text, given)
    return tuple(found.values())


def unread_templates(folder: Path) -> tuple[str, ...]:
    """Name the chat templates whose texts ``given_texts`` could not find, a sentence each."""
    unread = []
    for template in chat_templates(folder):
        try:
            template_texts(template.text)
        except ModelError as error:
            unread.append(
                f"the chat template in {template.origin} {error}: what it writes is not kept; correct it, or "
                "name the texts with --keep-text"
            )
    return tuple(unread)


def chat_templates(folder: Path) -> Iterator[ChatTemplate]:
    """Give each chat template of a model; of those with one name in one place the first is in use.

    Raises:
        ModelError: If there is no such folder, or a configuration is not JSON.
    """
    for place in _places(folder):
        inside = place.relative_to(folder)
        for file in sorted(place.glob("*.jinja"), key=lambda file: (file.name != _TEMPLATE_FILE, file)):
            name = DEFAULT if file.name == _TEMPLATE_FILE else file.stem
            yield ChatTemplate(inside / file.name, name, _text(file))
        for file in sorted(place.glob(f"{CHAT_TEMPLATES}/*.jinja")):
            yield ChatTemplate(inside / CHAT_TEMPLATES / file.name, file.stem, _text(file))
        for file, content in _configurations(place):
            for name, text in _named_templates(content.get("chat_template")):
                named = not isinstance(content["chat_template"], str)
                yield ChatTemplate(inside / file.name, name, text, named)


def _named_templates(templates: Any) -> Iterator[tuple[str, str]]:
    """Name and text of what a configuration calls its chat template: one, or several in either form."""
    pairs: list[tuple[Any, Any]] = [(DEFAULT, templates)]
    if isinstance(templates, dict):
        pairs = list(templates.items())
    elif isinstance(templates, list):
        pairs = [(entry.get("name"), entry.get("template")) for entry in templates if isinstance(entry, dict)]
    yield from ((str(name), text) for name, text in pairs if isinstance(text, str))


def _written_by_templates(folder: Path) -> Iterator[GivenText]:
    for template in chat_templates(folder):
        try:
            texts = template_texts(template.text)
        except ModelError:
            continue  # said by unread_templates
        yield from (GivenText(text, f"chat template, {template.origin}") for text in texts)


def _prompts(folder: Path) -> Iterator[GivenText]:
    """Prompts and prefixes that configurations name."""
    for place in _places(folder):
        for file, content in _configurations(place):
            for path, text in _under_prompt_keys(content):
                yield GivenText(text, f"{'.'.join(path)}, {_name(file, folder)}")
        for file in sorted(place.iterdir()):
            if _SYSTEM_PROMPTS.fullmatch(file.name):
                yield GivenText(_text(file), _name(file, folder))


def _under_prompt_keys(content: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each text below a key that names prompts, with the keys that lead to it."""
    open_parts: list[tuple[tuple[str, ...], Any, bool]] = [((), content, False)]
    while open_parts:
        path, part, within = open_parts.pop()
        if isinstance(part, dict):
            inner = [(key, value, within or _PROMPT_KEY.fullmatch(key)) for key, value in part.items()]
            open_parts += [((*path, key), value, bool(inside)) for key, value, inside in reversed(inner)]
        elif isinstance(part, list):
            open_parts += [(path, value, within) for value in reversed(part)]
        elif within and isinstance(part, str):
            yield path, part


def _known(folder: Path) -> Iterator[GivenText]:
    """Prefixes that are known of a model's name; the first name that says something counts."""
    for name, where in _names_of(folder):
        for pattern, texts in KNOWN_PREFIXES:
            if pattern.search(name):
                yield from (GivenText(text, f"the usual prefixes of {name} ({where})") for text in texts)
                return


def _names_of(folder: Path) -> Iterator[tuple[str, str]]:
    """What a model is called, and what says so."""
    path = folder.absolute()
    yield path.name, "the folder's name"
    for part in path.parts:
        if part.startswith(_HUB_FOLDER):  # the hub's cache; the folder itself is named by a commit
            yield part.removeprefix(_HUB_FOLDER).replace("--", "/"), "its name on the hub"
    yield from _made_from(folder)
    for place in _places(folder):
        if (place / "README.md").is_file():
            head = _CARD_HEAD.match((place / "README.md").read_text(encoding="utf-8", errors="replace"))
            bases = _BASE_MODEL.search(head[1]) if head else None
            for name in re.findall(r"[\w./-]*\w", bases[1]) if bases else ():
                yield name, "base_model in its README.md"
    for place in _places(folder):
        for file, content in _configurations(place):
            if isinstance(name := content.get("_name_or_path"), str):
                yield name, f"_name_or_path in its {file.name}"


def _made_from(folder: Path) -> Iterator[tuple[str, str]]:
    """What the model was called that monoglot made this one from: it wants the same prefixes."""
    file = folder / _MANIFEST
    names = read_foreign_json(file, ModelError).get("names") if file.is_file() else None
    for key in ("source", "model"):
        if isinstance(names, dict) and isinstance(name := names.get(key), str):
            yield name.rstrip("/").rpartition("/")[2], f"the {key} it was made from, {_MANIFEST}"


def _places(folder: Path) -> tuple[Path, ...]:
    """The folder, and the one with the transformer, if that is another."""
    return tuple(dict.fromkeys((folder, transformer_folder(folder))))


def _configurations(place: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for file in sorted(place.glob("*.json")):
        if _CONFIGURATIONS.fullmatch(file.name):
            yield file, read_foreign_json(file, ModelError)


def _name(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix()


def _text(file: Path) -> str:
    if not file.is_file():  # opening a fifo would wait for ever
        raise ModelError(f"{file} is not a file; expected text in UTF-8: put it there, or remove it.")
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ModelError(f"{file} can't be read ({error}); expected text in UTF-8: correct it.") from error


def tokens_in_use(folder: Path, tokenizer: PreTrainedTokenizerFast) -> tuple[str, ...]:
    """Find control tokens and tokens in reserve that a configuration or a file beside the weights names.

    So ColBERT's ``[unused0]`` is found, which marks a question, and a token in reserve that ends a text.

    Args:
        folder: A model folder, or a sentence-transformers folder around one.
        tokenizer: Its tokenizer.

    Returns:
        The tokens, as the vocabulary writes them, in order of their ids.

    Raises:
        ModelError: If a file is not JSON.
    """
    backend = tokenizer.backend_tokenizer
    found: dict[int, str] = {}
    modules = [path for _, path in sentence_modules(folder)]
    for place in dict.fromkeys((folder, transformer_folder(folder), *modules)):
        for file in sorted(place.glob("*.json")):
            if file.name in _LISTS_OF_TOKENS or file.name.endswith(".index.json"):
                continue
            for named in _named(_content(file)):
                if isinstance(named, str) and (is_reserved(named) or is_control(named)):
                    found |= {id: text for text, id in ids_of_texts(tokenizer, [named]).items()}
                elif isinstance(named, int) and 0 <= named <= LARGEST_ID:
                    found |= {named: text} if (text := backend.id_to_token(named)) is not None else {}
    return tuple(found[id] for id in sorted(found))


def _content(file: Path) -> Any:
    if not file.read_bytes()[:64].lstrip().startswith(b"["):
        return read_foreign_json(file, ModelError)
    return read_foreign_json(file, ModelError, list)


def _named(content: Any, key: str = "") -> Iterator[str | int]:
    """Every text, and every number below a name of ids."""
    if isinstance(content, str):
        yield content
    elif type(content) is int:
        if _has_ids(key):
            yield content
    elif isinstance(content, dict):
        for name, inner in content.items():
            if name != _DECODER:
                yield from _named(inner, key if _has_ids(key) else str(name))
    elif isinstance(content, list):
        for inner in content:
            yield from _named(inner, key)


def _has_ids(key: str) -> bool:
    known = (*ID_LISTS, *ID_SEQUENCES, FORCED, BIASES)
    return key in known or ONE_ID.search(key) is not None or TO_ID.search(key) is not None
