"""Write the tables of docs/results.md from the saved results of benchmarks and experiments.

    python -m experiments.collect

Each table stands between marks that bear its name. Figures stay those of the files; nothing is measured.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks import head, pages

PAGE = "results.md"
EXPERIMENTS = Path(__file__).parent
LANGUAGES = {
    "de": "German", "ar": "Arabic", "sw": "Swahili", "ja": "Japanese", "hi": "Hindi", "fi": "Finnish",
    "xh": "Xhosa",
}  # fmt: skip
METHODS = {
    "random": "random",
    "subword, mean": "subword, mean",
    "subword, by length": "subword, by length",
    "deepfocus": "focus-reference, fastText",
    "focus, cooccurrence": "focus, cooccurrence",
    "blend (default)": "blend, cooccurrence (default)",
}
TASKS = {
    "sw_ner": ("Swahili entities (MasakhaNER 2)", "f1"),
    "sw_nli": ("Swahili inference (XNLI)", "accuracy"),
    "sw_pos": ("Swahili part of speech (MasakhaPOS)", "accuracy"),
    "ar_qa": ("Arabic questions (XQuAD)", "f1"),
    "de_sts": ("German similarity (STSb)", "spearman"),
}
SIZES = (16_000, 32_000)


def saved(name: str) -> dict[str, Any] | None:
    """A result of the benchmarks, if there is one."""
    file = head.FOLDER / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def figure(value: float | None, digits: int = 3) -> str:
    """Write a figure, or a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def share(value: float) -> str:
    """Write a share in percent."""
    return f"{value:.1%}".replace("-", "−").replace("−0.0%", "0.0%")


def before_training() -> str:
    """What trim, grafts and replacement cost and save before any training, by language."""
    lines = []
    for code, language in LANGUAGES.items():
        content = saved(f"graft_{code}")
        for name, row in (content["rows"] if content else {}).items():
            cosine = f"{row['cosine']:.4f} ± {row['cosine_std']:.4f}"
            first = language if name == "original" else ""
            size, saved_share = f"{row['parameters'] / 1e6:.1f}M", share(row["saved"])
            found = [figure(row["tatoeba"]), figure(row["ntrex"])]
            lines.append([first, name, row["tokens"], size, saved_share, cosine, *found])
    heads = ["", "", "tokens", "parameters", "tokens saved", "cosine", "Tatoeba", "NTREX"]
    return pages.table(heads, lines)


def after_training() -> str:
    """What distillation makes of a graft and of a replacement."""
    lines = []
    for code, language in LANGUAGES.items():
        for mode in ("distill", "distill_graft_2000", "distill_graft_10000"):
            content = saved(f"{mode}_{code}")
            if content is None:
                continue
            new = f"graft +{content['new_tokens']:,}" if "new_tokens" in content else "replace"
            minutes = content["seconds"]["cpu"] / 60
            for name, row in content["scores"].items():
                kind = {"untrained": new, "distilled": f"{new}, {content['tokens']:,} tokens"}.get(name, name)
                size = content["parameters"].get(name)
                lines.append([
                    language if name == "original" else "", kind,
                    "–" if size is None else f"{size / 1e6:.1f}M", figure(row["cosine"], 4),
                    figure(row["tatoeba"]), figure(row["ntrex"]), figure(row.get("sts")),
                    f"{minutes:.0f}" if name == "distilled" else "–",
                ])  # fmt: skip
    heads = ["", "", "parameters", "cosine", "Tatoeba", "NTREX", "STS", "CPU minutes"]
    return pages.table(heads, lines)


def methods() -> str:
    """Cosine to the original with a whole new vocabulary before any training, by method and language."""
    found = {code: saved(f"step_zero_{code}") for code in LANGUAGES}
    decoder = saved("step_zero_decoder")
    lines = [["original", *("1" for _ in found), figure(_bits(decoder, "original"))]]
    for key, name in METHODS.items():
        cells = []
        for content in found.values():
            row = content["recipes"].get(key) if content else None
            cells.append(figure(row["scores"]["cosine"][0] if row else None))
        lines.append([name, *cells, figure(_bits(decoder, key))])
    return pages.table(["", *LANGUAGES.values(), "decoder, German"], lines)


