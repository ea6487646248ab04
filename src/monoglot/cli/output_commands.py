"""The commands on a finished run: to report, explain and publish it; and the demo."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from monoglot.cli.base import PLAIN, OutputFolder, Shown, app, present
from monoglot.demo import sample_path
from monoglot.options import ModelOption, OutputOption, RunOption
from monoglot.progress import SILENT
from monoglot.run.output import check_finished
from monoglot.settings.described import check_described, check_words
from monoglot.settings.run import check_threads


@app.command(usage="Usage: monoglot report OUT [OPTIONS]")
def report(
    output: Path,
    /,
    *,
    source: str | None = None,
    language: str | None = None,
    base_model: str | None = None,
    evaluate: bool = False,
    png: bool = False,
    threads: RunOption[int | None] = None,
    trust_remote_code: ModelOption[bool] = False,
    display: Shown = PLAIN,
) -> None:
    """Write the report page of a run, its figures, and the model card.

    ``specialize``, ``adapt`` and ``compare`` also do this when they finish. The page is
    ``OUTPUT/monoglot/report.html``, one file that loads nothing else; the figures are in
    ``OUTPUT/monoglot/figures``; the card is ``OUTPUT/README.md``, which is not overwritten if you wrote or
    changed it.

    Example: ``monoglot report e5-german --language de``

    Args:
        output: Folder that specialize, adapt or compare wrote.
        source: Folder or hub name of the source model, if it has moved since the run.
        language: Code of the language, such as de, for the card.
        base_model: Name of the source model on the hub, owner/name, for the card, if it was a folder.
        evaluate: First measure quality (bits per byte, or the cosine of sentence vectors) and speed of both
            models on 100 held-out lines, for the table of before and after.
        png: Also write the figures as PNG (``pip install 'monoglot[png]'``).
        threads: Number of threads; by default the number of cores.
        trust_remote_code: Whether code that comes with the models may run.
        display: What is shown.
    """
    check_described(language, base_model)
    check_finished(output)
    check_threads(threads)
    from monoglot.pipeline.report import report as run

    result = run(
        output, source=source, language=language, base_model=base_model, evaluate=evaluate, png=png,
        threads=threads, trust_remote_code=trust_remote_code, progress=display.progress,
    )  # fmt: skip
    present(result, "report_lines", display)


@app.command(usage="Usage: monoglot explain OUT WORD... [OPTIONS]")
def explain(
    output: Path,
    /,
    *words: str,
    source: str | None = None,
    neighbors: Annotated[int, Parameter(validator=Number(gte=1))] = 8,
    threads: RunOption[int | None] = None,
    trust_remote_code: ModelOption[bool] = False,
    display: Shown = PLAIN,
) -> None:
    """Show what became of words and tokens: pieces before and after, parents, neighbors.

    A word is segmented as in the middle of a sentence, and each of its tokens is explained: where its
    embedding comes from, the old tokens and weights that it is made of, its nearest neighbors in the new
    embeddings, the old embeddings and the auxiliary space, and how often it occurs in the corpus.

    Example: ``monoglot explain e5-german Krankenwagen ▁Straße``

    Args:
        output: Folder that specialize, or adapt after it, wrote.
        words: Words such as Haus, or tokens such as ▁Haus or ##en.
        source: Folder or hub name of the source model, if it has moved since the run.
        neighbors: How many nearest tokens to show.
        threads: Number of threads; by default the number of cores.
        trust_remote_code: Whether code that comes with the models may run.
        display: What is shown.
    """
    check_words(words)
    check_finished(output)
    check_threads(threads)
    from monoglot.reporting.explain import explain as run

    result = run(
        output, words, source=source, neighbors=neighbors, threads=threads,
        trust_remote_code=trust_remote_code,
    )  # fmt: skip
    present(result, "explanation_lines", display)


@app.command(usage="Usage: monoglot push OUT NAME [OPTIONS]")
def push(
    output: Path,
    name: str,
    /,
    *,
    public: bool = False,
    dry_run: bool = False,
    display: Shown = PLAIN,
) -> None:
    """Publish a finished model on the Hugging Face hub: weights, tokenizer, configuration and card.

    The files to publish are listed first. ``OUTPUT/monoglot`` is not published, because it contains text from
    your corpus and the paths of your files; neither is any other file that is not part of a model. Before you
    publish, read ``OUTPUT/README.md``, which becomes the model's page, and look with ``--dry-run`` at what
    would be sent. A license that is unknown, or not known to allow publishing, is warned of.

    Example: ``monoglot push e5-german my-name/e5-german --dry-run``

    Args:
        output: Folder that specialize or adapt wrote.
        name: Repository on the hub: owner/model.
        public: Make the model public; without this it is private.
        dry_run: Send nothing; list the files that would be sent, and where.
        display: What is shown.
    """
    check_finished(output)
    from monoglot.model.find import check_repository

    check_repository(name)
    from monoglot.pipeline.push import push as run

    progress = SILENT if dry_run else display.progress  # the result lists the same
    present(run(output, name, public=public, dry_run=dry_run, progress=progress), "push_lines", display)


@app.command(usage="Usage: monoglot demo [OPTIONS]")
def demo(
    *,
    language: str = "de",
    output: OutputFolder = Path("demo-output"),
    threads: RunOption[int | None] = None,
    overwrite: OutputOption[bool] = False,
    display: Shown = PLAIN,
) -> None:
    """Run the whole process on a small model and text that come with monoglot: some minutes, no network.

    Compares initialization methods with controls, makes the specialized model, trains it briefly, and writes
    the report.

    Example: ``monoglot demo --language sw``

    Args:
        language: de (German) or sw (Swahili).
        output: Folder to make.
        threads: Number of threads; by default the number of cores.
        overwrite: Replace what an earlier demo made.
        display: What is shown.
    """
    sample_path(language)
    check_threads(threads)
    from monoglot.pipeline.demo import demo as run

    def say(text: str) -> None:
        if not display.quiet:
            print(text, file=sys.stderr, flush=True)  # noqa: T201 - the output itself

    result = run(language, output, threads=threads, overwrite=overwrite, say=say, progress=display.progress)
    present(result, "demo_tables", display)
