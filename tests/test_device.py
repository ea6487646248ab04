"""Devices: what is none, or is not there, gets one sentence before any work; the named one is used."""

import pytest
import torch
from accelerate import PartialState

from monoglot import _hf
from monoglot.cli import main
from monoglot.device import check_device, device_of
from monoglot.errors import SettingError
from monoglot.pipeline import training_job
from monoglot.pipeline.training_job import join_processes
from monoglot.settings import EvaluateSettings, Settings
from monoglot.training.trainer import process_device, uses_bf16
from tests.fixtures.tokenizers import DATA


@pytest.mark.parametrize("settings", [Settings, EvaluateSettings])
@pytest.mark.parametrize("device", ["abacus", "meta", "cuda:", "cuda:-1", "GPU", ""])
def test_what_is_no_device_is_refused_without_torch(settings, device):
    with pytest.raises(SettingError, match="is no device that torch computes on: give cpu, cuda"):
        settings(device=device)


@pytest.mark.parametrize("command", ["specialize", "adapt", "compare", "evaluate"])
def test_a_device_that_is_not_there_gets_one_sentence(command, xlm_r, tmp_path, capsys):
    words = [command, str(xlm_r), str(DATA / "de.txt"), "--device", "cuda:77", "--quiet"]
    output = tmp_path / "out"
    assert main([*words, *(["--output", str(output)] if command != "evaluate" else [])]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "--device cuda:77 can't be used (" in shown.err
    assert "give cpu" in shown.err
    assert shown.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_named_device_is_used_else_the_accelerator_that_there_is():
    for device in (None, "cpu"):
        check_device(device)
    assert device_of("cuda:1") == torch.device("cuda", 1)
    assert device_of(None) == (torch.accelerator.current_accelerator() or torch.device("cpu"))
    _hf.compute_on(device_of("cpu"))
    assert process_device() == torch.device("cpu")
    assert PartialState().num_processes == 1


def test_precision_is_that_of_the_device():
    assert uses_bf16("bf16", torch.device("cpu"))
    assert not uses_bf16("float32", torch.device("cuda"))
    assert uses_bf16("auto", torch.device("cpu")) == _hf.processor_has_bf16()


@pytest.mark.parametrize(
    ("gpus", "said"),
    [
        (1, "got 2 processes and 1 GPU on .*: launch 1, or give --device cpu"),
        (0, "and 0 GPUs on"),
    ],
)
def test_more_processes_than_gpus_are_refused(gpus, said, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setattr(training_job, "has_process_group", lambda: True)  # so that none is joined
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: gpus)
    with pytest.raises(SettingError, match=said):
        join_processes("cuda")
    assert join_processes("cpu")


def test_a_gpu_for_each_process_is_enough(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setattr(training_job, "has_process_group", lambda: True)
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 2)
    assert join_processes("cuda")
