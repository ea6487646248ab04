"""Give any Hugging Face transformer a vocabulary made for your language.

Names are imported when they are first used, so that ``import monoglot`` takes no time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from monoglot.errors import (
        CorpusError,
        InputError,
        Interrupted,
        ModelError,
        MonoglotError,
        OutputError,
        SettingError,
        TokenizerError,
        TrainingError,
        UnknownTokenError,
        VectorsError,
    )
    from monoglot.evaluation.settings import FineTuning
    from monoglot.initialization.initialize import Initializer, initialize
    from monoglot.initialization.methods.focus import focus
    from monoglot.initialization.registry import get_method, method_names, register
    from monoglot.initialization.transfer import Transfer
    from monoglot.maths.mixture import Mixture, Provenance
    from monoglot.model.transplant import transplant
    from monoglot.pipeline.adapt import Adapted, adapt
    from monoglot.pipeline.compare.result import Comparison
    from monoglot.pipeline.compare.run import compare
    from monoglot.pipeline.evaluate import Evaluation, evaluate
    from monoglot.pipeline.evaluate_task import TaskEvaluation
    from monoglot.pipeline.overlap_audit import OverlapAnalysis, overlap
    from monoglot.pipeline.plan import Plan, plan
    from monoglot.pipeline.push import Pushed, push
    from monoglot.pipeline.report import Report, report
    from monoglot.pipeline.specialize import specialize
    from monoglot.pipeline.vocabulary_audit import VocabularyAudit, audit
    from monoglot.progress import Progress, Terminal
    from monoglot.reporting.explain import Explanation, explain
    from monoglot.reporting.summary import ModelFigures, Summary
    from monoglot.result import Result
    from monoglot.settings import AdaptSettings, CompareSettings, EvaluateSettings, Settings, TaskSettings
    from monoglot.tokenization.overlap import Overlap, match
    from monoglot.tokenization.vocabulary import Vocabulary
    from monoglot.training.schedule import TrainingSettings
    from monoglot.vectors.engine import TokenVectors

__version__ = "0.1.0"

_HOMES = {
    "errors": (
        "CorpusError",
        "InputError",
        "Interrupted",
        "ModelError",
        "MonoglotError",
        "OutputError",
        "SettingError",
        "TokenizerError",
        "TrainingError",
        "UnknownTokenError",
        "VectorsError",
    ),
    "evaluation.settings": ("FineTuning",),
    "initialization.initialize": (
        "Initializer",
        "initialize",
    ),
    "initialization.methods.focus": ("focus",),
    "initialization.registry": (
        "get_method",
        "method_names",
        "register",
    ),
    "initialization.transfer": ("Transfer",),
    "maths.mixture": (
        "Mixture",
        "Provenance",
    ),
    "model.transplant": ("transplant",),
    "pipeline.adapt": (
        "Adapted",
        "adapt",
    ),
    "pipeline.compare.result": ("Comparison",),
    "pipeline.compare.run": ("compare",),
    "pipeline.evaluate": (
        "Evaluation",
        "evaluate",
    ),
    "pipeline.evaluate_task": ("TaskEvaluation",),
    "pipeline.overlap_audit": (
        "OverlapAnalysis",
        "overlap",
    ),
    "pipeline.plan": (
        "Plan",
        "plan",
    ),
    "pipeline.push": (
        "Pushed",
        "push",
    ),
    "pipeline.report": (
        "Report",
        "report",
    ),
    "pipeline.specialize": ("specialize",),
    "pipeline.vocabulary_audit": (
        "VocabularyAudit",
        "audit",
    ),
    "progress": (
        "Progress",
        "Terminal",
    ),
    "reporting.explain": (
        "Explanation",
        "explain",
    ),
    "reporting.summary": (
        "ModelFigures",
        "Summary",
    ),
    "result": ("Result",),
    "settings": (
        "AdaptSettings",
        "CompareSettings",
        "EvaluateSettings",
        "Settings",
        "TaskSettings",
    ),
    "tokenization.overlap": (
        "Overlap",
        "match",
    ),
    "tokenization.vocabulary": ("Vocabulary",),
    "training.schedule": ("TrainingSettings",),
    "vectors.engine": ("TokenVectors",),
}
_home_of = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AdaptSettings",
    "Adapted",
    "CompareSettings",
    "Comparison",
    "CorpusError",
    "EvaluateSettings",
    "Evaluation",
    "Explanation",
    "FineTuning",
    "Initializer",
    "InputError",
    "Interrupted",
    "Mixture",
    "ModelError",
    "ModelFigures",
    "MonoglotError",
    "OutputError",
    "Overlap",
    "OverlapAnalysis",
    "Plan",
    "Progress",
    "Provenance",
    "Pushed",
    "Report",
    "Result",
    "SettingError",
    "Settings",
    "Summary",
    "TaskEvaluation",
    "TaskSettings",
    "Terminal",
    "TokenVectors",
    "TokenizerError",
    "TrainingError",
    "TrainingSettings",
    "Transfer",
    "UnknownTokenError",
    "VectorsError",
    "Vocabulary",
    "VocabularyAudit",
    "__version__",
    "adapt",
    "audit",
    "compare",
    "evaluate",
    "explain",
    "focus",
    "get_method",
    "initialize",
    "match",
    "method_names",
    "overlap",
    "plan",
    "push",
    "register",
    "report",
    "specialize",
    "transplant",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _home_of:
        raise AttributeError(f"module 'monoglot' has no attribute {name!r}")
    return getattr(import_module(f"monoglot.{_home_of[name]}"), name)


def __dir__() -> list[str]:
    return __all__
