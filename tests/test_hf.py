"""Do the private names of other libraries still exist, and does only `monoglot._hf` use them?

Run this file after an upgrade of transformers, tokenizers, accelerate, peft or torch, before the caps in
pyproject.toml are raised.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import logging
import re
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import transformers
from accelerate import PartialState
from packaging.requirements import Requirement
from transformers import (
    AutoConfig,
    AutoModelForTokenClassification,
    BertConfig,
    BertForMaskedLM,
    TrainingArguments,
)

import monoglot
from monoglot import _hf

SOURCE = Path(monoglot.__file__).parent


@pytest.fixture
def canary(request):
    """Calls a function of `monoglot._hf`; where a name has vanished, the failure says which to fix."""

    def call(function, library, work):
        try:
            return work()
        except (ImportError, AttributeError, TypeError, KeyError) as error:
            pytest.fail(
                f"{library} {version(library)} moved a name that monoglot._hf.{function.__name__} uses "
                f"({type(error).__name__}: {error}): fix that function, or cap {library} in pyproject.toml"
            )

    return call


def assert_mentioned(function, library, file, name):
    """Check that a library still has a name that `monoglot._hf` sets for it or reads as text."""
    text = (Path(find_spec(library).origin).parent / file).read_text(encoding="utf-8")
    assert name in text, (
        f"{library} {version(library)} no longer has {name} in {file}; monoglot._hf."
        f"{function.__name__} needs it: fix that function, or cap {library} in pyproject.toml"
    )


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


def test_keep_layers_whole(canary, bert):
    wrapper = torch.nn.Linear(1, 1)
    canary(_hf.keep_layers_whole, "transformers", lambda: _hf.keep_layers_whole(wrapper, bert))
    (name,) = vars(wrapper).keys() - vars(torch.nn.Linear(1, 1)).keys()
    assert set(getattr(wrapper, name)) & {type(module).__name__ for module in bert.modules()}
    assert_mentioned(_hf.keep_layers_whole, "accelerate", "utils/dataclasses.py", name)


def test_leave_out_when_saved(canary):
    module = torch.nn.Linear(1, 1)
    _hf.leave_out_when_saved(module, ["weight"])
    (name,) = [name for name, value in vars(module).items() if value == ["weight"]]
    assert_mentioned(_hf.leave_out_when_saved, "transformers", "trainer.py", name)


def test_reporting_callbacks(canary):
    def work():
        return _hf.reporting_callbacks("tensorboard")

    (callback,) = canary(_hf.reporting_callbacks, "transformers", work)
    assert callback.__name__ == "TensorBoardCallback"
    with pytest.raises(ValueError, match="nothing is not supported"):
        _hf.reporting_callbacks("nothing")


def test_recorder_names(canary):
    assert {"tensorboard", "wandb"} <= set(canary(_hf.recorder_names, "transformers", _hf.recorder_names))


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


def test_decoders_are_told_from_encoders(canary):
    types = ("gpt2", "llama", "gemma3_text", "bert", "xlm-roberta", "bart", "t5")
    found = canary(
        _hf.only_predicts_next, "transformers", lambda: [_hf.only_predicts_next(kind) for kind in types]
    )
    assert found == [True, True, True, False, False, False, False]


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


def test_sentencepiece_proto(canary):
    def work():
        proto = _hf.sentencepiece_proto()
        proto.pieces.add(piece="a", score=-1.0, type=1)
        for part, names in {
            "trainer_spec": ("model_type", "UNIGRAM", "unk_id", "bos_id", "eos_id", "pad_id"),
            "normalizer_spec": (
                "precompiled_charsmap",
                "remove_extra_whitespaces",
                "add_dummy_prefix",
                "escape_whitespaces",
            ),
        }.items():
            for name in names:
                getattr(getattr(proto, part), name)
        return proto.SerializeToString()

    assert canary(_hf.sentencepiece_proto, "sentencepiece", work)


def test_scheduler_is_made():
    trainer = SimpleNamespace()
    _hf.scheduler_is_made(trainer)
    (name,) = vars(trainer)
    assert_mentioned(_hf.scheduler_is_made, "transformers", "trainer.py", f"self.{name}")


def test_compute_on(canary):
    canary(_hf.compute_on, "accelerate", lambda: _hf.compute_on(torch.device("cpu")))
    assert PartialState().device == torch.device("cpu")


def test_train_on(canary, tmp_path):
    arguments = TrainingArguments(output_dir=str(tmp_path), use_cpu=True, per_device_train_batch_size=3)
    canary(_hf.train_on, "transformers", lambda: _hf.train_on(arguments, torch.device("meta")))
    assert arguments.device == torch.device("meta")
    assert (arguments.n_gpu, arguments.train_batch_size) == (1, 3)


def test_unwrapped_name():
    assert _hf.unwrapped_name("_orig_mod._fsdp_wrapped_module.layer._orig_mod.weight") == "layer.weight"
    assert_mentioned(
        _hf.unwrapped_name, "torch", "distributed/fsdp/_common_utils.py", '"_fsdp_wrapped_module"'
    )
    assert_mentioned(_hf.unwrapped_name, "torch", "_dynamo/eval_frame.py", '"_orig_mod"')


def test_fasttext_model(canary, tmp_path):
    text, library = tmp_path / "text.txt", "fasttext-community"
    text.write_text("one two three one two\n" * 20, encoding="utf-8")

    def train():
        return _hf.FastTextModel.train(
            text, "cbow", dim=4, epoch=1, minCount=1, ws=2, neg=1, lr=0.1, t=1.0, minn=2, maxn=3, bucket=10,
            seed=1, thread=1,
        )  # fmt: skip

    model = canary(_hf.FastTextModel, library, train)
    canary(_hf.FastTextModel, library, lambda: model.binding.saveModel(str(tmp_path / "model.bin")))
    loaded = canary(_hf.FastTextModel, library, lambda: _hf.FastTextModel.load(tmp_path / "model.bin"))
    assert canary(_hf.FastTextModel, library, lambda: loaded.dim) == 4
    assert canary(_hf.FastTextModel, library, lambda: loaded.words) == {"one", "two", "three", "</s>"}
    assert canary(_hf.FastTextModel, library, lambda: loaded.knows("one"))
    assert not loaded.knows("four")
    vector = canary(_hf.FastTextModel, library, lambda: loaded.vector("one"))
    assert vector.any()
    assert vector.tolist() == model.vector("one").tolist()


def test_every_function_has_a_canary():
    own = {node.name for node in parsed(Path(_hf.__file__)).body if hasattr(node, "name")}
    used = {node.attr for node in ast.walk(parsed(Path(__file__))) if isinstance(node, ast.Attribute)}
    assert own <= used, f"no test calls {sorted(own - used)}"


def test_what_is_installed_is_within_the_caps():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["lora"]]
    for requirement in map(Requirement, wanted):
        installed = version(requirement.name)
        assert installed in requirement.specifier, f"{requirement} is wanted, but {installed} is installed"


# Other files

DOCUMENTED = {
    "accelerate": ("utils",),
    "datasets": (),
    "fasttext_pybind": None,
    "huggingface_hub": ("errors",),
    "peft": (),
    "safetensors": ("numpy", "torch"),
    "sentencepiece": (),
    "tokenizers": (),
    "torch": (
        "distributed.tensor", "nn", "nn.functional", "nn.utils", "optim.lr_scheduler", "utils.checkpoint",
    ),
    "transformers": (),
}  # fmt: skip
"""Libraries, each with the modules inside that its manual names; ``None`` if it has no manual at all.

