"""A small multilingual model and text that come with monoglot, for trying things without a network.

The model is a masked language model of XLM-R's architecture over nine languages, pretrained by
`experiments/pretrain_demo.py`; its README.md says on what, and how good it is.
"""

from __future__ import annotations

from pathlib import Path

from monoglot.errors import SettingError, did_you_mean

LANGUAGES = {"de": "German", "sw": "Swahili"}
"""Languages that text is there for."""
_HOME = Path(__file__).parent


def model_path() -> Path:
    """The folder of the demo model, as any other that `specialize` and transformers take."""
    return _HOME / "monoglot-demo"


def sample_path(language: str = "de") -> Path:
    """A file with text of a language: 1.5 MB of German, 0.5 MB of Swahili.

    Raises:
        SettingError: If there is no text of this language.
    """
    return _HOME / "samples" / f"{_known(language)}.txt.gz"


def heldout_path(language: str = "de") -> Path:
    """A file with lines of a language that the demo model has not seen, one per line.

    Raises:
        SettingError: If there is no text of this language.
    """
    return _HOME / "samples" / f"{_known(language)}.heldout.txt"


def _known(language: str) -> str:
    if language not in LANGUAGES:
        raise SettingError(
            f"no demo for language '{language}' (for text of yours there is `monoglot specialize`): "
            f"{did_you_mean(language, LANGUAGES)}"
        )
    return language
