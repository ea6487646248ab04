"""What the user may ask of `adapt`, besides how to train."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from monoglot.options import check_types
from monoglot.pipeline.settings import Settings


@dataclass(frozen=True)
class AdaptSettings:
    """Settings of `adapt`; `TrainingSettings` has those of the training itself.

    Attributes:
        objective: What to learn: ``mlm``, ``clm``, ``distill`` …; by default what the model was made for.
        objective_options: Settings of the objective, by the names of its fields.
        teacher: Folder or hub name of a model to match, for objectives that want one.
        attention: Implementation of attention, ``flash_attention_2`` say; by default transformers' choice.
        column: Column of the corpus that holds the text, where it has columns.
        heldout: Text to score with; by default about 1% of the corpus is set aside.
        seed: Seed of everything that is drawn.
        threads: How many threads to use; by default as many as there are cores. One thread is reproducible.
        trust_remote_code: Whether code that comes with the model may run.
    """

    objective: str | None = None
    objective_options: dict[str, Any] = field(default_factory=dict)
    teacher: str | None = None
    attention: str | None = None
    column: str | None = None
    heldout: str | None = None
    seed: int = 42
    threads: int | None = None
    trust_remote_code: bool = False

    def __post_init__(self) -> None:
        """Refuse values of another type than their field's.

        Raises:
            SettingError: If there is one.
        """
        check_types(self)

    def of_run(self) -> Settings:
        """The settings that `adapt` shares with `specialize`.

        Raises:
            SettingError: If a number is out of range.
        """
        names = ("column", "heldout", "seed", "threads", "trust_remote_code")
        return Settings(**{name: getattr(self, name) for name in names})
