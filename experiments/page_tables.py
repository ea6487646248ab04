"""Write the tables of README, docs/modes.md and the tutorials from the saved results of benchmarks.

    python -m experiments.page_tables

Each table stands between marks that bear its name. Figures stay those of the files; nothing is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import head, pages
from experiments.collect import LANGUAGES, figure, saved, share

README = pages.DOCS.parent / "README.md"
BUDGET = "50000"
LEAST_SAVED = 0.01
"""Below it, distance over the share saved is that of rounding."""
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


def readme() -> str:
    """German by mode, before and after distillation: the table of README."""
    graft, replaced = _read("distill_graft_10000_de"), _read("distill_de")
    before = _read("graft_de")["rows"]
    models = {
        "original": graft["scores"]["original"] | before["original"],
        "trim": graft["scores"]["trimmed"] | {"saved": before["trim"]["saved"]},
        "graft, 10,000 new": graft["scores"]["untrained"] | {"saved": before["graft +10,000"]["saved"]},
        "… distilled, 6 minutes": graft["scores"]["distilled"] | {"saved": before["graft +10,000"]["saved"]},
        "replace": before["replace"],
        "… distilled, an hour": replaced["scores"]["distilled"],
    }
    sizes = [graft["parameters"][key] for key in DISTILLED] + [before["replace"]["parameters"]]
    sizes.append(replaced["parameters"]["distilled"])
    speeds = [
        ", ".join(figure(speed, 1) for speed in graft["texts_per_cpu_second"][key]) for key in DISTILLED
    ]
    rows = list(models.values())
    found = [f"{figure(row['tatoeba'])}/{figure(row['ntrex'])}" for row in rows]
    lines = [
        ["parameters", *(f"{size / 1e6:.1f}M" for size in sizes)],
        ["tokens saved, held-out text", *(share(row["saved"]) if "saved" in row else "–" for row in rows)],
        ["cosine to the original's sentence vectors", *(figure(row["cosine"], 4) for row in rows)],
        ["English translation found, Tatoeba/NTREX (P@1)", *found],
        ["German STS benchmark (Spearman)", *(figure(row["sts"]) for row in rows)],
        ["texts per CPU second (two rounds)", *speeds, "–", "–"],
    ]
    return pages.table(["multilingual-e5-small, German", *models], lines)


def german() -> str:
    """What trim, grafts and replacement cost and save in German, before any training."""
    lines = []
    for name, row in _read("graft_de")["rows"].items():
        new = "–" if row["new"] is None or name == "original" else share(row["new"])
        found = [figure(row[score]) for score in ("tatoeba", "ntrex", "sts")]
        lines.append([name, *_sizes(row), new, _cosine(row), _law(row), *found])
    heads = ["German", "tokens", "parameters", "tokens saved", "new tokens, share of text"]
    return pages.table([*heads, "cosine (3 draws)", "c", "Tatoeba", "NTREX", "STS"], lines)


def languages() -> str:
    """The same in the other languages, each with the commit that it was measured at."""
    lines = []
    for code, language in LANGUAGES.items():
        content = saved(f"graft_{code}")
        if content is None or code == "de":
            continue
        for name, row in content["rows"].items():
            first = f"{language}, {content['commit']}" if name == "original" else ""
            found = [figure(row[score]) for score in ("tatoeba", "ntrex")]
            lines.append([first, name, *_sizes(row), _cosine(row), _law(row), *found])
    heads = ["language, commit", "", "tokens", "parameters", "tokens saved", "cosine (3 draws)", "c"]
    return pages.table([*heads, "Tatoeba", "NTREX"], lines)


def _sizes(row: dict[str, Any]) -> list[str]:
    return [f"{row['tokens']:,}", f"{row['parameters'] / 1e6:.1f}M", share(row["saved"])]


def _cosine(row: dict[str, Any]) -> str:
    return f"{row['cosine']:.4f} ± {row['cosine_std']:.4f}"


def _law(row: dict[str, Any]) -> str:
    """Distance over the share of tokens saved; a dash where next to nothing is saved."""
    return "–" if row["c"] is None or row["saved"] < LEAST_SAVED else figure(row["c"])


def trained_grafts() -> str:
    """Grafts before and after distillation on 250,000 tokens."""
    lines = []
    for code, language in LANGUAGES.items():
        for new in (2_000, 10_000):
            content = saved(f"distill_graft_{new}_{code}")
            for key, name in DISTILLED.items() if content else ():
                assert content is not None
                row = content["scores"][key]
                first = f"{language}, {new:,} new, {content['commit']}" if key == "original" else ""
                speeds = ", ".join(figure(speed, 1) for speed in content["texts_per_cpu_second"][key])
                seconds = figure(content["seconds"]["cpu"], 0) if key == "distilled" else "–"
                found = [figure(row.get(score)) for score in ("tatoeba", "ntrex", "sts")]
                lines.append([first, name, figure(row["cosine"], 4), *found, seconds, speeds])
    heads = ["language, new tokens, commit", "", "cosine", "Tatoeba", "NTREX", "STS", "CPU s of training"]
    return pages.table([*heads, "texts per CPU s"], lines)


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


BLOCKS: dict[tuple[str | Path, str], Callable[[], str]] = {
    (README, "results"): readme,
    ("modes.md", "german"): german,
    ("modes.md", "languages"): languages,
    ("modes.md", "trained-grafts"): trained_grafts,
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
