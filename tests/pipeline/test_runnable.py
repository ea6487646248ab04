"""Models that want more than text are found out in the first second."""

from __future__ import annotations

import pytest
from transformers import XmodConfig, XmodForMaskedLM

from monoglot.errors import ModelError
from monoglot.pipeline.adapt import adapt
from monoglot.pipeline.compare.run import compare
from monoglot.pipeline.evaluate import evaluate
from monoglot.pipeline.specialize import specialize
from monoglot.settings import Settings
from tests.fixtures.models import ENCODER
from tests.fixtures.tokenizers import DATA
from tests.pipeline.test_layouts import whisper


@pytest.fixture
def xmod(source_tokenizers, tmp_path):
    """X-MOD, which wants to be told the language of a text."""
    tokenizer = source_tokenizers["unigram"]
    ids = {f"{role}_token_id": getattr(tokenizer, f"{role}_token_id") for role in ("bos", "eos", "pad")}
    config = XmodConfig(vocab_size=len(tokenizer), **ENCODER, languages=["en_XX", "de_DE"], **ids)
    folder = tmp_path / "xmod"
    XmodForMaskedLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


COMMANDS = {
    "trim": lambda source, out: specialize(source, DATA / "de.txt", out, Settings(mode="trim")),
    "extend": lambda source, out: specialize(source, DATA / "de.txt", out, Settings(mode="extend")),
    "specialize and adapt": lambda source, out: specialize(
        source, DATA / "de.txt", out, Settings(adapt_tokens=10_000)
    ),
    "adapt": lambda source, out: adapt(source, DATA / "de.txt", out),
    "compare": lambda source, out: compare(source, DATA / "de.txt", out),
    "evaluate": lambda source, out: evaluate(str(source), DATA / "de.txt"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_model_that_wants_more_than_text_is_found_out_before_any_work(xmod, tmp_path, command):
    with pytest.raises(ModelError, match=r"XmodForMaskedLM can't be run on text \(.*set_default_language"):
        COMMANDS[command](xmod, tmp_path / "out")
    assert not (tmp_path / "out.partial").exists()


def test_it_can_be_trimmed_uncompared(xmod, tmp_path):
    settings = Settings(mode="trim", threads=1, accept_difference=True)
    found = specialize(xmod, DATA / "de.txt", tmp_path / "out", settings)
    assert "can't be run on text" in found.proof["fault"]
    assert not any(found.proof["compared"].values())


@pytest.mark.parametrize("command", ["specialize and adapt", "adapt", "compare"])
def test_a_model_that_hears_is_not_trained_on_text(source_tokenizers, tmp_path, command):
    source = whisper(tmp_path / "whisper", source_tokenizers)
    with pytest.raises(
        ModelError, match="WhisperForConditionalGeneration needs input_features in addition to text"
    ):
        COMMANDS[command](source, tmp_path / "out")
    assert not (tmp_path / "out.partial").exists()
