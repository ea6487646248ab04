"""Write the tables of the tutorials from the saved results of benchmarks.

    python -m experiments.tutorials

Each table stands between marks that bear its name. Figures stay those of the files; nothing is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks import head, pages
from experiments.collect import figure, saved, share

BUDGET = "50000"
DISTILLED = {
    "original": "original",
    "trimmed": "trim",
    "untrained": "graft, before training",
    "distilled": "graft, trained",
}


def plan() -> str:
    """What `plan` shows of German: a row each vocabulary."""
    content = _read("plan_e5-small_de")
    lines = []
    for name, row in content["options"].items():
        margin = "" if row["margin"] is None else f" ± {row['margin']:.4f}"
        lines.append([name, share(row["saved"]), figure(row["distance"], 4) + margin])
    return pages.table(["option", "tokens saved", "distance"], lines)


def distilled() -> str:
    """What six minutes of training make of a German graft."""
    content = _read("distill_graft_10000_de")
    lines = []
    for key, name in DISTILLED.items():
        row = content["scores"][key]
        size = f"{content['parameters'][key] / 1e6:.1f}M"
        scores = [figure(row[score]) for score in ("tatoeba", "ntrex", "sts")]
        lines.append([name, size, figure(row["cosine"], 4), *scores])
    return pages.table(["", "parameters", "cosine", "Tatoeba", "NTREX", "STS"], lines)


def decoder() -> str:
    """Bits per byte of a decoder by vocabulary, before and after little training."""
    content = _read("decoder_graft_de")
    known = content["arms"]["original"]["before"]["tokens"]
    lines = []
    for name, arm in content["arms"].items():
        before = arm["before"]
        after = arm["after"][BUDGET]["bits_per_byte"]
        size = f"{arm['parameters'] / 1e6:.1f}M"
        saved_share = share(1 - before["tokens"] / known)
        lines.append([name, size, saved_share, figure(before["bits_per_byte"]), figure(after)])
    return pages.table(["", "parameters", "tokens saved", "before training", "after"], lines)


def xhosa() -> str:
    """Trim and graft of little Xhosa text, scored on other text."""
    content = _read("little_text")
    lines = []
    for name, row in content["texts"]["xh, 4 MB"]["rows"].items():
        if name != "trim, own tokens":
            size = f"{row['parameters'] / 1e6:.1f}M"
            saved_share = share(1 - row["relative_tokens"])
            scores = [figure(row[score]) for score in ("cosine_elsewhere", "tatoeba", "ntrex")]
            lines.append([name, size, saved_share, *scores])
    return pages.table(["2.8 MB of Xhosa", "parameters", "tokens saved", "cosine", "Tatoeba", "NTREX"], lines)


def _read(name: str) -> dict[str, Any]:
    content = saved(name)
    if content is None:
        raise FileNotFoundError(f"benchmarks/results/{name}.json")
    return content


BLOCKS: dict[tuple[str, str], Callable[[], str]] = {
    ("tutorial-embeddings.md", "plan"): plan,
    ("tutorial-embeddings.md", "distilled"): distilled,
    ("tutorial-decoder.md", "decoder"): decoder,
    ("tutorial-little-text.md", "xhosa"): xhosa,
}


def main() -> None:
    """Write all tables."""
    head.parse(head.parser(__doc__))
    for (page, name), text in BLOCKS.items():
        print(pages.fill(page, name, text()))


if __name__ == "__main__":
    main()
