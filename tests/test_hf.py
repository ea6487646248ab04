"""Do the private names of other libraries still exist, and does only `monoglot._hf` use them?

Run this file after an upgrade of transformers, tokenizers, accelerate, peft or torch, before the caps in
pyproject.toml are raised.
"""

from __future__ import annotations

import ast
import logging
from importlib.metadata import version
from pathlib import Path

import fasttext_pybind
import pytest
import torch
import transformers
from transformers import AutoConfig, AutoModelForTokenClassification, BertConfig, BertForMaskedLM

import monoglot
from monoglot import _hf

SOURCE = Path(monoglot.__file__).parent
OWN = ("self", "cls", "super", "run", "other")
"""Objects of our own classes, whose private names are ours."""


@pytest.fixture
def canary(request):
    """Calls a function of `monoglot._hf`; where a name has vanished, the failure says which to mend."""

    def call(function, library, work):
        try:
            return work()
        except (ImportError, AttributeError, TypeError, KeyError) as error:
            pytest.fail(
                f"{library} {version(library)} moved a name that monoglot._hf.{function.__name__} uses "
                f"({type(error).__name__}: {error}): mend that function, or cap {library} in pyproject.toml"
            )

    return call


@pytest.fixture
def bert():
    config = BertConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
    )
    return BertForMaskedLM(config)


def test_a_vanished_name_is_reported_in_one_sentence(canary):
    def gone():
        raise AttributeError("module has no attribute '_x'")

    with pytest.raises(pytest.fail.Exception, match=r"torch \S+ moved a name that monoglot._hf.is_sharded"):
        canary(_hf.is_sharded, "torch", gone)


def test_quiet_transformers(canary):
    def work():
        with _hf.quiet_transformers():
            return transformers.utils.logging.get_verbosity()

    before = transformers.utils.logging.get_verbosity()
    assert canary(_hf.quiet_transformers, "transformers", work) == logging.ERROR
    assert transformers.utils.logging.get_verbosity() == before


def test_on_meta_device(canary, bert):
    def work():
        with _hf.on_meta_device():
            return BertForMaskedLM(bert.config)

    model = canary(_hf.on_meta_device, "transformers", work)
    assert {parameter.device.type for parameter in model.parameters()} == {"meta"}


def test_attention_of(canary, bert):
    bert.set_attn_implementation("eager")
    assert canary(_hf.attention_of, "transformers", lambda: _hf.attention_of(bert)) == "eager"
    bert.set_attn_implementation("sdpa")
    assert _hf.attention_of(bert) == "sdpa"


def test_undivided_modules(canary, bert):
    found = canary(_hf.undivided_modules, "transformers", lambda: _hf.undivided_modules(bert))
    assert found
    classes = {type(module).__name__ for module in bert.modules()}
    assert set(found) & classes


def test_leave_out_when_saved(canary):
    module = torch.nn.Linear(1, 1)
    _hf.leave_out_when_saved(module, ["weight"])
    trainer = (Path(transformers.__file__).parent / "trainer.py").read_text(encoding="utf-8")
    (name,) = [name for name, value in vars(module).items() if value == ["weight"]]
    assert name in trainer, f"transformers {version('transformers')} no longer looks for {name}: see _hf"


def test_draw_again(canary, bert):
    layer = bert.bert.encoder.layer[0].output.dense
    with torch.no_grad():
        layer.weight.fill_(7.0)
    layer.weight._is_hf_initialized = True
    canary(_hf.draw_again, "transformers", lambda: _hf.draw_again(bert, layer))
    assert not (layer.weight == 7.0).any()


def test_has_class_for(canary, bert):
    def work():
        return [_hf.has_class_for(AutoModelForTokenClassification, c) for c in (bert.config, T5)]

    T5 = AutoConfig.for_model("whisper")
    assert canary(_hf.has_class_for, "transformers", work) == [True, False]


def test_classes_for(canary, bert):
    names = {
        one.__name__
        for one in canary(
            _hf.classes_for,
            "transformers",
            lambda: _hf.classes_for(bert.config, ["MASKED_LM", "PRETRAINING"]),
        )
    }
    assert names == {"BertModel", "BertForMaskedLM", "BertForPreTraining"}


