"""What a training will learn, how, and on how much text: decided before any long work."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from monoglot._hf import is_sharded, reporting_callbacks
from monoglot.errors import InputError, SettingError, first_line
from monoglot.model.folder import find_class, load_config
from monoglot.model.pooling import PROMPTS, read_prefix
from monoglot.model.side_files import transformer_folder
from monoglot.model.source import Source, open_recorded
from monoglot.model.tables import build_on_meta
from monoglot.pipeline.preview import check_layers, check_processes, check_teacher, original_of
from monoglot.pipeline.stages.context import RunContext
from monoglot.pipeline.training_job import adapted, new_rows, objective_of, use_attention
from monoglot.run import LAYOUT, Artifact
from monoglot.settings import AdaptSettings, Settings
from monoglot.training.objective_wrapper import check_sharded
from monoglot.training.registry import check_objective, choose_objective, get_objective
from monoglot.training.schedule import TrainingSettings, budget_tokens, check_schedule

logger = logging.getLogger(__name__)


def resolved(folder: Path, settings: AdaptSettings) -> AdaptSettings:
    """Fill in the objective, and drop a teacher that it has no use for.

    Only the configuration of the model is read, no weights.

    Args:
        folder: Folder of the model to train, or of one of the same class.
        settings: What the user asked for.

    Raises:
        SettingError: If the objective does not fit the model or can't read a file, none fits, or the model
            has no such attention.
    """
    inner = transformer_folder(folder)
    config = load_config(inner, trust_remote_code=settings.trust_remote_code)
    model_class = find_class(inner, config, trust_remote_code=settings.trust_remote_code)
    skeleton, has_teacher = build_on_meta(model_class, config), settings.teacher is not None
    check_teacher(folder, settings)
    name = settings.objective or choose_objective(skeleton, has_teacher=has_teacher)
    objective = get_objective(name, settings.objective_options)
    check_objective(name, objective, skeleton, has_teacher=has_teacher)
    objective.check()
    if settings.attention:
        use_attention(skeleton, settings.attention)
    needs_teacher = objective.why_unsuitable(skeleton, has_teacher=False) is not None
    # As the objective took them: "no" and False are one setting, with one key.
    given = {one.replace("-", "_") for one in settings.objective_options}
    own = read_prefix(folder)
    if own and getattr(objective, "prefix", own) == "":
        logger.warning(
            "the model puts %r before each text (%s), but is trained without it: give it as "
            "--objective-options.prefix",
            own, PROMPTS,
        )  # fmt: skip
    return replace(
        settings,
        objective=name,
        objective_options={one: getattr(objective, one) for one in sorted(given)},
        teacher=settings.teacher if needs_teacher else None,
    )


def filled(settings: AdaptSettings, training: TrainingSettings, new_share: float | None) -> TrainingSettings:
    """Fill in the recipe of an objective.

    Args:
        settings: What is learned (see `resolved`).
        training: How the user wants to train.
        new_share: Which share of the vocabulary's rows is new, if that is known.

    Raises:
        SettingError: If a setting needs the whole model in one process, and it is sharded.
    """
    # Rates that suit new rows only are wrong for other schedules.
    suits = training.schedule in (None, "keep-copied", "new-rows") and not is_sharded()
    objective = objective_of(settings)
    training = training.filled(objective.recipe(new_share=new_share if suits else None))
    check_sharded(training)
    return training


def find_original(student: Source, teacher: Source | None) -> Source | str:
    """Find the model that a model was made of, to compare them: itself if `specialize` did not make it.

    Args:
        student: The model to train.
        teacher: The teacher, which is taken if it has the files of the original.

    Returns:
        The original, or why it can't be used.
    """
    name, key = original_of(student.folder)
    if name is None:
        return student
    if teacher is not None and teacher.key == key:
        return teacher
    try:
        found = open_recorded(name)  # without its own code, whatever the user allows the model itself
        same = found.key == key
    except InputError as error:
        return f"the original can't be read ({first_line(error).rstrip('.')})"
    return found if same else f"the files of {name} have changed since the model was made of it"


def check_training(folder: Path, training: TrainingSettings) -> None:
    """Refuse settings of a training that can't be followed, before any long work.

    Args:
        folder: Folder of the model to train, or of one of the same class.
        training: How the user wants to train.

    Raises:
        SettingError: If the model has no such layer, or a tool that is to record the run can't be used.
    """
    check_layers(folder, training.layers)
    check_reports(training.report_to)


def check_reports(names: Sequence[str]) -> None:
    """Refuse tools that are to record the run and can't.

    Raises:
        SettingError: If one is unknown to transformers, or is not installed.
    """
    for name in names:
        try:
            for callback in reporting_callbacks(name):
                callback()
        except (ValueError, RuntimeError, ImportError) as error:
            raise SettingError(
                f"--report-to {name} can't be used ({first_line(error)}): install it, or leave it out"
            ) from error


def warn_of_teacher(student: Path, teacher: str, teacher_key: str) -> None:
    """Warn if a model is to match another than the one that ``specialize`` made it of.

    Args:
        student: Folder of the model to train.
        teacher: What the user calls the teacher.
        teacher_key: Content hash of its files.
    """
    name, key = original_of(student)
    if key is not None and key != teacher_key:
        logger.warning(
            "--teacher %s has other files than %s, of which %s was made: if it is another model, give the "
            "original, whose vectors the student's embeddings come from",
            teacher, name, student,
        )  # fmt: skip


def planned(
    context: RunContext, settings: AdaptSettings, training: TrainingSettings, mixture: Path | None
) -> TrainingSettings:
    """Fill in the recipe and how many tokens to train on, by which rows are new, and say what was chosen.

    Args:
        context: The run.
        settings: What is learned (see `resolved`).
        training: How the user wants to train.
        mixture: File that tells which rows are new, if there is one.

    Raises:
        SettingError: If the schedule makes no sense with these rows.
    """
    rows = new_rows(mixture)
    count = None if rows is None else int(rows.sum())
    given, training = training, filled(settings, training, None if rows is None else float(rows.mean()))
    check_schedule(training.schedule, count)
    if given.schedule is None and training.schedule == "new-rows":
        context.progress.note(
            f"training only the {count:,} new embeddings, as few are new; --schedule keep-copied trains the "
            "body too"
        )
    if training.tokens is not None:
        return training
    tokens = budget_tokens(count, objective_of(settings).tokens_per_new_row)
    known = "it is not known which embeddings are new" if count is None else f"{count:,} embeddings are new"
    context.progress.note(f"training on {tokens:,} tokens, since {known}; --tokens N changes it")
    return replace(training, tokens=tokens)


@dataclass(frozen=True)
class AdaptPlan:
    """The training that follows the transplant in `specialize`.

    Attributes:
        settings: What to learn; the source model is there to be matched.
        training: How the user wants to train.
    """

    settings: AdaptSettings
    training: TrainingSettings

    @classmethod
    def of(cls, settings: Settings, source: Source) -> Self:
        """Plan the training before any long work.

        Raises:
            SettingError: If an option is unknown or does not fit the model, or there are several processes.
        """
        check_processes(settings)
        if settings.adaptation is None:
            raise SettingError("no training is requested: give --adapt-tokens")
        adapt, training = settings.adaptation
        if settings.mode == "trim":
            check_schedule(training.schedule, 0)
        check_training(source.folder, training)
        adapt = replace(adapt, teacher=str(source.folder))
        return cls(resolved(source.folder, adapt), training)

    def run(self, context: RunContext, model: Artifact) -> Artifact:
        """Train the model of an earlier stage.

        Args:
            context: The run, with all its stages but this.
            model: The transplanted model.
        """
        stages = context.run.artifacts
        mixture = stages["mixture"].folder / LAYOUT.mixture.name
        training = planned(context, self.settings, self.training, mixture)
        return adapted(
            context, model.folder, model.key, stages["corpus"], stages["tokens"], self.settings, training,
            mixture=mixture,
        )  # fmt: skip