Other files than `_hf.py` import from these modules and from the libraries themselves only.
"""
KEYS_OF_FILES = {"_name_or_path"}
"""Underscored keys of JSON files, which are read as text."""
ENDS_OF_NAMES = {"_score", "_token"}
OF_NAMED_TUPLES = {"_asdict", "_fields", "_replace"}


def test_private_names_are_found():
    text = """
        from a._b import c
        from d import _e
        import f._g
        x._h
        self._own = 1
        x._own
        def _mine(): ...
        y._mine
        class C:
            _field = 1
            def of(self, other): return other._field, other._replace(z=1), super()._of_base
        getattr(y, "_i", None)
        setattr(y, NAME, "_j.")
        vars(y)["_k"]
        f"{x}_id", __version__, "a _sentence"
    """
    found = private_names(ast.parse(textwrap.dedent(text)))
    assert found == {"_b", "_e", "_g", "_h", "_i", "_j.", "_k"}


def test_no_other_file_uses_private_names():
    found = {path: sorted(names) for path, tree in others() if (names := private_names(tree))}
    assert not found, f"files other than _hf.py use private names: {found}"


def test_no_other_file_imports_undocumented_modules():
    found = {
        (path, module)
        for path, tree in others()
        for module in imported_modules(tree)
        for library, _, inside in [module.partition(".")]
        if library in DOCUMENTED
        if inside not in ("", *(DOCUMENTED[library] or ())) or DOCUMENTED[library] is None
    }
    assert not found, f"files other than _hf.py import modules that no manual names: {sorted(found)}"


def test_classes_share_no_private_name_with_those_that_they_extend():
    """A private name of ours may neither be nor hide one of the library's class."""
    pairs = list(extended_classes())
    assert {own.__name__ for own, _ in pairs} >= {"LaptTrainer", "ObjectiveWrapper"}
    found = {
        f"{own.__name__}.{name} of {cls.__module__}.{cls.__name__}"
        for own, base in pairs
        for cls in base.__mro__
        if cls.__module__.partition(".")[0] not in sys.stdlib_module_names
        for name in private_members(own) & private_members(cls)
    }
    assert not found, f"classes share private names with those that they extend: {sorted(found)}"


