"""Give any Hugging Face transformer a vocabulary made for your language.

Names are imported when they are first used, so that ``import monoglot`` takes no time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from monoglot.initialization.initialize import Initializer, initialize
    from monoglot.initialization.methods.focus import focus
    from monoglot.initialization.registry import get_method, method_names, register
    from monoglot.initialization.transfer import Transfer
    from monoglot.maths.mixture import Mixture, Provenance
    from monoglot.model.transplant import transplant
    from monoglot.pipeline.adapt import Adapted, adapt
    from monoglot.pipeline.compare.result import Comparison
    from monoglot.pipeline.compare.run import compare
    from monoglot.pipeline.specialize import specialize
    from monoglot.reporting.summary import Summary
    from monoglot.settings import AdaptSettings, CompareSettings, Settings
    from monoglot.tokenization.overlap import Overlap, match
    from monoglot.tokenization.vocabulary import Vocabulary
    from monoglot.training.schedule import TrainingSettings
    from monoglot.vectors.engine import TokenVectors

__version__ = "0.1.0"

_HOMES = {
    "initialization.initialize": ("Initializer", "initialize"),
    "initialization.methods.focus": ("focus",),
    "initialization.registry": ("get_method", "method_names", "register"),
    "initialization.transfer": ("Transfer",),
    "maths.mixture": ("Mixture", "Provenance"),
    "model.transplant": ("transplant",),
    "pipeline.adapt": ("Adapted", "adapt"),
    "pipeline.compare.result": ("Comparison",),
    "pipeline.compare.run": ("compare",),
    "pipeline.specialize": ("specialize",),
    "report.summary": ("Summary",),
    "settings": ("AdaptSettings", "CompareSettings", "Settings"),
    "tokenization.overlap": ("Overlap", "match"),
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
    "Initializer",
    "Mixture",
    "Overlap",
    "Provenance",
    "Settings",
    "Summary",
    "TokenVectors",
    "TrainingSettings",
    "Transfer",
    "Vocabulary",
    "__version__",
    "adapt",
    "compare",
    "focus",
    "get_method",
    "initialize",
    "match",
    "method_names",
    "register",
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