@pytest.mark.parametrize(
    ("kind", "name"), [("MASKED_LM", "BertForMaskedLM"), ("CAUSAL_LM", "GPT2LMHeadModel")]
)
def test_language_model_classes(canary, kind, name):
    found = canary(_hf.language_model_classes, "transformers", lambda: _hf.language_model_classes(kind))
    assert name in found
    assert all(isinstance(one, str) for one in found)


def test_class_from_code(canary, tmp_path):
    (tmp_path / "own_code.py").write_text("class Own:\n    size = 3\n", encoding="utf-8")
    found = canary(_hf.class_from_code, "transformers", lambda: _hf.class_from_code("own_code.Own", tmp_path))
    assert found.size == 3


def test_loaded_name(canary, bert):
    name_of = canary(_hf.loaded_name, "transformers", lambda: _hf.loaded_name(bert))
    name = "bert.embeddings.word_embeddings.weight"
    assert canary(_hf.loaded_name, "transformers", lambda: name_of(name)) == name
    assert name_of("embeddings.word_embeddings.weight") in (name, "embeddings.word_embeddings.weight")


def test_named_special_tokens(canary, source_tokenizers):
    for tokenizer in source_tokenizers.values():
        found = canary(
            _hf.named_special_tokens,
            "transformers",
            lambda tokenizer=tokenizer: _hf.named_special_tokens(tokenizer),
        )
        named = {role: text for role, text in tokenizer.special_tokens_map.items() if isinstance(text, str)}
        assert {role: str(token) for role, token in found.items()} == named


def test_tokenizer_classes(canary):
    name = canary(_hf.tokenizer_class_name, "transformers", lambda: _hf.tokenizer_class_name("bert"))
    assert name
    assert canary(_hf.tokenizer_class, "transformers", lambda: _hf.tokenizer_class(name)) is not None
    assert _hf.tokenizer_class("NoSuchTokenizer") is None
    assert _hf.tokenizer_class_name("no-such-model") is None


def test_processes(canary, monkeypatch):
    assert canary(_hf.has_process_group, "accelerate", _hf.has_process_group) in (True, False)
    monkeypatch.delenv("ACCELERATE_USE_FSDP", raising=False)
    assert canary(_hf.is_sharded, "accelerate", _hf.is_sharded) is False
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    assert _hf.is_sharded()


def test_processor_has_bf16(canary):
    assert canary(_hf.processor_has_bf16, "torch", _hf.processor_has_bf16) in (True, False)


def test_fasttext():
    names = ("args", "model_name", "loss_name", "fasttext", "train", "Vector")
    gone = [name for name in names if not hasattr(fasttext_pybind, name)]
    assert not gone, f"fasttext-community {version('fasttext-community')} has no {gone[0]}: see vectors/"


def test_every_function_has_a_canary():
    names = {node.name for node in ast.parse(Path(_hf.__file__).read_text()).body if hasattr(node, "name")}
    used = {
        node.attr
        for node in ast.walk(ast.parse(Path(__file__).read_text()))
        if isinstance(node, ast.Attribute)
    }
    assert names <= used, f"no test calls {sorted(names - used)}"


def private_names(text: str) -> list[str]:
    """Underscored names that a file takes from others: imports, and attributes of what is not its own."""
    tree = ast.parse(text)
    own = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and _is_own(node.value)}
    own |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    own |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            parts = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            found += [part for part in parts if _is_private(part) and part != "_hf"]
        elif isinstance(node, ast.Attribute) and _is_private(node.attr) and not _is_own(node.value):
            found += [node.attr] if node.attr not in own else []
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("getattr", "setattr", "hasattr"):
            names = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            found += [name for name in names if isinstance(name, str) and _is_private(name)]
    return found


def _is_private(name: str) -> bool:
    return (
        name.startswith("_") and not name.startswith("__") and name not in ("_asdict", "_replace", "_fields")
    )


def _is_own(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in OWN


def test_private_names_are_found():
    text = "from a._b import c\nfrom d import _e\nx._f\nself._g\ngetattr(y, '_h', None)\n_mine = 1\n"
    assert private_names(text) == ["_b", "_e", "_f", "_h"]


def test_no_other_file_uses_private_names():
    found = {
        str(path.relative_to(SOURCE)): names
        for path in sorted(SOURCE.rglob("*.py"))
        if path.name != "_hf.py" and (names := private_names(path.read_text(encoding="utf-8")))
    }
    assert not found
