"""`plan`: a dry run that inspects the model, tries vocabularies on a sample of the text, and advises."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from monoglot.corpus import Corpus, Given, inputs_of, open_corpus
from monoglot.device import limited_threads
from monoglot.errors import ModelError
from monoglot.keywords import explains_keywords
from monoglot.model.given_text import unread_templates
from monoglot.model.positions import coupled_tables
from monoglot.model.source import Source, open_source
from monoglot.model.tables import TableKind, VocabularyTables, named_tensors
from monoglot.pipeline.advice import Advice, advise
from monoglot.pipeline.inputs import read_as_the_model_does
from monoglot.pipeline.plan_chart import draw_chart
from monoglot.pipeline.plan_options import Law, Option, fit_law, try_options, with_estimates
from monoglot.pipeline.preview import check_chart
from monoglot.pipeline.stages.corpus import warn_of_language
from monoglot.pipeline.stages.retained import find_kept
from monoglot.pipeline.step_zero import StepZero
from monoglot.progress import Progress, reporter
from monoglot.reporting.summary import kept_words
from monoglot.reporting.wording import millions
from monoglot.result import Highlight, Result, Row
from monoglot.settings import RunSettings
from monoglot.settings_text import command_line_options
from monoglot.tokenization.parts import Role

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inspection:
    """Properties of a source model.

    Attributes:
        architecture: Class of the model.
        family: Family of the tokenizer.
        roles: The token that serves each role.
        vocabulary: Tokens of the tokenizer.
        rows: Rows of the vocabulary-sized tables.
        parameters: Parameters, tied ones once.
        row_parameters: Parameters that one token more would add.
        tables: Each vocabulary-sized table, with its kind.
        hazards: What a careless change of the vocabulary would break.
    """

    architecture: str
    family: str
    roles: Mapping[str, str]
    vocabulary: int
    rows: int
    parameters: int
    row_parameters: int
    tables: Mapping[str, str]
    hazards: tuple[str, ...]

    def parameters_with(self, vocabulary: int) -> int:
        """Parameters of the model with another number of tokens."""
        return self.parameters + (vocabulary - self.rows) * self.row_parameters


@dataclass(frozen=True, repr=False)
class Plan(Result):
    """The options for a model, and the recommendation.

    Attributes:
        model: What was found in the model.
        corpus_bytes: Size of the text.
        sample_bytes: Size of the sample that the options were tried on.
        options: The source vocabulary as it is, then what could be done.
        measured: What the distance of each option is, or why none was measured.
        bits_per_byte: Those of the original, where distances are bits per byte above it; else ``None``.
        law: What a share of the tokens costs, by the grafts measured; ``None`` where none was.
        kept: What is kept beside what the text asks for, in a sentence; empty if nothing is.
        advice: The recommendation.
        command: The command that makes it, with the options that the plan was given.
    """

    model: Inspection
    corpus_bytes: int
    sample_bytes: int
    options: tuple[Option, ...]
    measured: str
    bits_per_byte: float | None
    law: Law | None
    kept: str
    advice: Advice
    command: str

    def highlights(self) -> Iterator[Highlight]:
        """Give the model, each option in a line, the advice and its command."""
        size = f"{millions(self.model.parameters)} parameters, {self.model.vocabulary:,} tokens"
        yield "model", f"{self.model.architecture}, {size}"
        for option in self.options:
            tokens = f"{option.vocabulary:,} tokens, {millions(option.parameters)} parameters"
            yield option.name, f"{tokens}, {option.relative_tokens:.1%} of the text's tokens"
        yield "advice", f"{self.advice.option}, because {self.advice.reason}"
        yield "next", self.command

    def rows(self) -> list[Row]:
        """Give a row for each option."""
        return [asdict(option) for option in self.options]


@explains_keywords()
def plan(
    source: str | Path,
    corpus: Given,
    *,
    keep_text: Sequence[str] = (),
    keep_tokens: str | None = None,
    column: str | None = None,
    chart: str | Path | None = None,
    threads: int | None = None,
    trust_remote_code: bool = False,
    progress: Progress | bool = False,
) -> Plan:
    """Look at a model and try vocabularies on a sample of a corpus; nothing is written but the chart.

    Args:
        source: Folder or hub name of the model.
        corpus: Text of the target language.
        keep_text: Texts to keep, as ``specialize`` does.
        keep_tokens: File of tokens, or texts, to keep, one per line.
        column: The column that holds the text, where there are columns.
        chart: An SVG file to draw distances over tokens saved into; one that is there is replaced.
        threads: Number of threads; by default the number of cores.
        trust_remote_code: Whether code that comes with the model may run.
        progress: Whether to show how far it is, or where.

    Raises:
        InputError: If something that was given can't be used.
    """
    progress, inputs = reporter(progress), [str(name) for name in inputs_of(corpus)]
    if chart is not None:
        check_chart(Path(chart))
    shared = RunSettings(column=column, threads=threads, trust_remote_code=trust_remote_code)
    with limited_threads(shared.n_threads):
        model = open_source(str(source), trust_remote_code=trust_remote_code)
        text = open_corpus(inputs, column=column)
        read_as_the_model_does(text, model)
        kept = find_kept(model, keep_text, keep_tokens)
        for problem in unread_templates(model.folder):
            logger.warning("%s", problem)
        inspection = inspect(model)
        statistics = text.statistics(progress)
        sample = sampled(text, statistics.bytes)
        keep = kept.of(model)
        heldout = list(text.heldout_lines())
        warn_of_language(model, heldout)
        step_zero, measured = _step_zero(model, sample, heldout, progress)
        if chart is not None and step_zero is None:
            raise ModelError(f"There is nothing to draw into {chart}: {measured} Leave out --chart.")
        tried = tuple(
            try_options(
                model,
                inspection.parameters_with,
                keep,
                sample,
                heldout,
                step_zero,
                progress,
                lowercase=text.lowercase,
            )
        )
        law = fit_law(tried)
        of_vectors = step_zero is not None and step_zero.bits_per_byte is None
        options = with_estimates(tried, law, of_vectors=of_vectors)
        in_bits = step_zero is not None and step_zero.bits_per_byte is not None
        advice = advise({option.name: option for option in options}, statistics.bytes, in_bits=in_bits)
        if chart is not None and step_zero is not None:
            draw_chart(Path(chart), options, law, step_zero.label)
        advice = replace(advice, flags=" ".join([advice.flags, *_keep_flags(keep_text, keep_tokens)]))
        return Plan(
            inspection,
            statistics.bytes,
            sum(len(line.encode()) for line in sample),
            options,
            measured,
            step_zero.bits_per_byte if step_zero else None,
            law,
            kept_words(kept.to_dict(len(keep.token_ids(model.tokenizer)))),
            advice,
            _command(source, inputs, advice, shared),
        )


def _command(source: str | Path, corpus: Sequence[str], advice: Advice, settings: RunSettings) -> str:
    """Give the command that makes what is advised."""
    output = f"{Path(source).expanduser().resolve().name}-{advice.option.partition(' ')[0]}"
    words = ["monoglot", "specialize", str(source), *corpus, "--output", output]
    shared = command_line_options(vars(settings), RunSettings())
    return " ".join([shlex.join(words), advice.flags, *map(shlex.quote, shared)])


def inspect(source: Source) -> Inspection:
    """Inspect a model without changing it.

    Raises:
        InputError: If the model or its tokenizer can't be used.
    """
    model, vocabulary, tables = source.checkpoint.structure, source.vocabulary, source.checkpoint.tables
    tensors = named_tensors(model)
    parameters = {id(parameter): parameter.numel() for parameter in model.parameters()}
    own = [table for table in tables.tables if id(tensors[table.names[0]]) in parameters]
    return Inspection(
        architecture=type(model).__name__,
        family=str(vocabulary.family),
        roles={str(role): vocabulary.by_role[role].text for role in Role if role in vocabulary.by_role},
        vocabulary=len(vocabulary),
        rows=tables.rows,
        parameters=sum(parameters.values()),
        row_parameters=sum(tensors[table.names[0]].numel() for table in own) // tables.rows,
        tables={" = ".join(table.names): str(table.kind) for table in tables.tables},
        hazards=tuple(_hazards(source, tables)),
    )


def _hazards(source: Source, tables: VocabularyTables) -> Iterator[str]:
    """List what a careless change of the vocabulary would break."""
    model, vocabulary = source.checkpoint.structure, source.vocabulary
    if names := coupled_tables(model, frozenset(tables.axes)):
        yield f"positions are counted from the pad token's id ({', '.join(names)}), which must not change"
    if any(len(table.names) > 1 for table in tables.tables):
        yield "input embeddings and output head share one table, and must stay shared"
    if any(table.kind is TableKind.OUTPUT for table in tables.tables):
        yield "the output head is a separate table, and needs its own rows"
    if biases := [table.names[0] for table in tables.tables if table.kind is TableKind.BIAS]:
        yield f"each token has an output bias that must move with it ({', '.join(biases)})"
    if tables.rows != vocabulary.size:
        yield f"the tables have {tables.rows:,} rows, the tokenizer has ids up to {vocabulary.size - 1:,}"
    untrained = int((~source.trained).sum())
    if untrained:
        yield f"{untrained:,} rows were never trained, and must not contribute to new ones"
    if len(vocabulary) < vocabulary.size:
        gaps = vocabulary.size - len(np.unique(vocabulary.ids))
        yield f"{gaps:,} ids below the highest have no token"


SAMPLE_BYTES = 3_000_000
"""Text on which tokenizers are tried; a real run trains on all of it."""


def sampled(corpus: Corpus, corpus_bytes: int) -> list[str]:
    """Take every n-th training line, about ``SAMPLE_BYTES`` in all."""
    return list(islice(corpus.lines(), 0, None, max(1, round(corpus_bytes / SAMPLE_BYTES))))


def _step_zero(
    source: Source, sample: list[str], heldout: list[str], progress: Progress
) -> tuple[StepZero | None, str]:
    """Prepare the measurement before training, and say what it measures, or why there is none."""
    try:
        with progress.task("measuring the original"):
            step_zero = StepZero(source, sample, heldout)
    except ModelError as error:
        return None, f"The distance to the original before training was not measured: {error}."
    what = f"{step_zero.label} (1 - cosine)"
    if step_zero.bits_per_byte is not None:
        what = f"{step_zero.label} above the original's {step_zero.bits_per_byte:.3f}"
    lines = f"{len(step_zero.lines):,} held-out lines"
    return step_zero, f"Distance: {what} before any training, on {lines}; ± is a 95% interval over lines."


def _keep_flags(keep_text: Sequence[str], keep_tokens: str | None) -> Iterator[str]:
    """Give the options with which `specialize` retains the same texts."""
    if keep_text:
        yield shlex.join(["--keep-text", *keep_text])
    if keep_tokens:
        yield shlex.join(["--keep-tokens", keep_tokens])
