"""What `transformers.Trainer` is given for a task: examples, and arguments that follow from our settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from transformers import TrainerCallback, TrainingArguments

from monoglot.evaluation.settings import FineTuning
from monoglot.evaluation.task import Feature, Prepared
from monoglot.progress import Advance
from monoglot.training.trainer import uses_bf16


class Examples(torch.utils.data.Dataset[Feature]):
    """Features as the trainer wants them."""

    def __init__(self, prepared: Prepared) -> None:
        self.features = prepared.features

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, index: int) -> Feature:
        return self.features[index]


def by_length(prepared: Prepared) -> Prepared:
    """Put the longest inputs first, so that batches have little padding; outputs are put back to be scored.

    Args:
        prepared: A split that is judged.
    """
    lengths = np.array([len(feature["input_ids"]) for feature in prepared.features])
    order = np.argsort(-lengths, kind="stable")
    places = np.argsort(order)

    def score(outputs: Any) -> dict[str, float]:
        parts = outputs if isinstance(outputs, tuple) else (outputs,)
        restored = tuple(part[places] if isinstance(part, np.ndarray) else part for part in parts)
        return prepared.score(restored if isinstance(outputs, tuple) else restored[0])

    return replace(prepared, features=[prepared.features[i] for i in order], score=score)


class Steps(TrainerCallback):
    """Tells how far the training is."""

    def __init__(self, advance: Advance) -> None:
        self.advance = advance

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """One step more."""
        self.advance(1)


def task_arguments(
    settings: FineTuning, folder: str, *, metric: str, epochs: int, seed: int, outputs: int
) -> TrainingArguments:
    """The arguments of `Trainer` that follow from our settings.

    Args:
        settings: Our settings.
        folder: Where the best epoch is kept.
        metric: The score that chooses it.
        epochs: Passes over the training data.
        seed: Of the order of the examples.
        outputs: How many numbers the head gives.
    """
    return TrainingArguments(
        output_dir=folder,
        num_train_epochs=epochs,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=2 * settings.batch_size,
        learning_rate=settings.learning_rate,
        # The single number of a regression would be rounded to eight bits, and few examples told apart.
        bf16=outputs > 1 and uses_bf16(settings.precision),
        use_cpu=not torch.accelerator.is_available(),
        warmup_steps=0.1,  # a share
        weight_decay=0.01,
        # By length there would be less padding, but where lengths go with labels, batches of one label.
        train_sampling_strategy="random",
        eval_strategy="epoch",
        save_strategy="best",
        save_total_limit=1,
        save_only_model=True,
        load_best_model_at_end=True,
        metric_for_best_model=metric,
        seed=seed,
        report_to="none",
        disable_tqdm=True,
        logging_strategy="no",
        dataloader_pin_memory=False,
    )
