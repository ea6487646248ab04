"""Texts and tokens that are retained whatever the corpus, and who asked for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerFast

from monoglot.model.carried_templates import lost_templates
from monoglot.model.given_text import GivenText, tokens_in_use
from monoglot.model.source import Source
from monoglot.pipeline.preview import check_keep_text, read_keep_tokens
from monoglot.reporting.summary import MOST_SHOWN
from monoglot.run import read_json, write_json
from monoglot.run.layout import LAYOUT
from monoglot.tokenization.selection import RetainedText, segmented_otherwise


@dataclass(frozen=True)
class RetainedTexts:
    """Texts and tokens that are retained, and where they were found.

    Attributes:
        given: The texts, each with where it was found.
        tokens: What a file of tokens names.
        used: Tokens that the model's configurations name.
    """

    given: tuple[GivenText, ...] = ()
    tokens: tuple[str, ...] = ()
    used: tuple[str, ...] = ()

    def of(self, source: Source) -> RetainedText:
        """Tell tokens from texts by the source vocabulary."""
        return RetainedText.of(
            source.tokenizer, [given.text for given in self.given], [*self.tokens, *self.used]
        )

    def to_dict(self, tokens: int) -> dict[str, Any]:
        """Plain values.

        Args:
            tokens: How many tokens of the vocabulary they take.
        """
        return {
            "texts": [asdict(given) for given in self.given],
            "named": list(self.tokens),
            "tokens": tokens,
            "changed": [],
            "lost_templates": [],
            "taken": False,
        }


def write_kept(
    folder: Path,
    kept: RetainedTexts,
    source: Source,
    tokenizer: PreTrainedTokenizerFast,
    *,
    taken: bool = False,
    reasons: Mapping[str, int] | None = None,
) -> None:
    """Record what a new tokenizer retains, which texts it segments differently, and which templates are lost.

    Args:
        folder: The folder of the new tokenizer.
        kept: What was to be kept.
        source: The source model.
        tokenizer: The new tokenizer.
        taken: Whether the user gave it, so that nothing could be put into it.
        reasons: How many of the source's tokens are kept for each reason, where some are chosen.
    """
    keep = kept.of(source)
    tokens = 0 if taken else len(keep.token_ids(source.tokenizer))
    content = kept.to_dict(tokens) | {
        "changed": list(segmented_otherwise(keep.texts, source.tokenizer, tokenizer)),
        "lost_templates": list(lost_templates(source.folder, tokenizer)),
        "taken": taken,
        "reasons": dict(reasons or {}),
    }
    write_json(folder / LAYOUT.kept.name, content)


def find_kept(
    source: Source, keep_text: Iterable[str], keep_tokens: str | None, *, prefix: str = ""
) -> RetainedTexts:
    """Find the texts and tokens that a run retains.

    Args:
        source: The source model, whose prompts and templates are read.
        keep_text: Texts that the user named.
        keep_tokens: A file of tokens or texts, one per line.
        prefix: What the model will be trained with before each text.

    Raises:
        SettingError: If a text is empty, or the file can't be read or holds nothing.
        ModelError: If a configuration of the source is damaged.
    """
    asked = tuple(keep_text)
    check_keep_text(asked)
    found = {given.text: given for given in source.given_texts}
    found |= {text: GivenText(text, "--keep-text") for text in asked if text not in found}
    if prefix:
        found.setdefault(prefix, GivenText(prefix, "the prefix of the training"))
    used = tokens_in_use(source.folder, source.tokenizer)
    return RetainedTexts(tuple(found.values()), read_keep_tokens(keep_tokens) if keep_tokens else (), used)


def kept_facts(tokenizer: Path) -> dict[str, Any]:
    """Summarize what a tokenizer retains, with a few examples, for the manifest.

    Args:
        tokenizer: The folder of the stage that made it.
    """
    kept = read_json(tokenizer / LAYOUT.kept.name)
    texts, named = kept["texts"], kept["named"]
    return {
        "texts": len(texts),
        "named": len(named),
        "tokens": kept["tokens"],
        "changed": len(kept["changed"]),
        "lost_templates": kept["lost_templates"],
        "reasons": kept.get("reasons", {}),
        "origins": dict(Counter(text["origin"] for text in texts)),
        "first": [text["text"] for text in texts[:MOST_SHOWN]] + named[:MOST_SHOWN],
    }
