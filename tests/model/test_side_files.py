"""Links in a model folder: the hub's cache works, nothing from elsewhere gets into an output."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from monoglot.errors import ModelError
from monoglot.model.checkpoint import Checkpoint
from monoglot.model.folder import load_model
from monoglot.model.side_files import copy_side_files
from monoglot.model.tokenizer_folder import load_tokenizer


@pytest.fixture
def folder(tiny_folder, tmp_path):
    """The folder of a tiny BERT inside a sentence-transformers folder."""
    folder = shutil.copytree(tiny_folder("bert"), tmp_path / "source")
    modules = [{"type": "Transformer", "path": ""}, {"type": "Pooling", "path": "1_Pooling"}]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text("{}")
    return folder


def refused(folder, match):
    for read in (load_tokenizer, load_model, Checkpoint.open):
        with pytest.raises(ModelError, match=match):
            read(folder)


@pytest.mark.parametrize(
    "name",
    [
        "preprocessor_config.json",
        "chat_template.jinja",
        "config_sentence_transformers.json",
        "1_Pooling/secret.txt",
        "1_Pooling/folder",
        "modeling.py",
        "tokenizer_config.json",
    ],
)
def test_a_link_that_leads_out_is_refused(folder, tmp_path, name):
    secret = tmp_path / "secret"
    secret.mkdir() if name.endswith("folder") else secret.write_text("{}")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(secret)
    refused(folder, match=f"{name} is a link to {secret}, outside the model's folder")


def test_a_link_to_a_link_is_followed_to_its_end(folder, tmp_path):
    (tmp_path / "secret").write_text("{}")
    (folder / "own").symlink_to(tmp_path / "secret")
    (folder / "preprocessor_config.json").symlink_to("own")
    refused(folder, match="outside the model's folder")


@pytest.mark.parametrize("target", ["nothing", "preprocessor_config.json"])
def test_links_to_nothing_and_to_themselves_are_refused(folder, target):
    (folder / "preprocessor_config.json").symlink_to(target)
    refused(folder, match=r"preprocessor_config\.json is a link that leads nowhere")


def test_a_loop_of_folders_is_refused(folder, tmp_path):
    (folder / "1_Pooling" / "loop").symlink_to("..")
    with pytest.raises(ModelError, match="loop is a link to a folder"):
        copy_side_files(folder, tmp_path / "out")


def test_the_cache_of_the_hub_is_read_and_its_files_are_copied(folder, tmp_path):
    home = tmp_path / "models--somebody--bert"
    (home / "blobs").mkdir(parents=True)
    snapshot = home / "snapshots" / "0123"
    files = [path for path in (*folder.rglob("*"),) if path.is_file()]
    for number, path in enumerate(files):
        link = snapshot / path.relative_to(folder)
        link.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, home / "blobs" / str(number))
        link.symlink_to(os.path.relpath(home / "blobs" / str(number), link.parent))
    out = tmp_path / "out"
    out.mkdir()
    copy_side_files(snapshot, out)
    Checkpoint.open(snapshot).check_tables()
    assert (out / "1_Pooling" / "config.json").read_text() == "{}"
    assert not any(path.is_symlink() for path in out.rglob("*"))


def test_weights_may_lie_elsewhere_and_links_inside_are_followed(folder, tmp_path):
    (folder / "model.safetensors").rename(tmp_path / "weights.safetensors")
    (folder / "model.safetensors").symlink_to(tmp_path / "weights.safetensors")
    (folder / "config.json").rename(folder / "configuration.json")
    (folder / "config.json").symlink_to("configuration.json")
    (folder / ".#hidden").symlink_to("nothing")
    load_model(folder)


@pytest.mark.parametrize("name", ["preprocessor_config.json", "chat_template.jinja"])
def test_what_is_no_file_is_refused_in_the_place_of_one(folder, name):
    (folder / name).mkdir()
    refused(folder, match=f"{name} is a folder; expected a file")
    (folder / name).rmdir()
    os.mkfifo(folder / name)
    refused(folder, match=f"{name} is a device, a pipe or a socket")
