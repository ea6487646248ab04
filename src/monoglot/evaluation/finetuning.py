"""Fine-tunes a model with a head for a task, over several seeds, and scores it."""

from __future__ import annotations

import copy
import inspect
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from transformers import (
    DataCollatorForTokenClassification,
    DataCollatorWithPadding,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from monoglot._hf import quiet_transformers, train_on
from monoglot.errors import TrainingError
from monoglot.evaluation.labeled_data import DataSplit
from monoglot.evaluation.settings import FineTuning, Head
from monoglot.evaluation.task import Feature, Prepared, TrainedTask
from monoglot.evaluation.task_heads import load_with_head, standardize_inputs
from monoglot.model.longest_input import longest_input_tokens
from monoglot.progress import SILENT, Advance, Progress
from monoglot.training.trainer import process_device, restored_randomness, uses_bf16


class Examples(torch.utils.data.Dataset[Feature]):
    """Examples of a split as `Trainer` reads them."""

    def __init__(self, prepared: Prepared) -> None:
        self.features = prepared.features

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, index: int) -> Feature:
        return self.features[index]


class Steps(TrainerCallback):
    """Reports the progress of a training."""

    def __init__(self, advance: Advance) -> None:
        self.advance = advance

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """One step more."""
        self.advance(1)


@dataclass(frozen=True)
class TunedScores:
    """Scores of one run of fine-tuning.

    Attributes:
        seed: Of the new head and of the order of the examples.
        epoch: The epoch that was best on the development set.
        dev: Scores on the development set.
        tests: Scores on each test set, by its name.
    """

    seed: int
    epoch: float
    dev: dict[str, float]
    tests: dict[str, dict[str, float]]


def finetune(
    folder: Path,
    tokenizer: PreTrainedTokenizerFast,
    task: TrainedTask,
    train: DataSplit,
    dev: DataSplit,
    tests: Sequence[DataSplit],
    settings: FineTuning,
    seed: int,
    *,
    head: Head = "standardized",
    trust_remote_code: bool = False,
    progress: Progress = SILENT,
) -> TunedScores:
    """Train a head and the model under it; score the epoch that is best on the development set.

    Args:
        folder: The model.
        tokenizer: Its tokenizer.
        task: What it is trained for.
        train: Examples to learn from.
        dev: Examples to choose the epoch by.
        tests: Examples to be judged by; each on its own.
        settings: How it is trained.
        seed: Of everything random.
        head: What the new head is given: hidden states as they are (``usual``), or standardized ones.
        trust_remote_code: Whether code that comes with the model may run.
        progress: Where to show how far it is.

    Raises:
        ModelError: If transformers has no such head for the model.
        CorpusError: If labels or examples are broken.
    """
    labels = task.labels(train)
    with restored_randomness(), tempfile.TemporaryDirectory(prefix="monoglot-") as scratch:
        torch.manual_seed(seed)
        model, new = load_with_head(folder, task.head, labels, tokenizer, trust_remote_code=trust_remote_code)
        tokenizer = reading_tokenizer(tokenizer, model)
        longest = min(settings.longest_tokens, longest_input_tokens(model, tokenizer))
        prepared = [task.prepare(split, tokenizer, labels, longest) for split in (train, dev, *tests)]
        prepared = [prepared[0], *map(by_length, prepared[1:])]
        epochs = settings.epochs or task.epochs
        with quiet_transformers(), _bar(progress, prepared[0], epochs, settings) as advance:
            arguments = task_arguments(
                settings,
                scratch,
                metric=task.metric,
                epochs=epochs,
                seed=seed,
                outputs=model.config.num_labels or 2,
            )
            tags = task.head == "AutoModelForTokenClassification"
            collate = DataCollatorForTokenClassification if tags else DataCollatorWithPadding
            if head == "standardized":
                standardize_inputs(model, new, _some_inputs(prepared[0], tokenizer))
            trainer = Trainer(
                model=model,
                args=arguments,
                train_dataset=Examples(prepared[0]),
                eval_dataset=Examples(prepared[1]),
                data_collator=collate(tokenizer),
                compute_metrics=lambda found: _scores(task, prepared[1], found.predictions),
                callbacks=[Steps(advance)],
            )
            trainer.remove_callback(PrinterCallback)
            trainer.train()
        scores = [_judged(trainer, task, one) for one in prepared[1:]]
        best = trainer.state.best_global_step or trainer.state.global_step
        epoch = best / max(1, trainer.state.global_step) * epochs
    names = [test.name for test in tests]
    return TunedScores(seed, round(epoch, 2), scores[0], dict(zip(names, scores[1:], strict=True)))


