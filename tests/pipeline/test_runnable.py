"""Models that want more than text are found out in the first second."""

from __future__ import annotations

import pytest
from transformers import (
    FunnelConfig,
    FunnelModel,
    GPT2Config,
    GPT2Model,
    XLNetConfig,
    XLNetModel,
    XmodConfig,
    XmodForMaskedLM,
)

from monoglot.errors import ModelError
from monoglot.maths.mixture import Mixture
from monoglot.pipeline.adapt import adapt
from monoglot.pipeline.compare.run import compare
from monoglot.pipeline.evaluate import evaluate
from monoglot.pipeline.specialize import specialize
from monoglot.run.layout import LAYOUT
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


HEADLESS = {
    "funnel": lambda size: FunnelModel(
        FunnelConfig(vocab_size=size, block_sizes=[1, 1, 1], d_model=16, n_head=2, d_head=8, d_inner=16)
    ),
    "xlnet": lambda size: XLNetModel(
        XLNetConfig(vocab_size=size, d_model=16, n_layer=4, n_head=2, d_inner=16)
    ),
    "gpt2": lambda size: GPT2Model(GPT2Config(vocab_size=size, n_embd=16, n_layer=2, n_head=2)),
}


@pytest.fixture(params=HEADLESS)
def headless(request, source_tokenizers, tmp_path):
    tokenizer = source_tokenizers["unigram"]
    HEADLESS[request.param](len(tokenizer)).save_pretrained(tmp_path / request.param)
    tokenizer.save_pretrained(tmp_path / request.param)
    return tmp_path / request.param


def test_models_that_can_not_be_read_are_blended(headless, tmp_path, caplog):
    """Funnel pools between its layers, which is said; regression was not measured for decoders."""
    settings = Settings(mode="graft", new_tokens=50, threads=1, accept_difference=True)
    specialize(headless, DATA / "de.txt", tmp_path / "out", settings)
    assert Mixture.load(tmp_path / "out" / "monoglot" / LAYOUT.mixture).correction is None
    assert ("new rows are blended and not predicted: " in caplog.text) == (headless.name == "funnel")


def test_a_method_that_can_not_read_the_model_is_refused_before_any_work(xmod, tmp_path):
    settings = Settings(mode="replace", method="regression", threads=1)
    with pytest.raises(
        ModelError, match=r"--method regression reads the model, and that fails \(.*--method blend"
    ):
        specialize(xmod, DATA / "de.txt", tmp_path / "out", settings)
    assert not (tmp_path / "out.partial").exists()
