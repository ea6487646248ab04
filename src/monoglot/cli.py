"""The command line: one command a task; parses, calls the pipeline, prints."""

from __future__ import annotations

import json
import os
import re
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Protocol

from cyclopts import App, CycloptsError, Parameter
from rich.console import Console
from rich.markup import escape

from monoglot import __version__
from monoglot.errors import Interrupted, MonoglotError
from monoglot.evaluation.settings import FineTuning
from monoglot.pipeline.adapt_settings import AdaptSettings
from monoglot.pipeline.evaluate_settings import EvaluateSettings, TaskSettings, check_choice
from monoglot.pipeline.settings import Settings
from monoglot.progress import Terminal
from monoglot.training.settings import TrainingSettings


class Result(Protocol):
    """What a command has to show."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        ...


app = App(
    name="monoglot",
    version=__version__,
    help="Give any Hugging Face transformer a vocabulary made for your language.",
    default_parameter=Parameter(negative=(), consume_multiple=True),
)

SUFFIXES = {"k": 10**3, "M": 10**6, "G": 10**9}
NUMBER = re.compile(r"\d+(\.\d+)?[kMG]")
USAGE_ERROR = 2
INTERRUPTED = 130


@app.command
def specialize(
    source: str,
    /,
    *corpus: str,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    settings: Annotated[Settings | None, Parameter(name="*")] = None,
    overwrite: bool = False,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Make a model for one language out of a multilingual one.

    Trains a tokenizer on the corpus, keeps the embeddings of all tokens that both vocabularies share, mixes
    those of the others (FOCUS), and writes a Hugging Face folder. An interrupted run goes on where it was.

    Example: ``monoglot specialize intfloat/multilingual-e5-small german/*.txt.gz --output e5-german``

    Args:
        source: Folder or hub name of the model.
        corpus: Text: .txt, .jsonl, .csv, .parquet, each also .gz or .zst; globs, folders, hub datasets.
        output: Folder to make.
        settings: Everything else.
        overwrite: Replace an output that an earlier run made; what has not changed is not done again.
        as_json: Print the summary as JSON.
    """
    from monoglot.pipeline.specialize import specialize as run

    summary = run(source, corpus, output, settings, overwrite=overwrite, progress=Terminal())
    present(summary, "summary_table", as_json=as_json)