SEGMENTS = "token_type_ids"


def reading_tokenizer(tokenizer: PreTrainedTokenizerFast, model: PreTrainedModel) -> PreTrainedTokenizerFast:
    """Copy a tokenizer so that it pads and truncates at the end and names the model's inputs.

    Labels of words and answers are places in a text, and positions of many models are counted from the first
    place of a row: padding before the text would shift both.

    Args:
        tokenizer: A tokenizer, which is left alone.
        model: What reads: it is given segment ids if it has embeddings for more than one segment.
    """
    reading = copy.copy(tokenizer)
    reading.padding_side = reading.truncation_side = "right"
    names = [name for name in tokenizer.model_input_names if name != SEGMENTS]
    if takes_segments(model, named=SEGMENTS in tokenizer.model_input_names):
        names.append(SEGMENTS)
    reading.model_input_names = names
    return reading


def takes_segments(model: PreTrainedModel, *, named: bool) -> bool:
    """Tell whether a model distinguishes the texts of a pair by segment ids.

    Args:
        model: The model.
        named: Whether its tokenizer says so, which counts where the configuration has no number of segments.
    """
    if SEGMENTS not in inspect.signature(model.forward).parameters:
        return False
    segments = getattr(model.config.get_text_config(), "type_vocab_size", None)
    return named if segments is None else segments > 1


def by_length(prepared: Prepared) -> Prepared:
    """Sort inputs, the longest first, so that batches have little padding.

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


def _bar(
    progress: Progress, prepared: Prepared, epochs: int, settings: FineTuning
) -> AbstractContextManager[Advance]:
    steps = -(-len(prepared.features) // settings.batch_size) * epochs
    return progress.task("Fine-tuning", steps)


def task_arguments(
    settings: FineTuning, folder: str, *, metric: str, epochs: int, seed: int, outputs: int
) -> TrainingArguments:
    """Give the arguments of `Trainer` that follow from the settings.

    Args:
        settings: Our settings.
        folder: Where the best epoch is kept.
        metric: The score that chooses it.
        epochs: Passes over the training data.
        seed: Of the order of the examples.
        outputs: How many numbers the head gives.
    """
    device = process_device()
    made = TrainingArguments(
        output_dir=folder,
        num_train_epochs=epochs,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=2 * settings.batch_size,
        learning_rate=settings.learning_rate,
        # The single number of a regression would be rounded to eight bits, and few examples told apart.
        bf16=outputs > 1 and uses_bf16(settings.precision, device),
        use_cpu=device.type == "cpu",
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
    if device.type != "cpu" and PartialState().num_processes == 1:
        train_on(made, device)
    return made


LOOKED_AT = 64
"""Training inputs that tell what a new head is given."""


def _some_inputs(prepared: Prepared, tokenizer: PreTrainedTokenizerFast) -> Mapping[str, torch.Tensor]:
    """Draw a batch of training inputs."""
    drawn = torch.randperm(len(prepared.features))[:LOOKED_AT].tolist()
    inputs = [
        {
            name: prepared.features[i][name]
            for name in tokenizer.model_input_names
            if name in prepared.features[i]
        }
        for i in drawn
    ]
    return tokenizer.pad(inputs, return_tensors="pt")


def _scores(task: TrainedTask, prepared: Prepared, outputs: Any) -> dict[str, float]:
    """Score outputs; encoder-decoders give their answer first, then more.

    Raises:
        TrainingError: If an answer is NaN or infinite: every comparison with it would be wrong, silently.
    """
    has_two_answers = task.head == "AutoModelForQuestionAnswering"
    answers = outputs[0] if isinstance(outputs, tuple) and not has_two_answers else outputs
    for part in answers[:2] if isinstance(answers, tuple) else (answers,):
        if not np.isfinite(part).all():
            raise TrainingError(
                "the fine-tuned model's outputs became NaN or infinite: give a lower --learning-rate or "
                "--precision float32"
            )
    return prepared.score(answers)


def _judged(trainer: Trainer, task: TrainedTask, prepared: Prepared) -> dict[str, float]:
    """Score the trained model."""
    trainer.compute_metrics = None
    return _scores(task, prepared, trainer.predict(Examples(prepared)).predictions)


def spread(values: Sequence[float]) -> Mapping[str, float | None]:
    """Compute mean and standard deviation of the scores of several seeds; none of a single one."""
    tensor = torch.tensor(list(values), dtype=torch.float64)
    return {"mean": float(tensor.mean()), "std": float(tensor.std()) if len(values) > 1 else None}
