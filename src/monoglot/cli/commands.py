"""The commands of the command line: each parses its words, calls the pipeline and prints the result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from monoglot.cli.base import PLAIN, OutputFolder, Shown, app, present
from monoglot.cli.first_second import (
    check_data,
    check_input,
    check_kept,
    check_task,
    check_texts,
    first_second,
)
from monoglot.cli.nested import epilogue
from monoglot.evaluation.settings import FineTuning
from monoglot.options import (
    EVALUATION,
    TRAINING,
    EvaluationOption,
    ModelOption,
    OutputOption,
    RunOption,
    TextOption,
    VocabularyOption,
)
from monoglot.pipeline.preview import check_chart
from monoglot.settings import (
    AdaptSettings,
    CompareSettings,
    EvaluateSettings,
    Settings,
    TaskSettings,
    check_choice,
)
from monoglot.settings.run import check_threads
from monoglot.training.schedule import TrainingSettings


@app.command(
    usage="Usage: monoglot specialize SOURCE CORPUS... --output OUT [OPTIONS]",
    help_epilogue=epilogue("method-options", "vectors-options", "adapt-options"),
)
def specialize(
    source: str,
    /,
    *corpus: str,
    output: OutputFolder,
    settings: Annotated[Settings | None, Parameter(name="*")] = None,
    overwrite: OutputOption[bool] = False,
    display: Shown = PLAIN,
) -> None:
    """Make a model for one language out of a multilingual one.

    By default, it keeps the tokens that the corpus and its language use, together with their embeddings, and
    drops the others. It adds the tokens that save most, with embeddings computed from existing ones.
    With --mode it trims, extends or replaces the vocabulary instead. The output is a Hugging Face folder. An
    interrupted run resumes where it stopped.

    Example: ``monoglot specialize intfloat/multilingual-e5-small german/*.txt.gz --output e5-german``

    Args:
        source: Folder or hub name of the model.
        corpus: Text: .txt, .jsonl, .csv, .parquet, each also .gz or .zst; globs, folders, hub datasets.
        output: Folder to make.
        settings: Everything else.
        overwrite: Replace an output that an earlier run made; what has not changed is not done again.
        display: What is shown.
    """
    settings = settings or Settings()
    progress = first_second(source, corpus, display, output, settings, overwrite=overwrite)
    from monoglot.pipeline.specialize import specialize as run

    summary = run(source, corpus, output, settings, overwrite=overwrite, progress=progress)
    present(summary, "summary_table", display)


@app.command(
    usage="Usage: monoglot adapt MODEL CORPUS... --output OUT [OPTIONS]",
    help_epilogue=epilogue("objective-options"),
)
def adapt(
    model: str,
    /,
    *corpus: str,
    output: OutputFolder,
    settings: Annotated[AdaptSettings | None, Parameter(name="*", group=TRAINING)] = None,
    training: Annotated[TrainingSettings | None, Parameter(name="*", group=TRAINING)] = None,
    overwrite: OutputOption[bool] = False,
    display: Shown = PLAIN,
) -> None:
    """Continue pretraining of a model on text of one language.

    Packs the text without padding, computes logits only where they are needed, and writes a Hugging Face
    folder. An interrupted run resumes from its last checkpoint. To share the work among several processes,
    launch them together: ``accelerate launch -m monoglot adapt …``.

    Example: ``monoglot adapt gemma-german german/*.txt.gz --output gemma-german-lapt --tokens 1M``

    Args:
        model: Folder or hub name of the model.
        corpus: Text: .txt, .jsonl, .csv, .parquet, each also .gz or .zst; globs, folders, hub datasets.
        output: Folder to make.
        settings: What to learn, and from what.
        training: How long, how fast, what of the model.
        overwrite: Replace an output that an earlier run made; what has not changed is not done again.
        display: What is shown.
    """
    settings = settings or AdaptSettings()
    teacher = settings.teacher
    progress = first_second(
        model, corpus, display, output, settings, training, beside=teacher, overwrite=overwrite
    )
    from monoglot.pipeline.adapt import adapt as run

    summary = run(model, corpus, output, settings, training, overwrite=overwrite, progress=progress)
    if summary:
        present(summary, "adapted_table", display)


@app.command(
    usage="Usage: monoglot compare SOURCE CORPUS... --output OUT [OPTIONS]",
    help_epilogue=epilogue("vectors-options", "objective-options", "adapt-options"),
)
def compare(
    source: str,
    /,
    *corpus: str,
    output: OutputFolder,
    settings: Annotated[CompareSettings | None, Parameter(name="*")] = None,
    overwrite: OutputOption[bool] = False,
    display: Shown = PLAIN,
) -> None:
    """Compare initialization methods on one model and text, each after the same short training.

    All methods share vocabulary, auxiliary vectors and text. Controls are added: subword, random rows, the
    source's vocabulary (trimmed and whole) after the same training, and the original without training. An
    interrupted run resumes where it stopped. With --overwrite, you can add methods to a finished run.

    Example: ``monoglot compare gemma german/*.txt.gz --output methods-de --methods blend,focus,mean``

    Args:
        source: Folder or hub name of the model.
        corpus: Text: .txt, .jsonl, .csv, .parquet, each also .gz or .zst; globs, folders, hub datasets.
        output: Folder to make, with comparison.json, curves.svg, monoglot/report.html and working files.
        settings: Everything else.
        overwrite: Replace an output that an earlier run made; what has not changed is not done again.
        display: What is shown.
    """
    progress = first_second(source, corpus, display, output, settings, overwrite=overwrite)
    from monoglot.pipeline.compare.run import compare as run

    comparison = run(source, corpus, output, settings, overwrite=overwrite, progress=progress)
    present(comparison, "comparison_tables", display)


@app.command(usage="Usage: monoglot evaluate MODEL [TEXT...] [OPTIONS]")
def evaluate(
    model: str,
    /,
    *text: str,
    against: EvaluationOption[str | None] = None,
    retention: EvaluationOption[tuple[str, ...]] = (),
    settings: Annotated[EvaluateSettings | None, Parameter(name="*", group=EVALUATION)] = None,
    task: EvaluationOption[str | None] = None,
    data: Annotated[TaskSettings | None, Parameter(name="*", group=EVALUATION)] = None,
    tuning: Annotated[FineTuning | None, Parameter(name="*", group=TRAINING)] = None,
    display: Shown = PLAIN,
) -> None:
    """Score a model on a text, or on a task with its own data.

    On a text, it measures bits per byte (each line separately) and how well the tokenizer fits. With
    ``--task``, it trains and scores a head several times (ner, pos, nli, classification, qa, sts), or
    compares sentence vectors without training (retrieval; sts without training data).

    Examples: ``monoglot evaluate gemma-de german.txt --against gemma --retention english.txt``;
    ``monoglot evaluate e5-sw --task ner --train train.conll --dev dev.conll --test test.conll``

    Args:
        model: Folder or hub name.
        text: Text: .txt, .jsonl, .csv, .parquet, each also .gz or .zst; globs, folders, hub datasets.
        against: A model to compare with, such as the source model.
        retention: Text of another language, to see how much was lost in it.
        settings: Everything else about texts.
        task: Task to score instead of a text: ner, pos, nli, classification, qa, sts or retrieval.
        data: The data of the task, and how it is run.
        tuning: How it is trained.
        display: What is shown.
    """
    check_choice(text, retention, task, data)
    check_data(data)
    if task is not None and data is not None:
        check_task(task, data)
    check_texts(retention, settings.column if settings else None)
    if settings and settings.parallel:
        check_input(settings.parallel, "--parallel")
    progress = first_second(model, text, display, settings=settings, beside=against)
    from monoglot.pipeline.evaluate import evaluate as run

    found = run(
        model, text, against=against, retention=retention, settings=settings,
        task=task, data=data, tuning=tuning, progress=progress,
    )  # fmt: skip
    present(found, "evaluation_tables" if task is None else "task_tables", display)


@app.command(usage="Usage: monoglot overlap SOURCE TARGET [OPTIONS]")
def overlap(
    source: str,
    target: str,
    /,
    *,
    corpus: tuple[str, ...] = (),
    english: tuple[str, ...] = (),
    threads: RunOption[int | None] = None,
    display: Shown = PLAIN,
) -> None:
    """Show what two vocabularies share, and how the missing tokens would be initialized.

    Args:
        source: Folder or hub name of the source model, or of its tokenizer.
        target: Folder or hub name of the target tokenizer.
        corpus: Text of the target language, to weight tokens by frequency and to separate names from words.
        english: English text, to recognize English tokens.
        threads: Number of threads; by default the number of cores.
        display: What is shown.
    """
    check_threads(threads)
    progress = first_second(source, (*corpus, *english), display, beside=target, tokenizer_is_enough=True)
    from monoglot.pipeline.overlap_audit import overlap as run

    analysis = run(source, target, corpus, english, threads=threads, progress=progress)
    present(analysis, "analysis_tables", display)


@app.command(usage="Usage: monoglot audit MODEL [OPTIONS]")
def audit(model: str, /, *, trust_remote_code: ModelOption[bool] = False, display: Shown = PLAIN) -> None:
    """Find tokens that no text is segmented into, and tokens whose embedding was not trained.

    Args:
        model: Folder or hub name of a model, or of a tokenizer alone.
        trust_remote_code: Whether code that comes with the model may run.
        display: What is shown.
    """
    progress = first_second(model, (), display, tokenizer_is_enough=True)
    from monoglot.pipeline.vocabulary_audit import audit as run

    found = run(model, trust_remote_code=trust_remote_code, progress=progress)
    present(found, "audit_tables", display)


@app.command(usage="Usage: monoglot plan SOURCE CORPUS... [OPTIONS]")
def plan(
    source: str,
    /,
    *corpus: str,
    keep_text: VocabularyOption[tuple[str, ...]] = (),
    keep_tokens: VocabularyOption[str | None] = None,
    column: TextOption[str | None] = None,
    chart: OutputOption[Path | None] = None,
    threads: RunOption[int | None] = None,
    trust_remote_code: ModelOption[bool] = False,
    display: Shown = PLAIN,
) -> None:
    """Examine a model and a corpus, and recommend what to do; writes nothing except the chart.

    Args:
        source: Folder or hub name of the model.
        corpus: Text: .txt, .jsonl, .csv, .parquet, each also .gz or .zst; globs, folders, hub datasets.
        keep_text: Texts to keep in addition to the prompts, prefixes and chat templates in the model's files.
        keep_tokens: File of tokens, or texts, to keep, one per line.
        column: Column of the corpus that holds the text, for formats with columns.
        chart: SVG file for a chart of what each vocabulary saves and its distance to the original.
        threads: Number of threads; by default the number of cores.
        trust_remote_code: Whether code that comes with the model may run.
        display: What is shown.
    """
    check_threads(threads)
    check_kept(keep_text, keep_tokens)
    if chart is not None:
        check_chart(chart)
    progress = first_second(source, corpus, display, column=column)
    from monoglot.pipeline.plan import plan as run

    result = run(
        source,
        corpus,
        keep_text=keep_text,
        keep_tokens=keep_tokens,
        column=column,
        chart=chart,
        threads=threads,
        trust_remote_code=trust_remote_code,
        progress=progress,
    )
    present(result, "plan_tables", display)
