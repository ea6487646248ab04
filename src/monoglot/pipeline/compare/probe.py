"""One variant of a comparison: its score before training, and the short trainings that follow."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.device import device_of
from monoglot.errors import ModelError
from monoglot.evaluation.bits_per_byte import LanguageSettings
from monoglot.evaluation.line_scores import BitsPerByte, LineScores, Measure, TeacherDistance
from monoglot.evaluation.settings import SCORED_WORDS
from monoglot.maths.mixture import Mixture, Provenance
from monoglot.model.checkpoint import transplant_checkpoint
from monoglot.model.pooling import Pooling, read_pooling
from monoglot.model.side_files import MODULES
from monoglot.model.source import Source
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.pipeline.stages.context import VocabularyContext, return_memory
from monoglot.pipeline.training_job import TrainingJob, content_keys, objective_of, run_job, trained_model
from monoglot.pipeline.training_plan import AdaptPlan
from monoglot.reporting.summary import count_parameters
from monoglot.run import LAYOUT, Artifact, content_key, read_json, write_json
from monoglot.settings import AdaptSettings
from monoglot.tokenization.encoding import TokenizedCorpus
from monoglot.training.objectives.distill import SentenceDistillation


def choose_measure(source: Source, settings: AdaptSettings) -> Measure:
    """Choose bits per byte for language models, the distance to the original for sentence encoders.

    Args:
        source: The original.
        settings: What the probes learn, with the objective named.

    Raises:
        ModelError: If the model has neither, or does not say how it makes sentence vectors.
    """
    objective = objective_of(settings)
    structure = source.checkpoint.structure
    if isinstance(objective, SentenceDistillation):
        if not objective.pooling and not (source.folder / MODULES).is_file():
            raise ModelError(
                f"{source.name} has no sentence-transformers modules that tell how its sentence vectors are "
                "made: give --objective-options.pooling, such as mean"
            )
        pooling = Pooling(objective.pooling) if objective.pooling else read_pooling(source.folder)

        def teacher() -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
            return moved(source.model, settings.device), source.tokenizer

        return TeacherDistance(teacher, pooling, objective.prefix)
    if structure.get_output_embeddings() is None or structure.config.is_encoder_decoder:
        raise ModelError(
            f"{type(structure).__name__} can't be compared: expected a causal or masked language "
            "model, which is scored by bits per byte, or a sentence encoder, by the distance to its original"
        )
    # The same words as during training, so that curves end at the figures of the table.
    return BitsPerByte(LanguageSettings(word_share=SCORED_WORDS))


Texts = Mapping[str, Sequence[str]]
Scores = dict[str, LineScores]
KEY = "key.json"


@dataclass(frozen=True)
class Variant:
    """A vocabulary with an initialization, or the original model.

    Attributes:
        name: What it is called.
        context: The run, branched off for its stages.
        tokens: The probe's text as its tokens.
        tokenizer: Its tokenizer; ``None`` for the original's.
        mixture: Where its rows come from; ``None`` for the original.
        is_control: Whether it is there to be compared with.
        has_new_vocabulary: Whether it has the vocabulary that the methods share.
    """

    name: str
    context: VocabularyContext
    tokens: Artifact
    tokenizer: Artifact | None = None
    mixture: Artifact | None = None
    is_control: bool = True
    has_new_vocabulary: bool = False

    @cached_property
    def rows(self) -> Mixture | None:
        """The mixture of its rows; ``None`` for the original."""
        return Mixture.load(self.mixture_file) if self.mixture_file else None

    @property
    def mixture_file(self) -> Path | None:
        """The file of its mixture."""
        return self.mixture.folder / LAYOUT.mixture.name if self.mixture else None

    @property
    def has_new_rows(self) -> bool:
        """Whether any row of its vocabulary was not copied."""
        return self.rows is not None and bool((self.rows.provenance != Provenance.COPIED).any())

    def drawn(self, seed: int) -> int | None:
        """Seed of the noise in its rows; ``None`` if it has none, so that all seeds start alike."""
        return seed if self.rows is not None and len(self.rows.where(Provenance.NOISE)) else None

    def key(self, seed: int) -> str:
        """Content key of the model at the start."""
        source = self.context.source.key
        if self.tokenizer is None or self.mixture is None:
            return source
        return content_key([source, self.tokenizer.key, self.mixture.key, self.drawn(seed)])


@dataclass(frozen=True)
class ProbeRunner:
    """Scores variants and trains them; only the files that the next step needs stay on disk.

    Attributes:
        context: The run.
        measure: What all are scored by.
        texts: The lines that they are scored on, by name.
        probe: How they are trained.
        text: Stage of the text that they are trained on.
    """

    context: VocabularyContext
    measure: Measure
    texts: Texts
    probe: AdaptPlan
    text: Artifact

    @property
    def scored_on(self) -> dict[str, Any]:
        """Everything that a score depends on besides the model."""
        lines = {name: content_key(list(lines)) for name, lines in self.texts.items()}
        return {"measure": self.measure.settings, "lines": lines, "original": self.context.source.key}

    def start(self, variant: Variant, seed: int) -> Artifact:
        """Score a variant before training: a stage."""
        drawn = variant.drawn(seed)

        def compute(folder: Path) -> None:
            student = self.student(variant, seed)
            model = self.context.source.at(student).model
            content = {"parameters": count_parameters(student), "vocabulary": len(load_tokenizer(student))}
            self.write(model, student, folder, content)

        name = "start" if drawn is None else f"start-{seed}"
        return variant.context.stage(name, compute, self.scored_on, model=variant.key(seed))

    def train(self, variant: Variant, seed: int) -> Artifact:
        """Train a variant and score it: a stage. An interrupted training resumes from its checkpoint."""
        settings, training = replace(self.probe.settings, seed=seed), self.probe.training
        chosen = {"objective": settings.objective, "options": settings.objective_options, "seed": seed}
        inputs = {"model": variant.key(seed), "tokens": variant.tokens.key} | content_keys(settings)
        teacher = self.context.source if settings.teacher else None
        identity = chosen | inputs | {"teacher": teacher.key if teacher else ""}
        resume_identity = identity | training.resume_identity() | {"scored on": self.scored_on}
        checkpoints = self.context.run.partial / LAYOUT.probes / content_key(resume_identity)[:16]
        # What the teacher says of a text is the same for all who read it as the same tokens.
        cache = self.context.run.partial / LAYOUT.caches / variant.tokens.key[:16] / content_key(chosen)[:16]

        def compute(folder: Path) -> None:
            student = self.student(variant, seed)
            keep_only(checkpoints)
            keep_only(cache.parent)
            job = TrainingJob(
                student=student,
                tokens=variant.tokens.folder,
                checkpoints=checkpoints,
                cache=cache,
                settings=settings,
                training=training,
                teacher=teacher.folder if teacher else None,
                teacher_key=teacher.key if teacher else "",
                heldout=tuple(self.texts["heldout"]),
                mixture=variant.mixture_file,
                identity=identity,
            )
            self.context.source.forget()
            return_memory()
            outcome = run_job(
                job, lambda: read_lines(self.text.folder / LAYOUT.probe_text.name), self.context.progress
            )
            model = trained_model(self.context.source.at(student), outcome)
            content = {name: outcome.record[name] for name in ("steps", "tokens", "epochs")}
            (folder / LAYOUT.metrics.name).write_bytes((checkpoints / LAYOUT.metrics.name).read_bytes())
            self.write(model, student, folder, content)

        artifact = variant.context.stage(f"probe-{seed}", compute, resume_identity, **inputs)
        shutil.rmtree(checkpoints, ignore_errors=True)
        return artifact

    def bytes_read(self, variant: Variant) -> int:
        """Estimate the bytes of text that a probe reads, repetitions included."""
        size_bytes = sum(len(line.encode()) for line in read_lines(self.text.folder / LAYOUT.probe_text.name))
        tokens = TokenizedCorpus.open(variant.tokens.folder).tokens
        return round((self.probe.training.tokens or 0) * size_bytes / max(1, tokens))

    def student(self, variant: Variant, seed: int) -> Path:
        """Write the folder of a variant's model, and remove that of the variant before."""
        if variant.tokenizer is None or variant.rows is None:
            return self.context.source.folder
        key = variant.key(seed)
        folder = self.context.run.partial / LAYOUT.students / key[:16]
        if not (folder / KEY).exists():
            shutil.rmtree(folder, ignore_errors=True)
            keep_only(folder)
            folder.mkdir(parents=True)
            rows = replace(variant.rows, seed=seed)
            source, target = self.context.source, load_tokenizer(variant.tokenizer.folder)
            transplant_checkpoint(source.checkpoint, rows, target, folder, source_tokenizer=source.tokenizer)
            write_json(folder / KEY, {"key": key})
        return folder

    def write(self, model: PreTrainedModel, student: Path, folder: Path, content: dict[str, Any]) -> None:
        """Score a model and write ``scores.json``."""
        model, tokenizer = moved(model.float().eval(), self.probe.settings.device), load_tokenizer(student)
        scores = {
            name: self.measure(model, tokenizer, lines, progress=self.context.progress).to_dict()
            for name, lines in self.texts.items()
        }
        write_json(folder / LAYOUT.scores.name, content | {"scores": scores})


def moved(model: PreTrainedModel, device: str | None) -> PreTrainedModel:
    """Move a model to where it is scored: where it is trained, too."""
    model.to(device_of(device))  # type: ignore[arg-type]  # torch's stubs lack this overload
    return model


def keep_only(folder: Path) -> None:
    """Remove everything beside a folder."""
    for other in folder.parent.glob("*"):
        if other != folder:
            shutil.rmtree(other)


def read_lines(file: Path) -> list[str]:
    """Read the lines that a stage wrote."""
    return file.read_text(encoding="utf-8").split("\n")[:-1]


def read_scores(artifact: Artifact) -> tuple[dict[str, Any], Scores]:
    """Read what a stage found: its figures, and the scores on each text."""
    content: dict[str, Any] = read_json(artifact.folder / LAYOUT.scores.name)
    scores = content.pop("scores")
    return content, {name: LineScores.from_dict(found) for name, found in scores.items()}


def read_curve(artifact: Artifact, key: str) -> list[tuple[int, float]]:
    """Read the held-out figure by number of tokens trained on."""
    lines = [json.loads(line) for line in read_lines(artifact.folder / LAYOUT.metrics.name)]
    return [(line["tokens"], line[key]) for line in lines if key in line]
