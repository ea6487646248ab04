"""What is kept beside what the corpus asks for, and who asked for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from monoglot.errors import SettingError
from monoglot.model.given_text import GivenText
from monoglot.pipeline.source import Source
from monoglot.run import read_json
from monoglot.tokenization.kept_text import KeptText
from monoglot.untrusted import check_regular

MOST_SHOWN = 3
KEPT = "kept.json"


@dataclass(frozen=True)
class Kept:
    """Texts and tokens that are kept.

    Attributes:
        given: The texts, each with where it was found.
        tokens: What a file of tokens names.
    """

    given: tuple[GivenText, ...] = ()
    tokens: tuple[str, ...] = ()

    def of(self, source: Source) -> KeptText:
        """Tell tokens from texts, by the source's vocabulary."""
        return KeptText.of(source.tokenizer, [given.text for given in self.given], self.tokens)

    def as_dict(self, tokens: int) -> dict[str, Any]:
        """Plain values, for a file.

        Args:
            tokens: How many tokens of the vocabulary they take.
        """
        return {
            "texts": [asdict(given) for given in self.given],
            "named": list(self.tokens),
            "tokens": tokens,
        }


def find_kept(source: Source, keep_text: Iterable[str], keep_tokens: str | None) -> Kept:
    """Find what a run keeps.

    Args:
        source: The source model, whose prompts and templates are read.
        keep_text: Texts that the user named.
        keep_tokens: A file of tokens or texts, one a line.

    Raises:
        SettingError: If a text is empty, or the file can't be read or holds nothing.
        ModelError: If a configuration of the source is damaged.
    """
    asked = tuple(keep_text)
    if any(not text.strip() for text in asked):
        raise SettingError("--keep-text has an empty text: name texts such as 'query: '")
    found = {given.text: given for given in source.given_texts}
    found |= {text: GivenText(text, "--keep-text") for text in asked if text not in found}
    return Kept(tuple(found.values()), _lines(keep_tokens) if keep_tokens else ())


def kept_facts(tokenizer: Path) -> dict[str, Any] | None:
    """What a tokenizer keeps, in figures and a few examples; nothing if it keeps nothing.

    Args:
        tokenizer: The folder of the stage that made it.
    """
    if not (tokenizer / KEPT).exists():
        return None
    kept = read_json(tokenizer / KEPT)
    texts, named = kept["texts"], kept["named"]
    return {
        "texts": len(texts),
        "named": len(named),
        "tokens": kept["tokens"],
        "origins": dict(Counter(text["origin"] for text in texts)),
        "first": [text["text"] for text in texts[:MOST_SHOWN]] + named[:MOST_SHOWN],
    }


def kept_words(kept: dict[str, Any]) -> str:
    """Say in one sentence what was kept."""
    texts, named = kept["texts"], kept["named"]
    if not texts and not named:
        return ""
    origins = list(dict.fromkeys(text["origin"] for text in texts))
    shown = ", ".join(repr(text["text"]) for text in texts[:MOST_SHOWN])
    more = f" and {len(texts) - MOST_SHOWN:,} more" if len(texts) > MOST_SHOWN else ""
    parts = []
    if texts:
        parts.append(
            f"{len(texts):,} texts that the model is given ({shown}{more}; from {', '.join(origins[:2])}"
        )
        parts[-1] += f" and {len(origins) - 2} more places)" if len(origins) > 2 else ")"
    if named:
        parts.append(f"{len(named):,} tokens or texts of --keep-tokens")
    return f"Kept: the {kept['tokens']:,} tokens of {' and of '.join(parts)}."


def _lines(file: str) -> tuple[str, ...]:
    check_regular(Path(file), SettingError)
    try:
        text = Path(file).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise SettingError(
            f"--keep-tokens {file} can't be read ({error}); expected a text file in UTF-8 with a token a line"
        ) from error
    lines = tuple(dict.fromkeys(line for line in text.split("\n") if line.strip()))
    if not lines:
        raise SettingError(f"--keep-tokens {file} is empty; expected a token a line")
    return lines
