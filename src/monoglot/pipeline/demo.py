"""`demo`: the whole job on the model and the text that come with monoglot."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from monoglot.demo import LANGUAGES, heldout_path, model_path, sample_path
from monoglot.model.folder import load_config
from monoglot.pipeline.compare.result import Comparison
from monoglot.pipeline.compare.run import compare
from monoglot.pipeline.report import report
from monoglot.pipeline.specialize import specialize
from monoglot.progress import SILENT, Progress
from monoglot.reporting.summary import Summary, count_parameters
from monoglot.reporting.wording import shell_lines
from monoglot.result import Highlight, Result, Row
from monoglot.run.layout import LAYOUT
from monoglot.settings import CompareSettings, Settings
from monoglot.settings_text import command_line_options

VOCABULARY = {"de": 16_000, "sw": 7_500}
PROBE_TOKENS, ADAPT_TOKENS = 60_000, 150_000
LINES = 50
TRAINING = {
    "batch_tokens": 2048,
    "learning_rate": 2e-4,
    "embedding_learning_rate": 3e-4,
    "decay": "linear",
    "checks": 2,
}
"""Rates for a model this small; those of larger ones are the defaults of `adapt`."""

Say = Callable[[str], None]


@dataclass(frozen=True, repr=False)
class Demo(Result):
    """Result of the demo.

    Attributes:
        language: Code of the language.
        model: Folder of the specialized model.
        page: The report.
        comparison: The scoreboard.
        summary: What `specialize` did.
    """

    language: str
    model: str
    page: str
    comparison: Comparison
    summary: Summary

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "language": self.language,
            "model": self.model,
            "page": self.page,
            "comparison": self.comparison.to_dict(),
            "summary": self.summary.to_dict(),
        }

    def highlights(self) -> Iterator[Highlight]:
        """Give the page, and what `specialize` did."""
        yield "page", self.page
        yield from self.summary.highlights()

    def rows(self) -> list[Row]:
        """Give size and fit of both models, a figure in each row."""
        return self.summary.rows()


def demo(
    language: str,
    output: str | Path,
    *,
    threads: int | None = None,
    overwrite: bool = False,
    say: Say = lambda text: None,
    progress: Progress = SILENT,
) -> Demo:
    """Compare methods on the demo model, specialize it, train it for a short while, and write the report.

    Args:
        language: Code of a language of the demo: ``de`` or ``sw``.
        output: Folder to make: ``comparison/``, and the new model in ``demo-german/`` or ``demo-swahili/``.
        threads: Number of threads; by default the number of cores.
        overwrite: Whether to replace what an earlier demo made.
        say: Tells the user what is done, and by what command.
        progress: Where to show how far the work is.

    Raises:
        InputError: If there is no such language, or the output can't be written.
    """
    source, text, heldout = model_path(), sample_path(language), heldout_path(language)
    home = Path(output)
    made = home / f"demo-{LANGUAGES[language].lower()}"
    parameters, size = count_parameters(source), load_config(source).vocab_size
    say(
        f"The demo model reads nine languages: {parameters / 1e6:.1f} million parameters, most of them in a "
        f"vocabulary of {size:,} tokens. It gets a vocabulary for {LANGUAGES[language]} only, of "
        f"{VOCABULARY[language]:,} tokens."
    )
    comparing = compare_settings(language, methods="focus,blend", seeds=1, threads=threads)
    settings = Settings(
        mode="replace",
        vocabulary_size=VOCABULARY[language],
        heldout=str(heldout),
        threads=threads,
        adapt_tokens=ADAPT_TOKENS,
        adapt_options=TRAINING,
    )

    say("\nFirst: which initialization is best? All methods and controls get the same short training.")
    say(shown("compare", source, text, home / "comparison", comparing, CompareSettings()))
    comparison = compare(source, text, home / "comparison", comparing, overwrite=overwrite, progress=progress)
    say("\nThen: the new model, with the default initialization and more training.")
    say(shown("specialize", source, text, made, settings, Settings()))
    summary = specialize(source, text, made, settings, overwrite=overwrite, progress=progress)
    shutil.copyfile(home / "comparison" / LAYOUT.comparison, made / LAYOUT.comparison)
    written = report(made, source=str(source), language=language, evaluate=True, progress=progress)
    return Demo(language, str(made), written.page, comparison, summary)


def compare_settings(
    language: str, *, methods: str, seeds: int, threads: int | None = None
) -> CompareSettings:
    """Give the settings of the comparison on the demo model.

    Args:
        language: Code of a language of the demo.
        methods: Their names, divided by commas.
        seeds: How many times to train each.
        threads: Number of threads; by default the number of cores.
    """
    return CompareSettings(
        methods=(methods,),
        probe_tokens=PROBE_TOKENS,
        seeds=seeds,
        lines=LINES,
        threads=threads,
        vocabulary_size=VOCABULARY[language],
        heldout=str(heldout_path(language)),
        adapt_options=TRAINING,
    )


def shown(
    verb: str,
    source: Path,
    text: Path,
    output: Path,
    settings: Settings | CompareSettings,
    defaults: Settings | CompareSettings,
) -> str:
    """Write a call as the command line that does the same."""
    words = ["monoglot", verb, str(source), str(text), "--output", str(output)]
    return f"$ {shell_lines([*words, *command_line_options(asdict(settings), defaults)])}"
