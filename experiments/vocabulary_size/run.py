"""How large should a vocabulary be, by trim, graft and replacement?

    python -m experiments.vocabulary_size.run --data ../shared/data --models models --language de

What `monoglot plan` tries, on more text and with everything measured: trim, grafts of 500 to 20,000 new
tokens, replacements of 8,000 to 100,000 (as far as the text supports them), an extension; and trims to 8,000,
16,000 and 32,000 tokens. Parameters, tokens per word, tokens saved, and the distance to the original's
sentence vectors before any training on 100 held-out lines, with a 95% interval over lines. Small: a sample of
6 MB; paper: 100 MB. The result is `small_<language>.json`; distances that are in it are not measured again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64
from transformers import PreTrainedTokenizerFast

from benchmarks import head, pages
from experiments.experiment import Dot, Results, budget, parser, picture
from monoglot.corpus import open_corpus
from monoglot.evaluation.line_scores import Interval
from monoglot.evaluation.tokenizer_scores import score_tokenizer
from monoglot.model.source import Source, open_source
from monoglot.pipeline.plan import inspect
from monoglot.pipeline.plan_options import Option, try_options
from monoglot.pipeline.stages.retained import find_kept
from monoglot.pipeline.step_zero import StepZero, StepZeroScore
from monoglot.progress import SILENT, Progress
from monoglot.run.hashing import content_key
from monoglot.settings import MODE
from monoglot.tokenization.selection import RetainedText
from monoglot.tokenization.trim import TrimSettings, trim_tokenizer
from monoglot.tokenization.vocabulary import plain_backend

HERE = Path(__file__).parent
TRIMS = (8_000, 16_000, 32_000)
BYTES = {"small": 6_000_000, "paper": 100_000_000}


class Remembering(StepZero):
    """Measures a vocabulary once."""

    known: dict[str, Any]

    def __call__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        kept_source_ids: Int64[np.ndarray, " kept"] | None = None,
        *,
        mode: MODE,
        progress: Progress = SILENT,
    ) -> StepZeroScore:
        """Measure a vocabulary, or recall it."""
        key = content_key([sorted(tokenizer.get_vocab().items())])[:16]
        if key not in self.known:
            found = super().__call__(tokenizer, kept_source_ids, mode=mode, progress=progress)
            self.known[key] = asdict(found)
        kept = self.known[key]
        return StepZeroScore(kept["new_share"], Interval(**kept["distance"]))


def trims(
    source: Source, keep: RetainedText, sample: list[str], heldout: list[str], step_zero: StepZero
) -> Iterator[Option]:
    """Trim to fixed sizes, the most frequent tokens of the text first."""
    counts = np.zeros(source.vocabulary.size, np.int64)
    for encoding in plain_backend(source.tokenizer).encode_batch_fast(sample, add_special_tokens=False):
        np.add.at(counts, encoding.ids, 1)
    before, parameters_with = score_tokenizer(source.tokenizer, heldout), inspect(source).parameters_with
    for size in TRIMS:
        if size >= np.count_nonzero(counts):
            return
        made = trim_tokenizer(source.tokenizer, counts, TrimSettings(vocabulary_size=size), keep=keep)
        scores = score_tokenizer(made.tokenizer, heldout)
        found = step_zero(made.tokenizer, made.kept_source_ids, mode="trim")
        margin = (found.distance.high - found.distance.low) / 2
        yield Option(
            f"trim {size:,}", size, parameters_with(size), scores.fertility, scores.tokens / before.tokens,
            found.new_share, found.distance.value, margin,
        )  # fmt: skip


def shown(content: Mapping[str, Any]) -> str:
    """The table of a result."""
    lines = [
        [
            name, f"{row['vocabulary']:,}", f"{row['parameters'] / 1e6:.1f}M", f"{row['fertility']:.3f}",
            f"{1 - row['relative_tokens']:.1%}".replace("-", "−"),
            "–" if row["new_share"] is None else f"{row['new_share']:.1%}",
            "–" if row["distance"] is None else f"{row['distance']:.4f}",
            "–" if row["margin"] is None else f"± {row['margin']:.4f}",
        ]
        for name, row in content["rows"].items()
    ]  # fmt: skip
    heads = ["", "tokens", "parameters", "tokens per word", "tokens saved", "new tokens in the text",
             "distance", "95%, over lines"]  # fmt: skip
    return pages.table(heads, lines) + f"\n\n{budget(content)}."


def chart(rows: Mapping[str, Any]) -> str:
    """The picture: distances of what was measured, with their intervals."""
    dots = [
        Dot(name, row["distance"], row["margin"] or 0.0)
        for name, row in rows.items()
        if row["distance"] is not None
    ]
    return picture("Distance before any training; bars are 95% intervals over lines", dots)


def measure(arguments: Any, results: Results, about: Mapping[str, Any]) -> None:
    """Try and measure all vocabularies; save after each."""
    source = open_source(str(arguments.models / "e5-small"))
    corpus = open_corpus([str(arguments.data / arguments.language / "corpus.txt.gz")])
    keep = find_kept(source, (), None).of(source)
    every = max(1, round(corpus.statistics().bytes / about["corpus_bytes"]))
    sample, heldout = list(islice(corpus.lines(), 0, None, every)), list(corpus.heldout_lines())
    step_zero = Remembering(source, sample, heldout)
    step_zero.known = dict(results.read().get("measured", {})) if results.rows(about) else {}
    rows: dict[str, Any] = {}
    options = try_options(
        source, inspect(source).parameters_with, keep, sample, heldout, step_zero, SILENT, everything=True
    )
    for options_of in (options, trims(source, keep, sample, heldout, step_zero)):
        for option in options_of:
            rows[option.name] = asdict(option)
            print(option, flush=True)
            results.save(about, rows, measured=step_zero.known)


def main() -> None:
    """Measure one language; write table and result."""
    arguments = head.parse(parser(__doc__, "data", "models", language=head.MUST_BE_GIVEN))
    results = Results(HERE, f"{arguments.scale}_{arguments.language}")
    about = {
        "question": "how large should a vocabulary be, by trim, graft and replacement?",
        "language": arguments.language, "corpus_bytes": BYTES[arguments.scale],
        "seed": 42, "threads": arguments.threads,
    }  # fmt: skip
    if not arguments.table:
        measure(arguments, results, about)
    results.conclude(shown, chart)


if __name__ == "__main__":
    main()
