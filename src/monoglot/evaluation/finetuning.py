"""Fine-tuning a model for a task, with transformers' heads and trainer."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.errors import ModelError
from monoglot.evaluation.limits import longest_input_tokens
from monoglot.evaluation.records import Split
from monoglot.evaluation.settings import FineTuning
from monoglot.evaluation.task import Prepared, TrainedTask
from monoglot.model.folder import load_config
from monoglot.model.quiet import quiet_transformers
from monoglot.model.satellites import transformer_folder
from monoglot.progress import SILENT, Advance, Progress
from monoglot.training.precision import uses_bf16


@dataclass(frozen=True)
class TunedScores:
    """What one run of fine-tuning gave.

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
    train: Split,
    dev: Split,
    tests: Sequence[Split],
    settings: FineTuning,
    seed: int,
    *,
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
        progress: Where to show how far it is.

    Raises:
        ModelError: If transformers has no such head for the model.
        CorpusError: If labels or examples are broken.
    """
    labels = task.labels(train)
    # The trainer seeds the global generators; torch's is put back afterwards.
    with torch.random.fork_rng(), tempfile.TemporaryDirectory(prefix="monoglot-") as scratch:
        torch.manual_seed(seed)
        model = load_with_head(folder, task.head, labels, tokenizer)
        longest = min(settings.longest_tokens, longest_input_tokens(model, tokenizer))
        prepared = [task.prepare(split, tokenizer, labels, longest) for split in (train, dev, *tests)]
        epochs = settings.epochs or task.epochs
        with quiet_transformers(), _bar(progress, prepared[0], epochs, settings) as advance:
            trainer = _trainer(model, tokenizer, task, prepared, settings, epochs, seed, scratch, advance)
            trainer.train()
        scores = [_judged(trainer, task, one) for one in prepared[1:]]
        best = trainer.state.best_global_step or trainer.state.global_step
        epoch = best / max(1, trainer.state.global_step) * epochs
    names = [test.name for test in tests]
    return TunedScores(seed, round(epoch, 2), scores[0], dict(zip(names, scores[1:], strict=True)))


def load_with_head(
    folder: Path, head: str, labels: Sequence[str], tokenizer: PreTrainedTokenizerFast
) -> PreTrainedModel:
    """Load a model under a new head, in float32.

    Raises:
        ModelError: If transformers has no such head for it.
    """
    folder = transformer_folder(folder)
    config = load_config(folder)
    auto_class = getattr(transformers, head)
    if type(config) not in auto_class._model_mapping:
        raise ModelError(
            f"transformers has no {head.removeprefix('AutoModelFor')} head for models of type "
            f"'{config.model_type}', which the task needs: choose another model or task."
        )
    if labels:
        config.num_labels = len(labels)
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: i for i, label in enumerate(labels)}
    if config.get_text_config().pad_token_id is None:  # decoders find the last token by it
        config.get_text_config().pad_token_id = tokenizer.pad_token_id
    with quiet_transformers():
        model: PreTrainedModel = auto_class.from_pretrained(
            folder, config=config, dtype=torch.float32, use_safetensors=True, local_files_only=True
        )
    return model


class _Examples(torch.utils.data.Dataset[dict[str, Any]]):
    """Features as the trainer wants them."""

    def __init__(self, prepared: Prepared) -> None:
        self.features = prepared.features

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.features[index]


class _Steps(transformers.TrainerCallback):
    """Tells how far the training is."""

    def __init__(self, advance: Advance) -> None:
        self.advance = advance

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """One step more."""
        self.advance(1)


def _trainer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    task: TrainedTask,
    prepared: Sequence[Prepared],
    settings: FineTuning,
    epochs: int,
    seed: int,
    scratch: str,
    advance: Advance,
) -> transformers.Trainer:
    arguments = transformers.TrainingArguments(
        output_dir=scratch,
        num_train_epochs=epochs,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=2 * settings.batch_size,
        learning_rate=settings.learning_rate,
        # The single number of a regression would be rounded to eight bits, and few examples told apart.
        bf16=int(model.config.num_labels or 2) > 1 and uses_bf16(settings.precision),
        use_cpu=not torch.accelerator.is_available(),
        warmup_steps=0.1,  # a share
        weight_decay=0.01,
        # Not by length: the trainer would sort evaluation data too, and give outputs in that order.
        train_sampling_strategy="random",
        eval_strategy="epoch",
        save_strategy="best",
        save_total_limit=1,
        save_only_model=True,
        load_best_model_at_end=True,
        metric_for_best_model=task.metric,
        seed=seed,
        report_to="none",
        disable_tqdm=True,
        logging_strategy="no",
        dataloader_pin_memory=False,
    )
    token_labels = task.head == "AutoModelForTokenClassification"
    collators = transformers.DataCollatorForTokenClassification, transformers.DataCollatorWithPadding
    dev = prepared[1]
    trainer = transformers.Trainer(
        model=model,
        args=arguments,
        train_dataset=_Examples(prepared[0]),
        eval_dataset=_Examples(dev),
        data_collator=collators[0 if token_labels else 1](tokenizer),
        compute_metrics=lambda found: _scores(task, dev, found.predictions),
        callbacks=[_Steps(advance)],
    )
    trainer.remove_callback(transformers.PrinterCallback)
    return trainer


def _scores(task: TrainedTask, prepared: Prepared, outputs: Any) -> dict[str, float]:
    """Scores of what a model gives; encoder-decoders give more than their answer, which comes first."""
    has_two_answers = task.head == "AutoModelForQuestionAnswering"
    return prepared.score(outputs[0] if isinstance(outputs, tuple) and not has_two_answers else outputs)


def _judged(trainer: transformers.Trainer, task: TrainedTask, prepared: Prepared) -> dict[str, float]:
    """Scores of the trained model."""
    trainer.compute_metrics = None
    return _scores(task, prepared, trainer.predict(_Examples(prepared)).predictions)


def _bar(
    progress: Progress, prepared: Prepared, epochs: int, settings: FineTuning
) -> AbstractContextManager[Advance]:
    steps = -(-len(prepared.features) // settings.batch_size) * epochs
    return progress.task("Fine-tuning", steps)


def spread(values: Sequence[float]) -> Mapping[str, float | None]:
    """Compute mean and standard deviation of the scores of several seeds; none of a single one."""
    tensor = torch.tensor(list(values), dtype=torch.float64)
    return {"mean": float(tensor.mean()), "std": float(tensor.std()) if len(values) > 1 else None}
