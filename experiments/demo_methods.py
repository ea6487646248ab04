"""How initialization methods do on the demo model, over three seeds: for its card.

    python -m experiments.demo_methods --folder build/demo-methods

The comparison of `monoglot demo` for German and for Swahili, with more seeds. Tables go into the model's
card, curves beside it. Interrupted runs go on.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from benchmarks import head, pages
from benchmarks.head import processor
from monoglot.demo import LANGUAGES, model_path, sample_path
from monoglot.pipeline.compare.run import compare
from monoglot.pipeline.demo import LINES, PROBE_TOKENS, VOCABULARY, compare_settings
from monoglot.progress import Terminal
from monoglot.run import read_json

METHODS, SEEDS = "focus,blend", 3


def figure(spread: dict[str, float] | None) -> str:
    """Mean and deviation of some seeds; of a method that draws nothing there is one value before training."""
    if spread is None:
        return "–"
    return f"{spread['mean']:.3f}" + (f" ± {spread['std']:.3f}" if spread["std"] else "")


def section(language: str, found: dict[str, Any]) -> str:
    """What the card says of one language."""
    rows = [
        [
            f"{one['name']} (control)" if one["control"] else one["name"],
            figure(one["start"].get("heldout")),
            figure(one["end"].get("heldout")),
        ]
        for one in found["contestants"]
    ]
    return "\n".join([
        f"### {LANGUAGES[language]}",
        "",
        f"A vocabulary of {VOCABULARY[language]:,} tokens, {PROBE_TOKENS:,} tokens of training, {SEEDS} "
        f"seeds, {LINES} held-out lines, {processor()}; bits per byte by a sample of the words. "
        f"[Curves](curves_{language}.svg).",
        "",
        pages.table(["method", "untrained", "trained"], rows),
        "",
        *(f"> {sentence}" for sentence in found["verdict"]),
        "",
    ])  # fmt: skip


def main() -> None:
    """Compare, and write the card's section."""
    parser = head.parser(__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/demo-methods"))
    arguments = head.parse(parser)
    sections = []
    for language in LANGUAGES:
        output = arguments.folder / language
        settings = compare_settings(language, methods=METHODS, seeds=SEEDS)
        if not output.exists():
            compare(model_path(), sample_path(language), output, settings, progress=Terminal())
        shutil.copyfile(output / "curves.svg", model_path() / f"curves_{language}.svg")
        sections.append(section(language, read_json(output / "comparison.json")))
    pages.fill(model_path() / "README.md", "methods", "\n".join(sections))


if __name__ == "__main__":
    main()
