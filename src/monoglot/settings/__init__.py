"""What users may set: one typed dataclass for each command, over the settings that all runs share."""

from monoglot.settings.adapt import AdaptSettings
from monoglot.settings.compare import CompareSettings
from monoglot.settings.evaluate import FIRST_SEED, EvaluateSettings, TaskSettings, check_choice
from monoglot.settings.run import RunSettings
from monoglot.settings.specialize import AUTO, MODE, Settings

__all__ = [
    "AUTO",
    "FIRST_SEED",
    "MODE",
    "AdaptSettings",
    "CompareSettings",
    "EvaluateSettings",
    "RunSettings",
    "Settings",
    "TaskSettings",
    "check_choice",
]
