"""Folders without a whole model are refused by name, in every command, before slow imports."""

import json
import shutil

import pytest

from monoglot.cli import main
from monoglot.errors import ModelError
from monoglot.model.whole_model import check_whole, has_tokenizer
from tests.fixtures.tokenizers import DATA

CONFIG = ("config.json", "tokenizer.json")
FOLDERS = {
    "adapter": (("adapter_config.json", "adapter_model.safetensors"), "is an adapter .*merge_and_unload"),
    "adapter beside": ((*CONFIG, "model.safetensors", "adapter_config.json"), "an adapter beside the model"),
    "gguf": (("model-q4.gguf",), "weights as .gguf only; expected model.safetensors"),
    "gguf with configuration": ((*CONFIG, "model-q4.gguf"), "weights as .gguf only"),
    "onnx": ((*CONFIG, "model.onnx"), "weights as .onnx only"),
    "pickle": ((*CONFIG, "pytorch_model.bin"), "are a pickle, which may run code.* save_pretrained"),
    "weights alone": (("model.safetensors",), "has no config.json; expected the folder"),
    "nothing": ((), "has no config.json; expected the folder"),
}


@pytest.fixture(params=FOLDERS)
def folder(request, tmp_path):
    """A folder that lacks something, and what is to be said of it."""
    names, message = FOLDERS[request.param]
    made = tmp_path / "given"
    made.mkdir()
    for name in names:
        (made / name).write_text("{}")
    return made, message


def test_what_is_lacking_is_said(folder):
    with pytest.raises(ModelError, match=folder[1]):
        check_whole(folder[0])


@pytest.mark.parametrize("command", ["specialize", "adapt", "compare", "evaluate", "plan"])
def test_every_command_says_it(folder, command, tmp_path, capsys):
    words = [command, str(folder[0]), str(DATA / "de.txt"), "--quiet"]
    output = tmp_path / "out"
    assert main(words if command in ("evaluate", "plan") else [*words, "--output", str(output)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    with pytest.raises(ModelError) as raised:
        check_whole(folder[0])
    assert str(raised.value) in shown.err
    assert not output.exists()


@pytest.mark.parametrize(("command", "option"), [("adapt", "--teacher"), ("evaluate", "--against")])
def test_so_is_a_second_model(command, option, xlm_r, tmp_path, capsys):
    (tmp_path / "adapter_config.json").write_text("{}")
    output = ["--output", str(tmp_path / "out")] if command == "adapt" else []
    assert main([command, str(xlm_r), str(DATA / "de.txt"), option, str(tmp_path), *output, "--quiet"]) == 2
    assert f"{tmp_path} is an adapter" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_whole_models_and_tokenizers_are_let_through(xlm_r, tmp_path):
    check_whole(xlm_r)
    for file in xlm_r.glob("tokenizer*"):
        shutil.copy(file, tmp_path)
    assert has_tokenizer(tmp_path)
    assert main(["audit", str(tmp_path), "--quiet"]) == 0


def test_an_adapter_with_a_damaged_configuration_is_one_all_the_same(tmp_path):
    for content in ("no JSON", json.dumps({"base_model_name_or_path": 3}), "[]"):
        (tmp_path / "adapter_config.json").write_text(content)
        with pytest.raises(ModelError, match="merge it into its model first"):
            check_whole(tmp_path)
