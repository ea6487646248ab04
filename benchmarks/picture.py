"""Draws the picture of the README: a sentence in its pieces before and after, with what was measured of both.

    python -m benchmarks.picture
    python -m benchmarks.picture --original models/e5-small --specialized build/distill_de/distilled

Figures are those of `results/distill_graft_10000_de.json` and `results/graft_de.json`. The pieces are read
from `results/picture_de.json`; with both models they are found anew and saved there. The picture is written
to `docs/before-after.svg`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

from markupsafe import Markup

from benchmarks import head
from monoglot.reporting.svg import drawing, element
from monoglot.reporting.wording import millions

RESULTS = ("picture_de", "distill_graft_10000_de", "graft_de")
SENTENCE = "Die Versicherten bezahlen ihre Krankenversicherungsbeiträge monatlich."
PICTURE = head.ROOT / "docs" / "before-after.svg"
WIDTH, HEIGHT, MARGIN = 860, 290, 28
CHARACTER, PADDING, GAP, TILE = 8.5, 6, 3, 30
STYLE = """
text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #1d2126; }
.paper { fill: #ffffff; stroke: #d5d9de; }
.muted { fill: #59616c; font-size: 14px; }
.piece { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: 14px; }
.count { font-size: 18px; font-weight: 650; }
.figure { font-size: 19px; font-weight: 650; }
.old { fill: #e6e9ed; } .new { fill: #cfe9ee; }
.hair { stroke: #e4e6e9; }
@media (prefers-color-scheme: dark) {
  text { fill: #e8eaed; }
  .paper { fill: #14171a; stroke: #3a4149; }
  .muted { fill: #a0a8b3; }
  .old { fill: #2c3137; } .new { fill: #174049; }
  .hair { stroke: #2c3137; }
}
"""


def main() -> None:
    """Segment, draw, write."""
    parser = head.parser(__doc__)
    parser.add_argument("--original", help="folder of multilingual-e5-small")
    parser.add_argument("--specialized", help="folder of the trained graft")
    given = head.parse(parser)
    if given.original and given.specialized:
        head.save("picture_de", {"sentence": SENTENCE, "pieces": pieces(given.original, given.specialized)})
    PICTURE.write_text(picture(*map(read, RESULTS)))
    print(f"Written to {PICTURE}.")


def read(name: str) -> dict[str, Any]:
    """A saved result."""
    found: dict[str, Any] = json.loads((head.FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def pieces(original: str, specialized: str) -> list[list[str]]:
    """Segment the sentence by both tokenizers; pieces are parts of the sentence."""
    from transformers import AutoTokenizer

    found = []
    for folder in (original, specialized):
        tokens = AutoTokenizer.from_pretrained(folder)(SENTENCE, add_special_tokens=False)
        ends = [tokens.token_to_chars(place).end for place in range(len(tokens["input_ids"]))]
        found.append([SENTENCE[start:end] for start, end in zip([0, *ends], ends, strict=False)])
    return found


def picture(segmented: dict[str, Any], trained: dict[str, Any], grafted: dict[str, Any]) -> str:
    """Draw.

    Args:
        segmented: The sentence in its pieces.
        trained: What was measured of the original and the trained graft.
        grafted: What new tokens save.
    """
    before, after = segmented["pieces"]
    speeds = [sum(rounds) / len(rounds) for rounds in _both(trained["texts_per_cpu_second"])]
    sts = [scores["sts"] for scores in _both(trained["scores"])]
    minutes = round(trained["seconds"]["cpu"] / 60)
    figures = (
        ("parameters", " → ".join(millions(each) for each in _both(trained["parameters"]))),
        ("tokens of held-out text", f"−{grafted['rows']['graft +10,000']['saved']:.1%}"),
        ("texts per CPU second", " → ".join(f"{speed:.1f}" for speed in speeds)),
        ("German STS benchmark", " → ".join(f"{value:.3f}" for value in sts)),
    )
    parts = [
        element("style", Markup(STYLE)),
        element("rect", x=0.5, y=0.5, width=WIDTH - 1, height=HEIGHT - 1, rx=10, class_="paper"),
        *_row(36, "before: multilingual-e5-small", before, "old"),
        *_row(
            118, f"after: monoglot, 12 MB of German, {minutes} minutes of training on one core", after, "new"
        ),
        element("line", x1=MARGIN, y1=202, x2=WIDTH - MARGIN, y2=202, class_="hair"),
        *_figures(figures, 240),
    ]
    title = f"“{SENTENCE}” takes {len(before)} tokens before and {len(after)} after; " + "; ".join(
        f"{name}: {value}" for name, value in figures
    )
    return f"{drawing(HEIGHT, title, *parts, width=WIDTH)}\n"


def _both(values: dict[str, Any]) -> tuple[Any, Any]:
    return values["original"], values["distilled"]


def _row(y: float, name: str, segments: Sequence[str], kind: str) -> Iterator[Markup]:
    """The pieces of the sentence as tiles, their number at the end of the line above."""
    yield element("text", name, x=MARGIN, y=y, class_="muted")
    yield element("text", f"{len(segments)} tokens", x=WIDTH - MARGIN, y=y, class_="count", text_anchor="end")
    widths = [CHARACTER * len(piece.strip()) + 2 * PADDING for piece in segments]
    starts = accumulate([width + GAP for width in widths], initial=float(MARGIN))
    for piece, start, width in zip(segments, starts, widths, strict=False):
        yield element("rect", x=start, y=y + 16, width=width, height=TILE, rx=5, class_=kind)
        text = piece.strip()
        yield element(
            "text", text, x=start + PADDING, y=y + 36, class_="piece", textLength=CHARACTER * len(text),
            lengthAdjust="spacingAndGlyphs",
        )  # fmt: skip


def _figures(figures: Sequence[tuple[str, str]], y: float) -> Iterator[Markup]:
    """Figures side by side."""
    step = (WIDTH - 2 * MARGIN) / len(figures)
    for number, (name, value) in enumerate(figures):
        yield element("text", value, x=MARGIN + number * step, y=y, class_="figure")
        yield element("text", name, x=MARGIN + number * step, y=y + 24, class_="muted")


if __name__ == "__main__":
    main()
