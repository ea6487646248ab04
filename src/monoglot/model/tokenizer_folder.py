"""Loads tokenizers from folders, and checks that AutoTokenizer reads them in the same way."""

from __future__ import annotations

import inspect
import json
import logging
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from tokenizers import models
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from monoglot._hf import quiet_transformers, tokenizer_class, tokenizer_class_name
from monoglot.errors import TokenizerError, first_line
from monoglot.model.side_files import transformer_folder
from monoglot.tokenization.trim import TrimSettings, trim_tokenizer
from monoglot.tokenization.vocabulary import as_it_was, backend_of, id_rows
from monoglot.untrusted import check_regular, read_foreign_json, refusing

logger = logging.getLogger(__name__)
TEMPLATE_NAME = re.compile(r"\w[\w.-]*")
SLOW_VOCABULARIES = ("*.model", "vocab.txt", "vocab.json", "*.spm")
AROUND_TOKENIZER = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
CONFIG, MAP = "tokenizer_config.json", "special_tokens_map.json"
PROBE_TOKENS = 2000
LARGE_UNIGRAM = 50_000
"""Tokens of a Unigram vocabulary from which on reading it as its class does takes seconds."""
Ids = Callable[[list[int]], list[int]]


class UnreadableError(TokenizerError):
    """A tokenizer that ``AutoTokenizer`` can't read."""


def load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """Load what tokenizer.json says, without the class-specific changes of ``AutoTokenizer``.

    One thing is changed, with a warning: BPE dropout is switched off.

    Raises:
        TokenizerError: If there is no tokenizer.json, it is damaged, or the configuration beside it is.
    """
    folder = transformer_folder(folder)
    if not (folder / "tokenizer.json").is_file():
        slow = next((file for pattern in SLOW_VOCABULARIES for file in sorted(folder.glob(pattern))), None)
        instead = f"only {slow.name}, a slow tokenizer: convert that to" if slow else "no other: expected"
        raise TokenizerError(
            f"{folder} has no tokenizer.json and {instead} a tokenizer.json of the same model."
        )
    check_regular(folder / "tokenizer.json", TokenizerError)  # parsed once, by the library
    for name in AROUND_TOKENIZER:
        if (folder / name).exists():
            read_foreign_json(folder / name, TokenizerError)
    problem, advice = f"The tokenizer in {folder} can't be read", "correct its files, or get them again"
    with refusing(TokenizerError, problem, advice), quiet_transformers():
        tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(
            folder, local_files_only=True
        )
    copy_input_names(tokenizer, folder)
    copy_special_tokens(tokenizer, folder)
    tokenizer.model_max_length = _longest_input(tokenizer, folder)
    _without_dropout(tokenizer, folder)
    _check_template_names(tokenizer, folder)
    return tokenizer


def _longest_input(tokenizer: PreTrainedTokenizerFast, folder: Path) -> int:
    """``model_max_length``, which files hold as 512, 512.0 or 1e30, as a whole number."""
    longest: object = tokenizer.model_max_length
    if not isinstance(longest, int | float) or not 1 <= longest < math.inf or longest != int(longest):
        raise TokenizerError(
            f"{folder / 'tokenizer_config.json'} has model_max_length {longest!r:.60}; expected a whole "
            "number of tokens, at least 1: correct it."
        )
    return int(longest)