@app.command
def adapt(
    model: str,
    /,
    *corpus: str,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    settings: Annotated[AdaptSettings | None, Parameter(name="*")] = None,
    training: Annotated[TrainingSettings | None, Parameter(name="*")] = None,
    overwrite: bool = False,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Continue pretraining of a model on text of one language.

    Packs the text without padding, computes logits only where they are needed, and writes a Hugging Face
    folder. An interrupted run goes on from its last checkpoint. Several processes share the work when they
    are launched together: ``accelerate launch -m monoglot adapt …``.

    Example: ``monoglot adapt e5-german german/*.txt.gz --output e5-german-lapt --tokens 10M``

    Args:
        model: Folder or hub name of the model.
        corpus: Text: .txt, .jsonl, .csv, .parquet, each also .gz or .zst; globs, folders, hub datasets.
        output: Folder to make.
        settings: What to learn, and from what.
        training: How long, how fast, what of the model.
        overwrite: Replace an output that an earlier run made; what has not changed is not done again.
        as_json: Print the summary as JSON.
    """
    from monoglot.pipeline.adapt import adapt as run

    summary = run(model, corpus, output, settings, training, overwrite=overwrite, progress=Terminal())
    if summary:
        present(summary, "adapted_table", as_json=as_json)


@app.command
def overlap(
    source: str,
    target: str,
    /,
    *,
    corpus: tuple[str, ...] = (),
    english: tuple[str, ...] = (),
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Show what two vocabularies share, and how the missing tokens would be initialised.

    Args:
        source: Folder or hub name of the source model, or of its tokenizer.
        target: Folder or hub name of the target tokenizer.
        corpus: Text of the target language: weights tokens by frequency, and tells names from words.
        english: English text: recognises what is English.
        as_json: Print everything as JSON.
    """
    from monoglot.pipeline.analysis import analyze_overlap

    analysis = analyze_overlap(
        source, target, corpus, english, threads=Settings().n_threads, progress=Terminal()
    )
    present(analysis, "analysis_tables", as_json=as_json)


@app.command
def plan(
    source: str,
    /,
    *corpus: str,
    column: str | None = None,
    trust_remote_code: bool = False,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Look at a model and a corpus, and advise what to do; nothing is written.

    Args:
        source: Folder or hub name of the model.
        corpus: Text: .txt, .jsonl, .csv, .parquet, each also .gz or .zst; globs, folders, hub datasets.
        column: Column of the corpus that holds the text, where it has columns.
        trust_remote_code: Whether code that comes with the model may run.
        as_json: Print everything as JSON.
    """
    from monoglot.pipeline.planning import plan as make_plan

    result = make_plan(
        source, corpus, column=column, trust_remote_code=trust_remote_code, progress=Terminal()
    )
    present(result, "plan_tables", as_json=as_json)


@app.command
def evaluate(
    model: str,
    /,
    *text: str,
    against: str | None = None,
    retention: tuple[str, ...] = (),
    settings: Annotated[EvaluateSettings | None, Parameter(name="*")] = None,
    task: str | None = None,
    data: Annotated[TaskSettings | None, Parameter(name="*")] = None,
    tuning: Annotated[FineTuning | None, Parameter(name="*")] = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Score a model on a text, or on a task with data of its own.

    On a text: bits per byte (every line on its own), and how well the tokenizer fits. With ``--task``: a head
    is trained and judged, several times (ner, pos, nli, classification, qa, sts), or sentence vectors are
    compared as they are (retrieval; sts without training data).

    Examples: ``monoglot evaluate gemma-de german.txt --against gemma --retention english.txt``;
    ``monoglot evaluate e5-sw --task ner --train train.conll --dev dev.conll --test test.conll``

    Args:
        model: Folder or hub name.
        text: Text: .txt, .jsonl, .csv, .parquet, each also .gz or .zst; globs, folders, hub datasets.
        against: A model to compare with, such as the one that it was made from.
        retention: Text of another language, to see what was lost of it.
        settings: Everything else about texts.
        task: What to have the model do instead: ner, pos, nli, classification, qa, sts or retrieval.
        data: The data of the task, and how it is run.
        tuning: How it is trained.
        as_json: Print everything as JSON.
    """
    check_choice(text, retention, task, data)
    if task is None:
        from monoglot.pipeline.evaluation import evaluate as run

        result = run(
            model, text, against=against, retention=retention, settings=settings, progress=Terminal()
        )
        present(result, "evaluation_tables", as_json=as_json, module="evaluation_display")
        return
    from monoglot.pipeline.evaluation_tasks import evaluate_task

    scores = evaluate_task(task, model, data or TaskSettings(), tuning, against=against, progress=Terminal())
    present(scores, "task_tables", as_json=as_json, module="evaluation_display")


def present(result: Result, display: str, *, as_json: bool, module: str = "display") -> None:
    """Print a result for machines, or with one of the functions of a module of the pipeline for people."""
    if as_json:
        print(json.dumps(result.as_dict(), ensure_ascii=False, indent=2))  # noqa: T201 - the output itself
        return
    displays = import_module(f"monoglot.pipeline.{module}")
    console = Console()
    for part in getattr(displays, display)(result):
        console.print(part, highlight=False, soft_wrap=isinstance(part, str))


def written_out(words: Sequence[str]) -> list[str]:
    """The words of a command line with numbers of tokens such as ``10M`` or ``200k`` written out."""
    before = ["", *words]
    return [
        str(round(float(word[:-1]) * SUFFIXES[word[-1]]))
        if flag.startswith("--") and flag.endswith("tokens") and NUMBER.fullmatch(word)
        else word
        for flag, word in zip(before, words, strict=False)
    ]


def quiet_libraries() -> None:
    """Keep libraries from printing what their user can't act upon."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    warnings.filterwarnings("ignore", module="(transformers|huggingface_hub|torch|datasets)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Words of the command line; by default those of the process.

    Returns:
        The exit code: 0, 2 for input that can't be used, 130 when interrupted, 143 when training was told to
        stop (SIGTERM) and has saved.
    """
    quiet_libraries()
    errors = Console(stderr=True, soft_wrap=True)
    try:
        words = written_out(sys.argv[1:] if arguments is None else arguments)
        app(words, exit_on_error=False, error_console=errors, result_action="return_value")
    except CycloptsError:
        return USAGE_ERROR  # cyclopts has said what is wrong
    except Interrupted as stop:
        errors.print(str(stop), highlight=False)
        return stop.exit_code
    except MonoglotError as error:
        errors.print(f"[bold red]error:[/] {escape(str(error))}", highlight=False, markup=True)
        return error.exit_code
    except KeyboardInterrupt:
        errors.print("interrupted: the same command goes on from here")
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