def _bits(content: Mapping[str, Any] | None, recipe: str) -> float | None:
    """Bits per byte of the decoder with a recipe, if it was measured."""
    row = content["recipes"].get(recipe) if content else None
    return row["bits_per_byte"] if row else None


def unknown_language() -> str:
    """German for an encoder that knows English only: before and after distillation from parallel text."""
    content = saved("unknown_language_de")
    lines = []
    for name, row in (content["rows"] if content else {}).items():
        known = content["rows"]["original"]["heldout_tokens"] if content else 1
        line = [name, row["vocabulary"], f"{row['parameters'] / 1e6:.1f}M"]
        line.append(share(1 - row["heldout_tokens"] / known))
        for time in ("before", "after"):
            line += [figure(row.get(time, {}).get(score)) for score in ("ntrex", "tatoeba", "sts")]
        lines.append(line)
    heads = ["", "tokens", "parameters", "tokens saved"]
    heads += [f"{score}, {time}" for time in ("before", "after") for score in ("NTREX", "Tatoeba", "STS")]
    return pages.table(heads, lines)


def cost() -> str:
    """What trim and graft took before and take now, measured in turns."""
    content = saved("cost")
    lines = [
        [row["job"], row["version"], row["commit"], len(row["runs"]), figure(row["cpu_seconds"], 1),
         figure(row["peak_memory_bytes"] / 2**30, 2)]
        for row in (content["rows"] if content else [])
    ]  # fmt: skip
    return pages.table(["", "", "commit", "runs", "CPU s", "peak GiB"], lines)


def decoder() -> str:
    """A decoder after training: replacement by a million tokens, and what few tokens do to each method."""
    content, short = saved("decoder_de"), saved("compare_gemma_de")
    lines = []
    if content:
        names = {"untrained": "replace, untrained", "trained": f"replace, {content['tokens']:,} tokens"}
        lines += [
            [names.get(name, name), f"{row['parameters'] / 1e6:.1f}M", row["tokens"],
             figure(row["bits_per_byte"])]
            for name, row in content["scores"].items()
        ]  # fmt: skip
    text = pages.table(["", "parameters", "tokens of the lines", "bits per byte"], lines)
    if short is None:
        return text
    trained = [
        [one["name"].split(":")[0], figure(one["start"]["heldout"]["mean"]),
         figure(one["end"]["heldout"]["mean"] if one.get("end") else None)]
        for one in short["contestants"]
    ]  # fmt: skip
    return text + "\n\n" + pages.table(["", "untrained", f"after {short['probe_tokens']:,} tokens"], trained)


def plan() -> str:
    """What `plan` found of German: tokens saved and distance before training, measured or estimated."""
    content = saved("plan_e5-small_de")
    lines = []
    for name, row in (content["options"] if content else {}).items():
        margin = "–" if row["margin"] is None else f"± {row['margin']:.4f}"
        new = "–" if row["new"] is None else share(row["new"])
        guess = figure(row["estimate"], 4)
        lines.append([name, share(row["saved"]), new, figure(row["distance"], 4), margin, guess])
    heads = [
        "",
        "tokens saved",
        "new tokens in the text",
        "distance",
        "95%, over lines",
        "as `plan` estimates",
    ]
    return pages.table(heads, lines)


def tasks() -> str:
    """Fine-tuned: the original beside a replaced and distilled vocabulary."""
    lines = []
    for key, (name, metric) in TASKS.items():
        content = saved(f"tasks_{key}")
        if content:
            scores = [content["models"][one]["scores"][metric] for one in ("original", "specialized")]
            cells = [f"{score['mean']:.3f} ± {score['std']:.3f}" for score in scores]
            lines.append([name, metric, *cells, content["settings"]["seeds"]])
    return pages.table(["", "figure", "original", "replace, distilled", "seeds"], lines)


