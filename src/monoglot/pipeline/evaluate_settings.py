"""What `evaluate` is told; light to import, for the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monoglot.errors import SettingError
from monoglot.evaluation.settings import LanguageSettings
from monoglot.options import check_types

FIRST_SEED = 42


@dataclass(frozen=True)
class EvaluateSettings:
    """What of a text is scored, and how.

    Attributes:
        lines: Score so many lines from its beginning; more cost more time and say more.
        column: Column of the text, in a format that has columns.
        parallel: Sentences and their English translations (JSON lines: src, eng), for the tokenizer's parity.
        window_tokens: The most tokens that the model reads at once; by default what it can, up to 1024.
        word_share: For masked models, the share of words to ask for; each costs a pass. By default all.
        seed: Which words these are.
        trust_remote_code: Whether code that comes with the models may run.
    """

    lines: int = 200
    column: str | None = None
    parallel: str | None = None
    window_tokens: int | None = None
    word_share: float | None = None
    seed: int = 42
    trust_remote_code: bool = False

    def __post_init__(self) -> None:
        check_types(self)
        if self.lines < 1:
            raise SettingError(f"--lines {self.lines} is too small: give 1 or more")
        _ = self.language  # refuses what is out of range

    @property
    def language(self) -> LanguageSettings:
        """The settings of bits per byte."""
        return LanguageSettings(self.window_tokens, self.word_share, self.seed)


@dataclass(frozen=True)
class TaskSettings:
    """How a task is run.

    Attributes:
        train: Examples to learn from: a file, or a hub data set.
        dev: Examples to choose the epoch by.
        test: Examples to be judged by; several files (other languages) are each judged on their own.
        seeds: How many times to train: with the seeds 42, 43 …, so with other heads and another order.
        prefix: For sentence vectors: put before each sentence, such as ``query: ``; by default what the
            model's folder says.
    """

    train: str | None = None
    dev: str | None = None
    test: tuple[str, ...] = ()
    seeds: int = 5
    prefix: str | None = None

    def __post_init__(self) -> None:
        check_types(self)
        if (self.train is None) != (self.dev is None):
            raise SettingError("fine-tuning needs both --train and --dev; give both, or neither")
        if self.seeds < 1:
            raise SettingError(f"seeds must be at least 1, was: {self.seeds}")


def check_choice(
    text: Sequence[str], retention: Sequence[str], task: str | None, data: TaskSettings | None
) -> None:
    """Check that either a text or a task is given, and what belongs to it.

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
        raise SettingError("a task is judged on test data, got none; give some with --test")
