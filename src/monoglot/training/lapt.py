"""Language-adaptive pretraining: one run, from a model and packed text to trained weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import PartialState
from jaxtyping import Bool
from torch import Tensor
from transformers import PreTrainedModel, PrinterCallback

from monoglot._hf import is_sharded, quiet_transformers
from monoglot.errors import CorpusError, Interrupted
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.special_token_template import SpecialTokenTemplate
from monoglot.training.checkpoints import discard_unusable, ended_early, latest, records, same_run, step_of
from monoglot.training.objective import Objective, Task, TrainingContext
from monoglot.training.objective_wrapper import Learning, ObjectiveWrapper, check_sharded
from monoglot.training.packing import PackedCorpus, PackedLayout
from monoglot.training.parameters import COMPOSITION
from monoglot.training.schedule import Budget, TrainingSettings
from monoglot.training.trainer import (
    Completing,
    Freezing,
    Interruption,
    LaptTrainer,
    NonFiniteGradientGuard,
    Patience,
    process_device,
    restored_randomness,
    trainer_arguments,
    uses_bf16,
)

Scorer = Callable[[PreTrainedModel, Task], dict[str, float]]
"""Held-out figures of a model, by name; the task may have some of its own."""


@dataclass(frozen=True)
class Outcome:
    """Result of a run.

    Attributes:
        weights: The trained weights by the model's own names, tied ones once; empty in all processes but one.
        steps: Steps of the optimizer.
        tokens: Places of the windows that were trained on.
        record: What was found out and done, as plain values: the same however often the run was interrupted.
        resumed_from_step: The step of the checkpoint from which this call resumed, if it did.
    """

    weights: dict[str, Tensor]
    steps: int
    tokens: int
    record: dict[str, object]
    resumed_from_step: int | None = None


def train(
    context: TrainingContext,
    objective: Objective,
    settings: TrainingSettings,
    folder: Path,
    *,
    identity: Mapping[str, Any],
    new_rows: Bool[np.ndarray, " rows"] | None = None,
    score: Scorer | None = None,
    progress: Progress = SILENT,
) -> Outcome:
    """Train a model, or resume an earlier call on the same folder.

    In a launch of several processes (``accelerate launch``, ``torchrun``) all of them call it with the same
    arguments.

    Args:
        context: Model, text and all that the objective needs; the model's weights are changed.
        objective: What to learn.
        settings: How long, how fast, what.
        folder: Where checkpoints and ``metrics.jsonl`` go.
        identity: What else must be the same when a run resumes: names and content keys of what is given.
        new_rows: Which rows of the vocabulary's tables were not copied, if that is known.
        score: Measures held-out figures; not called where the model is sharded.
        progress: Where to show how far it is.

    Returns:
        The trained weights, in the one process that writes.

    Raises:
        CorpusError: If the corpus is shorter than a batch.
        SettingError: If settings don't fit the model, the processes, or the run that is to resume.
        TrainingError: If the loss is not a number.
        Interrupted: If a signal told it to stop; the same call resumes from there.
    """
    check_sharded(settings)
    device = process_device()
    context = replace(context, bf16=uses_bf16(settings.precision, device))
    budget = Budget.of(settings, PartialState().num_processes)
    with restored_randomness():
        # The first is not noted, as in trainings from before there were versions.
        version = {"version of the objective": objective.version} if objective.version > 1 else {}
        task = begin(context, objective, folder, {**settings.resume_identity(), **identity, **version})
    checkpoint = latest(folder)
    resumed = step_of(checkpoint) if checkpoint else None
    if checkpoint and resumed:
        progress.note(f"training resumes from step {resumed:,} of {budget.steps:,}")
        if settings.patience and ended_early(checkpoint, settings.patience):
            budget = replace(budget, steps=resumed)
    data = packed(context, task, budget)
    left_out = cut_texts(task, data)
    for sentence in left_out:
        progress.note(sentence)
    learning = Learning.of(context.model, settings, new_rows, steps=budget.steps, seed=context.seed)
    composition = None if new_rows is None or is_sharded() else objective.composition(context, new_rows)
    wrapper = ObjectiveWrapper(context.model, task, composition)
    with (
        restored_randomness(),
        quiet_transformers(),
        Interruption(progress.note) as interruption,
        progress.task("training", budget.windows * budget.window_tokens) as advance,
    ):
        trainer = LaptTrainer(
            model=wrapper,
            args=trainer_arguments(
                settings,
                budget,
                folder,
                seed=context.seed,
                bf16=context.bf16,
                watched=objective.watched if settings.patience else None,
                begins=checkpoint is None,
                device=device,
            ),
            train_dataset=data,
            eval_dataset=[],
            data_collator=task.collate,
            callbacks=[
                Freezing(wrapper, learning.selection, learning.frozen_steps),
                NonFiniteGradientGuard(wrapper, folder),
                interruption,
                Completing(folder, settings.keep),
                *([Patience(settings.patience)] if settings.patience else []),
                *records(folder, budget.step_tokens, progress, advance),
            ],
            settings=settings,
            learning=learning,
            needs_bf16=task.needs_bf16,
            score=lambda: score(context.model, task) if score and not is_sharded() else {},
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        steps = trainer.state.global_step
        if interruption.received and steps < budget.steps:
            raise Interrupted(
                f"training stopped after step {steps:,} of {budget.steps:,}, which is saved: "
                "the same command resumes from there",
                interruption.received,
            )
        state = trainer.accelerator.get_state_dict(trainer.model)
    record = {
        "steps": steps,
        "tokens": steps * budget.step_tokens,
        "epochs": steps * budget.batch_windows / data.windows_per_epoch,
        "window_tokens": budget.window_tokens,
        "batch_windows": budget.batch_windows,
        "processes": PartialState().num_processes,
        "best_step": trainer.state.best_global_step,
        "documents_end_with": list(data.layout.template.after + data.layout.end),
        "left_out": left_out,
        "warnings": list(task.warnings),
        **task.describe(),
    }
    weights = plain_weights(state, learning, wrapper) if PartialState().is_main_process else {}
    return Outcome(weights, steps, steps * budget.step_tokens, record, resumed)


def begin(
    context: TrainingContext, objective: Objective, folder: Path, resume_identity: Mapping[str, Any]
) -> Task:
    """Prepare the objective, in one process before the others.

    Raises:
        SettingError: If the run that is to resume had other settings.
    """
    processes = PartialState()
    with processes.main_process_first():
        if processes.is_main_process:
            same_run(folder, resume_identity)
            discard_unusable(folder)
            objective.prepare(context)
        return objective.task(context)


def packed(context: TrainingContext, task: Task, budget: Budget) -> PackedCorpus:
    """Pack the corpus into the windows of a run.

    Raises:
        CorpusError: If the corpus fills fewer windows than one batch has.
    """
    pad = context.tokenizer.pad_token_id
    template = SpecialTokenTemplate.of(context.tokenizer)
    layout = PackedLayout(
        budget.window_tokens,
        template,
        pad if isinstance(pad, int) else 0,
        whole_documents=task.whole_documents,
        end=template.end_of(context.tokenizer) if task.ends_documents else (),
    )
    data = PackedCorpus(task.corpus or context.corpus, layout, windows=budget.windows, seed=context.seed)
    if data.windows_per_epoch < budget.batch_windows:
        raise CorpusError(
            f"the corpus fills {data.windows_per_epoch} window{'s' * (data.windows_per_epoch != 1)} of "
            f"{budget.window_tokens} tokens, fewer than the {budget.batch_windows} of one batch: give more "
            "text or a smaller --batch-tokens (--adapt-options.batch-tokens in specialize and compare)"
        )
    return data


def cut_texts(task: Task, data: PackedCorpus) -> list[str]:
    """Report how many texts don't fit into a window.

    Raises:
        CorpusError: If none fits, so that there is nothing to learn from.
    """
    cut, every = data.cut_documents
    if not task.cut_count_nothing or not cut:
        return []
    room = data.layout.most_text
    if cut == every:
        raise CorpusError(
            f"each of the {every:,} texts has more than the {room} tokens that fit into a window, and a text "
            "that is truncated has no vector to compare: give a larger --window-tokens or shorter texts"
        )
    return [
        f"{cut:,} of {every:,} texts have more than the {room} tokens that fit into a window; they are left "
        "out of the loss (a larger --window-tokens takes them in)"
    ]


def plain_weights(
    state: Mapping[str, Tensor], learning: Learning, wrapper: ObjectiveWrapper
) -> dict[str, Tensor]:
    """Give the weights by the model's own names, with adapters and composition merged."""
    weights = {name.removeprefix("model."): tensor.detach().cpu() for name, tensor in state.items()}
    if wrapper.composition is not None:
        table = wrapper.model.get_input_embeddings().weight
        name = next(name for name, parameter in wrapper.model.named_parameters() if parameter is table)
        weights[name] = wrapper.composition.added_to(weights[name], weights.pop(f"{COMPOSITION}weight"))
    return learning.adapters.merge(weights) if learning.adapters else weights
