"""What a model is scored on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monoglot.device import check_name
from monoglot.errors import SettingError
from monoglot.evaluation.settings import LanguageSettings, WindowTokens
from monoglot.options import (
    Count,
    EvaluationOption,
    ModelOption,
    PositiveShare,
    RunOption,
    TextOption,
    check_types,
)
from monoglot.settings.run import check_threads, cores

FIRST_SEED = 42


@dataclass(frozen=True)
class EvaluateSettings:
    """Settings of `evaluate` on texts.

    Attributes:
        lines: Number of lines to score, from the beginning of the text.
        column: Column that holds the text, for formats with columns.
        parallel: Sentences and their English translations (JSON lines: src, eng), for the tokenizer's parity.
        window_tokens: The most tokens that the model reads at once; by default its limit, up to 1024.
        word_share: For masked models, the share of words to predict; each costs a forward pass. By default
            all.
        seed: Seed for the choice of these words.
        threads: Number of threads; by default the number of cores.
        device: Where to compute: ``cpu``, ``cuda``, ``cuda:1``, ``mps`` …; by default texts are scored on the
            CPU, and tasks are trained on an accelerator if there is one.
        trust_remote_code: Whether code that comes with the models may run.
    """

    lines: EvaluationOption[Count] = 200
    column: TextOption[str | None] = None
    parallel: TextOption[str | None] = None
    window_tokens: EvaluationOption[WindowTokens | None] = None
    word_share: EvaluationOption[PositiveShare | None] = None
    seed: RunOption[int] = 42
    threads: RunOption[int | None] = None
    device: RunOption[str | None] = None
    trust_remote_code: ModelOption[bool] = False

    def __post_init__(self) -> None:
        check_types(self)
        check_threads(self.threads)
        check_name(self.device)

    @property
    def n_threads(self) -> int:
        """Number of threads to use."""
        return self.threads or cores()

    @property
    def language(self) -> LanguageSettings:
        """The settings of bits per byte."""
        return LanguageSettings(self.window_tokens, self.word_share, self.seed)


@dataclass(frozen=True)
class TaskSettings:
    """Settings of `evaluate` on a task.

    Attributes:
        train: Training examples: a file, or a hub dataset.
        dev: Examples for choosing the best epoch.
        test: Examples to score on; several files (other languages) are scored separately.
        seeds: How many times to train: with the seeds 42, 43 …, each with another initial head and order.
        prefix: For sentence vectors: text before each sentence, such as ``query: ``; by default what the
            model's folder says, or that of the other model.
    """

    train: str | None = None
    dev: str | None = None
    test: tuple[str, ...] = ()
    seeds: Count = 5
    prefix: str | None = None

    def __post_init__(self) -> None:
        check_types(self)
        if (self.train is None) != (self.dev is None):
            raise SettingError("fine-tuning needs both --train and --dev; give both, or neither")


def check_choice(
    text: Sequence[str], retention: Sequence[str], task: str | None, data: TaskSettings | None
) -> None:
    """Check that either a text or a task is named, with what belongs to it.

    Raises:
        SettingError: If not.
    """
    if task is None and data is not None:
        raise SettingError("got data of a task, but no --task; say which, such as --task ner")
    if task is None and not text:
        raise SettingError("got neither a text nor a --task to score the model on; give one of them")
    if task is not None and (text or retention):
        raise SettingError(f"got both text and the task '{task}'; score a model on one of them at a time")
    if task is not None and (data is None or not data.test):
        raise SettingError("a task is scored on test data, got none; give some with --test")


def check_way(task: str, is_trained: bool, can_be_trained: bool, can_be_untrained: bool) -> None:
    """Check that a task is scored in a way that it can be.

    Args:
        task: Its name.
        is_trained: Whether there are data to train with.
        can_be_trained: Whether a model can be fine-tuned for it.
        can_be_untrained: Whether sentence vectors can be scored on it as they are.

    Raises:
        SettingError: If not.
    """
    if is_trained and not can_be_trained:
        raise SettingError(
            f"the task '{task}' takes sentence vectors as they are; leave out --train and --dev"
        )
    if not is_trained and not can_be_untrained:
        raise SettingError(f"the task '{task}' needs fine-tuning; give --train and --dev")
