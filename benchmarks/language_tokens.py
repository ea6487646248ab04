"""How much of a language that a small text does not show is regained by `--language-tokens`.

    python -m benchmarks.language_tokens --models models --data ../shared/data

From the first megabyte of each corpus (German: two), the source's tokens are trimmed to those that the
text uses. Of the running text of Tatoeba and NTREX that is in other tokens (``lost``), the table shows
the share that the best K of them regain: as monoglot ranks them, and in the source's own order of ids.
Nothing of Tatoeba or NTREX is used for the ranking, which has no random part. ``default`` is how many are
kept without `--language-tokens`, and what they regain. Saved as
`benchmarks/results/language_tokens_<model>.json`, and in docs/modes.md.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import head, pages
from monoglot.model.source import Source, open_source
from monoglot.tokenization.encoding import count_tokens
from monoglot.tokenization.language_tokens import rank_unused_tokens
from monoglot.tokenization.trim import TrimSettings, trim_tokenizer

MEGABYTES = {"de": 2, "fi": 1, "sw": 1, "xh": 1, "ar": 1}
SIZES = (1_000, 2_000, 5_000, 10_000, 20_000)


def first_lines(corpus: Path, size_bytes: int) -> list[str]:
    """The first lines of a compressed corpus."""
    with gzip.open(corpus) as file:
        return file.read(size_bytes).decode(errors="ignore").split("\n")[:-1]


def sentences(folder: Path) -> list[str]:
    """The sentences of Tatoeba and NTREX."""
    files = sorted((folder / "bitext").glob("*_eng.jsonl"))
    return [
        json.loads(line)["src"] for file in files for line in file.read_text(encoding="utf-8").splitlines()
    ]


def row_of(source: Source, folder: Path, megabytes: int) -> dict[str, Any]:
    """The figures of one language."""
    size, tokenizer = source.vocabulary.size, source.tokenizer
    counts = count_tokens(tokenizer, first_lines(folder / "corpus.txt.gz", megabytes * 10**6), size)
    elsewhere = count_tokens(tokenizer, sentences(folder), size).astype(float)
    kept = np.zeros(size, bool)
    kept[trim_tokenizer(tokenizer, counts, TrimSettings()).kept_source_ids] = True
    lost = elsewhere[~kept].sum()
    ranked = rank_unused_tokens(
        source.vocabulary,
        counts,
        lambda ids: source.rows.take(ids).float().numpy(),
        source.trained,
        own_scripts=False,
    )
    default = [id for id in ranked.kept(None).ids.tolist() if not kept[id]]
    ours = [id for id in ranked.ids.tolist() if not kept[id]]
    theirs = sorted(ours)

    def regained(ids: list[int]) -> list[float]:
        return [float(elsewhere[ids[:size]].sum() / lost) for size in SIZES]

    return {
        "scripts": list(ranked.scripts),
        "kept": int(kept.sum()),
        "lost": float(lost / elsewhere.sum()),
        "regained": regained(ours),
        "regained_in_order_of_ids": regained(theirs),
        "default": len(default),
        "regained_by_default": float(elsewhere[default].sum() / lost),
        "regained_by_all_of_the_scripts": float(elsewhere[ours].sum() / lost),
    }


def table(rows: Mapping[str, Any]) -> str:
    """The rows as a page shows them."""
    heads = ["corpus", "lost", *(f"{size:,}" for size in SIZES), "all of the script", "by default"]
    lines = []
    for language, row in rows.items():
        pairs = zip(row["regained"], row["regained_in_order_of_ids"], strict=True)
        cells = [f"{language}, {MEGABYTES[language]} MB", f"{row['lost']:.1%}"]
        cells += [f"{ours:.2f} ({theirs:.2f})" for ours, theirs in pairs]
        cells.append(f"{row['regained_by_all_of_the_scripts']:.2f}")
        lines.append([*cells, f"{row['default']:,}: {row['regained_by_default']:.2f}"])
    return pages.table(heads, lines)


def main() -> None:
    """Print and save the table."""
    parser = head.parser(__doc__, "data", "models")
    parser.add_argument("--model", default="e5-small", help="name of the model, a folder of the models")
    parser.add_argument("--languages", nargs="+", default=list(MEGABYTES), choices=list(MEGABYTES))
    arguments = head.parse(parser, checked=False)
    source = open_source(str(arguments.models / arguments.model))
    rows = {}
    print(f"{'':<4}{'kept':>8}{'lost':>7}" + "".join(f"{size:>16,}" for size in SIZES) + f"{'all':>7}")
    for language in arguments.languages:
        row = row_of(source, arguments.data / language, MEGABYTES[language])
        rows[language] = row
        pairs = zip(row["regained"], row["regained_in_order_of_ids"], strict=True)
        shown = "".join(f"{f'{ours:.2f} ({theirs:.2f})':>16}" for ours, theirs in pairs)
        everything = row["regained_by_all_of_the_scripts"]
        print(f"{language:<4}{row['kept']:>8,}{row['lost']:>7.1%}{shown}{everything:>7.2f}", flush=True)
    content = {"megabytes": MEGABYTES, "sizes": SIZES, "rows": rows}
    print(head.save(f"language_tokens_{arguments.model}", {"model": arguments.model, **content}))
    print(pages.fill("modes.md", f"language-tokens {arguments.model}", table(rows)))


if __name__ == "__main__":
    main()