def others() -> Iterator[tuple[str, ast.Module]]:
    """The files of monoglot but `_hf.py`, parsed."""
    for path in sorted(SOURCE.rglob("*.py")):
        if path != Path(_hf.__file__):
            yield str(path.relative_to(SOURCE)), parsed(path)


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported_modules(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def private_names(tree: ast.AST) -> set[str]:
    """Underscored names that a file takes from others: by import, as attributes, or as text."""
    own = own_names(tree)
    found = {part for module in imported_modules(tree) for part in module.split(".") if is_private(part)}
    no_names = {id(part) for node in ast.walk(tree) for part in prose(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found |= {alias.name for alias in node.names if is_private(alias.name)}
        elif isinstance(node, ast.Attribute) and is_private(node.attr) and not is_self(node.value):
            found |= {node.attr} - own
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in no_names:
            found |= {node.value} if re.fullmatch(r"_[a-z]\w*\.?", node.value) else set()
    return found - {"_hf"} - KEYS_OF_FILES - ENDS_OF_NAMES - OF_NAMED_TUPLES


def own_names(tree: ast.AST) -> set[str]:
    """A file's functions, classes and their fields, and the attributes that it sets on ``self``."""
    own = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            own.add(node.name)
        if isinstance(node, ast.ClassDef):
            own |= {
                name.id
                for statement in node.body
                if isinstance(statement, ast.Assign | ast.AnnAssign)
                for name in ast.walk(statement)
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
            }
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_self(node.value):
            own.add(node.attr)
    return own


def prose(node: ast.AST) -> list[ast.AST]:
    """Docstrings, and the constant parts of f-strings."""
    if isinstance(node, ast.Expr):
        return [node.value]
    return list(node.values) if isinstance(node, ast.JoinedStr) else []


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def is_self(node: ast.expr) -> bool:
    node = node.func if isinstance(node, ast.Call) else node
    return isinstance(node, ast.Name) and node.id in ("self", "cls", "super")


def extended_classes() -> Iterator[tuple[type, type]]:
    """Our classes that extend one of a library, each with that."""
    for path, tree in others():
        libraries = {
            alias.asname or alias.name.partition(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
            if (getattr(node, "module", None) or alias.name).partition(".")[0]
            not in {"monoglot", *sys.stdlib_module_names}
        }
        names = [
            node.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef)
            and any(isinstance(n, ast.Name) and n.id in libraries for b in node.bases for n in ast.walk(b))
        ]
        if names:
            module = importlib.import_module(
                ".".join(("monoglot", *Path(path).with_suffix("").parts)).removesuffix(".__init__")
            )
            classes = (getattr(module, name) for name in names)
            yield from ((own, base) for own in classes for base in own.__bases__)


def private_members(cls: type) -> set[str]:
    """The private names that a class itself defines, or uses of ``self``."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and is_self(node.value)}
    return {name for name in used | own_names(tree) if is_private(name)}