def rivals() -> str:
    """Other tools on the same text and model: what they cost, and what comes out."""
    content = saved("rivals_e5-small")
    lines = []
    for row in content["rows"] if content else []:
        if row["asked"] in (None, *SIZES) and "cosine" in row:
            lost = [name for name, kept in row["prompts_as_before"].items() if not kept]
            name = row["tool"] + (f", {row['asked']:,}" if row["asked"] else "")
            lines.append([
                name, row["tokens"], figure(row.get("cpu_seconds"), 0),
                figure(row["peak_memory_bytes"] / 2**30 if "peak_memory_bytes" in row else None, 2),
                share(row["lines_as_before"]), share(row["tokens_saved"]),
                ", ".join(f"`{name}`" for name in lost) or "none", figure(row["cosine"], 4),
                figure(row["sts"], 4),
            ])  # fmt: skip
    heads = ["", "tokens", "CPU s", "peak GiB", "lines as before", "tokens saved", "prompts changed"]
    heads += ["cosine", "STS"]
    return pages.table(heads, lines)


def little_text() -> str:
    """The table that `benchmarks.little_text` wrote."""
    return pages.read("low-resource.md", "little-text")


def experiment(name: str, block: str) -> Callable[[], str]:
    """The table that an experiment wrote into its README."""

    def read() -> str:
        return pages.read(EXPERIMENTS / name / "README.md", block) or "Not run yet."

    return read


def repeated() -> str:
    """What came out when experiments were run again from a fresh clone."""
    file = EXPERIMENTS / "results" / "repeated.json"
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"]
    lines = []
    for name, row in rows.items():
        others = [f"`{one['name']}` {one['before']:,.8g} → {one['after']:,.8g}" for one in row["beyond"]]
        beyond = "; ".join(others)
        commits = " → ".join(row["commits"])
        lines.append(
            [f"`{name}`", commits, row["figures"], row["equal"], row["within_spread"], beyond or "none"]
        )
    return pages.table(["result", "commits", "figures", "equal", "within the spread", "beyond it"], lines)


def sources() -> str:
    """Every saved result: command, commit, machine."""
    return pages.table(["result", "date", "commit", "machine", "command"], list(source_lines()))


def source_lines() -> Iterator[list[str]]:
    """A line for each result file; older ones did not note commit and command."""
    root = EXPERIMENTS.parent
    files = [*head.FOLDER.glob("*.json"), *EXPERIMENTS.glob("*/*.json")]
    for file in sorted(files, key=lambda path: path.relative_to(root)):
        content = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            continue
        command = content.get("command")
        yield [
            f"`{file.relative_to(root)}`", content.get("date", "not recorded"),
            content.get("commit") or "not recorded",
            content.get("machine", {}).get("processor", "not recorded"),
            f"`{command}`" if isinstance(command, str) else "not recorded",
        ]  # fmt: skip


BLOCKS: dict[str, Callable[[], str]] = {
    "before-training": before_training,
    "after-training": after_training,
    "methods": methods,
    "unknown-language": unknown_language,
    "little-text": little_text,
    "decoder": decoder,
    "cost": cost,
    "plan": plan,
    "tasks": tasks,
    "rivals": rivals,
    "initialization_german": experiment("initialization_german", "small"),
    "anchors_swahili": experiment("anchors_swahili", "small"),
    "auxiliary_space_sw": experiment("auxiliary_space", "small_sw"),
    "auxiliary_space_de": experiment("auxiliary_space", "small_de"),
    "auxiliary_space_sw_decoder": experiment("auxiliary_space", "small_sw_gemma-270m"),
    "auxiliary_space_de_decoder": experiment("auxiliary_space", "small_de_gemma-270m"),
    "ambiguous_tokens_de": experiment("ambiguous_tokens", "small_de"),
    "decoders_sw": experiment("decoders", "small_sw"),
    "decoders_ja": experiment("decoders", "small_ja"),
    "decoders_de": experiment("decoders", "small_de"),
    "tasks_by_mode_ar_ner": experiment("tasks_by_mode", "small_ar_ner"),
    "forgotten": experiment("forgotten", "small"),
    "less_text_sw": experiment("less_text", "small_sw"),
    "vocabulary_size_de": experiment("vocabulary_size", "small_de"),
    "vocabulary_size_ar": experiment("vocabulary_size", "small_ar"),
    "repeated": repeated,
    "sources": sources,
}


def main() -> None:
    """Write all tables."""
    head.parse(head.parser(__doc__))
    for name, text in BLOCKS.items():
        pages.fill(PAGE, name, text())
    print(pages.DOCS / PAGE)


if __name__ == "__main__":
    main()
