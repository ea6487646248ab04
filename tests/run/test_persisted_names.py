"""The names under which dataclasses enter content keys: run folders of earlier versions are found by them.

A class that is renamed keeps its name here by ``persisted_name``.
"""

from monoglot.initialization.registry import METHODS
from monoglot.run.hashing import canonical
from monoglot.run.stage import StageKey
from monoglot.settings import AdaptSettings, CompareSettings, Settings
from monoglot.tokenization.extend import ExtendSettings
from monoglot.tokenization.selection import RetainedText
from monoglot.tokenization.train import TokenizerSettings
from monoglot.tokenization.trim import TrimSettings
from monoglot.training.schedule import TrainingSettings
from monoglot.vectors.registry import ENGINES

METHOD_NAMES = {
    "alignment": "Alignment", "blend": "Blend", "clp": "Clp", "focus": "Focus",
    "focus-reference": "FocusReference", "mean": "Mean", "ofa": "Ofa", "omp": "Omp", "random": "Random",
    "regression": "Regression",
    "script": "Script", "subword": "Subword", "wechsel": "Wechsel", "zero": "Zero",
}  # fmt: skip
ENGINE_NAMES = {
    "characters": "Characters", "contextual": "Contextual", "cooccurrence": "Cooccurrence",
    "fasttext": "FastText", "fasttext-skipgram": "FastTextSkipGram", "model": "HelperModel", "words": "Words",
}  # fmt: skip


def persisted(cls: type) -> str:
    return getattr(cls, "persisted_name", cls.__name__)


def test_methods_and_engines():
    assert {name: persisted(METHODS[name]) for name in METHODS} == METHOD_NAMES
    assert {name: persisted(ENGINES[name]) for name in ENGINES} == ENGINE_NAMES


def test_settings():
    names = [
        next(iter(canonical(one)))
        for one in (
            Settings(), AdaptSettings(), CompareSettings(), TrainingSettings(), TokenizerSettings(100),
            ExtendSettings(10), TrimSettings(), RetainedText(),
        )
    ]  # fmt: skip
    assert names == [
        "Settings", "AdaptSettings", "CompareSettings", "TrainingSettings", "TokenizerSettings",
        "ExtendSettings", "TrimSettings", "KeptText",
    ]  # fmt: skip


def test_fields_stand_in_the_order_in_which_they_were_first_written():
    fields = list(canonical(Settings())["Settings"])
    assert fields[:2] == ["mode", "vocabulary_size"]
    assert fields[-6:] == ["column", "heldout", "seed", "threads", "device", "trust_remote_code"]


def test_the_key_of_a_stage():
    digest = StageKey("corpus", 2, {"a": 1}, {"corpus": "ab"}).digest
    assert digest == "53b336a700d78c6fab1a86fc055be5596128bc0223404f1d9d8eb3cf9bc79dde"
