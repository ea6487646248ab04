"""Several processes, and processes that are killed: as a user launches them."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from safetensors.torch import load_file

from monoglot.cli import main
from monoglot.pipeline.adapt import adapt
from monoglot.settings import AdaptSettings
from monoglot.training.schedule import TrainingSettings
from tests.fixtures.models import ARCHITECTURES
from tests.fixtures.tokenizers import DATA

QUICK = {"tokens": 16 * 512, "batch_tokens": 512, "window_tokens": 64, "device_tokens": 128, "checks": 4}
TRAINING = TrainingSettings(**QUICK, learning_rate=1e-2, precision="float32")
FLAGS = [f"--{name.replace('_', '-')}={value}" for name, value in QUICK.items()]
CHECKPOINT = "checkpoints/checkpoint-4/complete.json"
COMMAND = ["-m", "monoglot", "adapt", "{model}", str(DATA / "de.txt"), *FLAGS,
           "--learning-rate=0.01", "--precision=float32", "--threads=1"]  # fmt: skip


@pytest.fixture(scope="module")
def model(source_tokenizers, tmp_path_factory):
    """A tiny XLM-R without dropout, which every process draws for itself."""
    folder = tmp_path_factory.mktemp("model")
    tokenizer = source_tokenizers["unigram"]
    made = ARCHITECTURES["xlm-roberta"](tokenizer, hidden_dropout_prob=0, attention_probs_dropout_prob=0)
    made.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def alone(model, tmp_path_factory):
    """The output of one process that nobody disturbs."""
    output = tmp_path_factory.mktemp("alone") / "out"
    adapt(model, DATA / "de.txt", output, AdaptSettings(threads=1), TRAINING)
    return output


def start(model, output, *launcher):
    """Begin the command in processes of its own."""
    words = [word.format(model=model) for word in COMMAND]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *launcher, *words, "--output", str(output)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def losses(output):
    lines = (output / "monoglot" / "training" / "metrics.jsonl").read_text().splitlines()
    return [line["loss"] for line in map(json.loads, lines) if "loss" in line]


def largest_difference(first, second):
    one, other = (load_file(folder / "model.safetensors") for folder in (first, second))
    assert one.keys() == other.keys()
    return max((one[name] - other[name]).abs().max().item() for name in one)


def root_mean_square_difference(first, second):
    one, other = (load_file(folder / "model.safetensors") for folder in (first, second))
    squares = [(one[name] - other[name]).double().square() for name in one]
    return (sum(x.sum() for x in squares) / sum(x.numel() for x in squares)).sqrt().item()


def test_two_processes_give_the_loss_curve_of_one(model, alone, tmp_path):
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    process = start(model, tmp_path / "out", *launcher)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert len(losses(alone)) == 16
    assert losses(tmp_path / "out") == pytest.approx(losses(alone), abs=1e-4)
    # Where a gradient is all but zero, rounding decides the sign of a whole step of Adam: no bound for each
    # weight, and for all together one in terms of how far training moves them.
    moved = root_mean_square_difference(alone, model)
    assert root_mean_square_difference(tmp_path / "out", alone) < 1e-3 * moved
    assert not list(tmp_path.glob("out.partial*"))


def wait_for(path, process=None):
    """Wait until a file is there, as long as the process that is to write it works."""
    deadline = time.monotonic() + 120
    while not path.exists() and time.monotonic() < deadline and (process is None or process.poll() is None):
        time.sleep(0.002)


def test_a_killed_run_goes_on_to_the_same_weights(model, alone, tmp_path):
    process = start(model, tmp_path / "out")
    wait_for(tmp_path / "out.partial" / CHECKPOINT, process)
    process.kill()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, errors
    assert not (tmp_path / "out").exists()
    result = adapt(model, DATA / "de.txt", tmp_path / "out", AdaptSettings(threads=1), TRAINING)
    assert result.record["resumed_from_step"] >= 4
    assert largest_difference(tmp_path / "out", alone) == 0
    assert losses(tmp_path / "out") == losses(alone)


def test_the_command_ends_with_143_when_it_is_told_to_stop(model, tmp_path, capsys):
    def tell():
        wait_for(tmp_path / "out.partial" / CHECKPOINT)
        os.kill(os.getpid(), signal.SIGTERM)

    teller = threading.Thread(target=tell)
    teller.start()
    words = [word.format(model=model) for word in COMMAND[2:]]
    assert main([*words, "--output", str(tmp_path / "out")]) == 143
    teller.join()
    assert "the same command resumes from there" in capsys.readouterr().err
    assert list((tmp_path / "out.partial").glob("checkpoints/checkpoint-*/complete.json"))