def _check_template_names(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Refuse chat templates whose names transformers would make into paths out of the output."""
    templates = tokenizer.chat_template
    for name in templates if isinstance(templates, dict) else ():
        if not TEMPLATE_NAME.fullmatch(name):
            raise TokenizerError(
                f"{folder / 'tokenizer_config.json'} has a chat template named {name!r}; expected letters, "
                "digits, '_', '-' and '.', as for a file: rename it"
            )


def _without_dropout(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Switch BPE dropout off, and say so: with it the same text is segmented differently each time."""
    model = tokenizer.backend_tokenizer.model
    if dropout := getattr(model, "dropout", None):
        model.dropout = None
        logger.warning(
            "%s asks for BPE dropout (%.2g), which segments the same text differently each time; it is "
            "disabled, here and in the output",
            folder / "tokenizer.json",
            dropout,
        )


def copy_input_names(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Give a tokenizer the names of inputs that its own class has, where its configuration has none.

    A pair model without ``token_type_ids`` takes two texts for one.
    """
    found = own_class(folder)
    if "model_input_names" not in _content(folder / CONFIG) and found is not None:
        tokenizer.model_input_names = list(found.model_input_names)


def copy_special_tokens(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Give a tokenizer the roles that its own class has tokens for, where its configuration is silent.

    GPT-2's class takes ``<|endoftext|>`` for beginning, end and unknown text unless it is told otherwise. A
    token that the vocabulary lacks is not added.
    """
    found = own_class(folder)
    if found is None:
        return
    said = _content(folder / CONFIG).keys() | _content(folder / MAP).keys()
    for role, parameter in inspect.signature(found.__init__).parameters.items():
        if role not in tokenizer.SPECIAL_TOKENS_ATTRIBUTES or role in said or getattr(tokenizer, role, None):
            continue
        text = str(parameter.default)
        if tokenizer.backend_tokenizer.token_to_id(text) is not None:
            setattr(tokenizer, role, text)


def own_class(folder: Path) -> type[PreTrainedTokenizerBase] | None:
    """The class that a folder names for its tokenizer, or that its kind of model has; without loading it."""
    name = _content(folder / CONFIG).get("tokenizer_class")
    config = _content(folder / "config.json")
    name = name or config.get("tokenizer_class") or tokenizer_class_name(str(config.get("model_type")))
    for candidate in (name, str(name).removesuffix("Fast")):
        if isinstance(candidate, str) and (found := tokenizer_class(candidate)) is not None:
            return found
    return None


def _content(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = read_foreign_json(file, TokenizerError) if file.is_file() else {}
    return content


def warn_if_read_differently(
    folder: Path, tokenizer: PreTrainedTokenizerFast, source: Path | None = None
) -> None:
    """Say so if ``AutoTokenizer`` reads a tokenizer otherwise than tokenizer.json says.

    For some model types, such as qwen2, it rebuilds the tokenizer by rules of its own, whatever class the
    folder names: harmless for byte-level BPE with the same pre-tokenizer, ruinous for others.

    Args:
        folder: The folder of a model with its tokenizer.
        tokenizer: What tokenizer.json says.
        source: The folder of the source, if the tokenizer is a new one made from it.

    Raises:
        TokenizerError: If the tokenizer fails on text.
    """
    if not (cause := _cause(folder, tokenizer)):
        return
    if source is None:
        logger.warning(
            "AutoTokenizer reads the tokenizer in %s differently from its tokenizer.json: %s; the output "
            "follows tokenizer.json",
            folder,
            cause,
        )
    else:
        logger.warning(
            "AutoTokenizer reads the new tokenizer differently from its tokenizer.json: %s; load it "
            "with PreTrainedTokenizerFast.from_pretrained, which follows tokenizer.json",
            cause,
        )


def _cause(folder: Path, tokenizer: PreTrainedTokenizerFast) -> str:
    if len(tokenizer) > LARGE_UNIGRAM and isinstance(backend_of(tokenizer).model, models.Unigram):
        with TemporaryDirectory() as copy:
            try:
                write_small_copy(folder, tokenizer, Path(copy))
                return _difference(Path(copy), load_tokenizer(Path(copy)))
            except TokenizerError:
                pass  # such as of a class that reads other files; the whole tokenizer tells more
    try:
        return _difference(folder, tokenizer)
    except UnreadableError as error:
        return str(error)


def _difference(folder: Path, tokenizer: PreTrainedTokenizerFast) -> str:
    """What ``AutoTokenizer`` makes otherwise of a folder; empty if nothing."""
    found = read_by_auto(folder)
    problem, advice = f"The tokenizer in {folder} can't segment text", "correct its files, or get them again"
    with refusing(TokenizerError, problem, advice):
        difference = first_difference(tokenizer, found)
    return f"it is read as {type(found).__name__}, with which {difference}" if difference else ""


def write_small_copy(folder: Path, tokenizer: PreTrainedTokenizerFast, copy: Path) -> None:
    """Write a tokenizer with a hundredth of its tokens, and what stands beside it in its folder.

    What a class changes (normalizer, pre-tokenizer, names of inputs) shows on any vocabulary; to read one of
    250,000 tokens as the class does takes ten times the processor time and 300 MB.

    Args:
        folder: The tokenizer's folder.
        tokenizer: What its tokenizer.json says.
        copy: The folder to write.
    """
    counts = np.zeros(id_rows(backend_of(tokenizer)), np.int64)
    counts[_spread(list(range(len(counts))))] = 1
    small = trim_tokenizer(tokenizer, counts, TrimSettings()).tokenizer
    with quiet_transformers():
        small.save_pretrained(copy)
    for name in ("config.json", CONFIG, MAP):
        if (folder / name).is_file():
            content = _content(folder / name)
            if decoder := content.get("added_tokens_decoder"):
                content["added_tokens_decoder"] = _renumbered_decoder(decoder, small.get_vocab())
            (copy / name).write_text(json.dumps(content), encoding="utf-8")


def _renumbered_decoder(decoder: dict[str, Any], ids: dict[str, int]) -> dict[str, Any]:
    return {str(ids[token["content"]]): token for token in decoder.values() if token["content"] in ids}


def _spread(ids: list[int]) -> list[int]:
    """Some ids, from the whole vocabulary."""
    places = np.linspace(0, len(ids) - 1, min(PROBE_TOKENS, len(ids)), dtype=np.int64)
    return [ids[place] for place in places]


def first_difference(
    one: PreTrainedTokenizerBase, other: PreTrainedTokenizerBase, same_ids: Ids = lambda ids: ids
) -> str:
    """Compare two tokenizers as models see them: names of inputs, ids, and what goes with these.

    Single texts, pairs, padded batches, special tokens within text, and texts that end in a space or newline
    are compared.

    Args:
        one: A tokenizer.
        other: Another one.
        same_ids: Turns ids of the second into those of the first.

    Returns:
        The first difference, in words; empty if there is none.
    """
    padding = one.pad_token is not None
    for what, call in _calls(one):
        with quiet_transformers(), as_it_was(one, other):
            first, second = (dict(tokenizer(*call, padding=padding)) for tokenizer in (one, other))
        if first.keys() != second.keys():
            return f"the inputs are {', '.join(second)} instead of {', '.join(first)}"
        second["input_ids"] = [same_ids(ids) for ids in second["input_ids"]]
        for name in first:
            if first[name] != second[name]:
                return (
                    f"{what} {'are segmented differently' if name == 'input_ids' else f'have other {name}'}"
                )
    return ""


def _calls(tokenizer: PreTrainedTokenizerBase) -> Iterator[tuple[str, tuple[Any, ...]]]:
    ids = sorted(tokenizer.get_vocab().values())  # may have gaps
    text = str(tokenizer.decode(_spread(ids), skip_special_tokens=True))
    words = text.split()[:4] or ["a"]
    special = [str(token) for token in tokenizer.all_special_tokens]
    yield "texts", ([text],)
    yield "texts that end in a space or newline", ([f"{words[0]} ", f"{words[-1]}\n", f" {words[0]}", ""],)
    yield "special tokens within a text", ([f"{words[0]}{token} {words[-1]}" for token in special] or ["a"],)
    yield "pairs", ([words[0], words[-1]], [words[-1], " ".join(words)])


def read_by_auto(folder: Path) -> PreTrainedTokenizerBase:
    """Load a tokenizer as users do.

    Raises:
        UnreadableError: If ``AutoTokenizer`` can't read it.
    """
    try:
        with quiet_transformers():
            found: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
            return found
    except Exception as error:  # tokenizers raises plain Exception
        raise UnreadableError(f"AutoTokenizer can't read it ({first_line(error)})") from error


def copy_tokenizer_class(tokenizer: PreTrainedTokenizerFast, source: Path, out: Path) -> None:
    """Keep the source's class where it does more than segment: ``src_lang`` of NLLB, mBART and their like.

    Args:
        tokenizer: The tokenizer that was saved in ``out``.
        source: The source model's folder.
        out: The new model's folder; its tokenizer_config.json is changed.
    """
    found = own_class(source)
    if found is None or not hasattr(found, "src_lang"):
        return
    file = out / CONFIG
    before = file.read_text(encoding="utf-8")
    file.write_text(
        json.dumps(json.loads(before) | {"tokenizer_class": found.__name__}, ensure_ascii=False, indent=2),
        encoding="utf-8",
    )
    try:
        difference = first_difference(tokenizer, read_by_auto(out))
    except TokenizerError as error:
        difference = str(error)
    if difference:
        file.write_text(before, encoding="utf-8")
        logger.warning(
            "%s, whose src_lang puts the language's token before a text, can't be kept (%s): add it yourself",
            found.__name__,
            difference,
        )
