"""Do segmentations tell whether a model knows a language, and whether two texts are of one language?

    python -m benchmarks.known_language --models models --data ../shared/data

For each source model and language: letters per token of the first held-out lines. For each pair of languages
with multilingual-e5-small: the share of the running tokens of one text that the other has too, compared with
the share between two halves of the other; text of another kind in the same language are its sentences of
NTREX and Tatoeba, and German law. Nothing is drawn by chance.
"""

from __future__ import annotations

import gzip
import json
from itertools import islice
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerFast

from benchmarks import head
from benchmarks.little_text import LAW
from monoglot.model.source import open_source
from monoglot.tokenization.known_language import letters_per_token, shared_tokens

MODELS = ("e5-small", "gemma-270m", "minilm-en")
LANGUAGES = ("ar", "de", "en", "fi", "hi", "ja", "sw", "xh")
LINES = 1_000


def texts_of(data: Path) -> dict[str, list[str]]:
    """Texts of every language and kind, the language's code first in their names."""
    texts = {}
    for language in LANGUAGES:
        lines = (data / language / "heldout.txt").read_text(encoding="utf-8").splitlines()
        texts[language] = lines[:LINES]
        pairs = data / language / "bitext"
        sentences = [
            json.loads(line)["src"]
            for file in sorted(pairs.glob("*_eng.jsonl"))
            for line in file.read_text(encoding="utf-8").splitlines()
        ]
        if sentences:
            texts[f"{language}, sentences"] = sentences
    with gzip.open(data / "de" / "corpus.txt.gz", "rt", encoding="utf-8") as lines_of_de:
        law = (line.rstrip("\n") for line in lines_of_de if LAW.search(line))
        texts["de, law"] = list(islice(law, LINES))
    return texts


def shared_between(
    tokenizer: PreTrainedTokenizerFast, texts: dict[str, list[str]]
) -> dict[str, dict[str, float | None]]:
    """Ratio of shared tokens, of each text to each text of held-out lines."""
    found: dict[str, dict[str, float | None]] = {}
    for known in LANGUAGES:
        row: dict[str, float | None] = {}
        for name, lines in texts.items():
            if name != known:
                shared = shared_tokens(tokenizer, texts[known], lines)
                row[name] = shared.share / shared.within if shared else None
        found[known] = row
    return found


def main() -> None:
    """Measure, print, save."""
    arguments = head.parse(head.parser(__doc__, "data", "models"))
    texts = texts_of(arguments.data)
    letters: dict[str, Any] = {}
    for model in MODELS:
        source = open_source(str(arguments.models / model))
        found = {language: letters_per_token(source.tokenizer, texts[language]) for language in LANGUAGES}
        letters[model] = {name: one.letters if one else None for name, one in found.items()}
        print(model, {name: round(value, 2) if value else None for name, value in letters[model].items()})
        if model == MODELS[0]:
            shared = shared_between(source.tokenizer, texts)
    same = {(a, b): v for a, row in shared.items() for b, v in row.items() if b.startswith(a) and v}
    other = {(a, b): v for a, row in shared.items() for b, v in row.items() if not b.startswith(a) and v}
    print("least of one language", min((v, k) for k, v in same.items()))
    print("most of two languages", sorted(((v, k) for k, v in other.items()), reverse=True)[:5])
    print(head.save("known_language", {"letters_per_token": letters, "shared_tokens": shared}))


if __name__ == "__main__":
    main()
