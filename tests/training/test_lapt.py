"""Runs as a whole: what learns, what does not, how a run ends, and how it goes on."""

import json
import os
import random
import shutil
import signal
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers.modeling_layers import GradientCheckpointingLayer

from monoglot.errors import CorpusError, Interrupted, SettingError, TrainingError
from monoglot.evaluation.bits_per_byte import score_language
from monoglot.model.tables import find_tables
from monoglot.tokenization.encoding import encode_corpus
from monoglot.training.checkpoints import COMPLETE, latest
from monoglot.training.lapt import train
from monoglot.training.objective_wrapper import ObjectiveWrapper
from monoglot.training.objectives.mlm import MaskedTask
from monoglot.training.registry import get_objective
from monoglot.training.schedule import Budget, TrainingSettings
from tests.training.conftest import TAUGHT

STEP = 256
QUICK = {
    "tokens": 12 * STEP, "batch_tokens": STEP, "window_tokens": 32, "device_tokens": 128, "checks": 4,
    "learning_rate": 1e-2, "precision": "float32",
}  # fmt: skip


def run(context, folder, objective="mlm", *, score=None, new_rows=None, identity=None, **settings):
    return train(
        context,
        get_objective(objective),
        TrainingSettings(**(QUICK | settings)),
        folder,
        identity=identity or {"model": "tiny"},
        new_rows=new_rows,
        score=score,
    )


def metrics(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def same(first, second):
    assert first.keys() == second.keys()
    return all(torch.equal(first[name], second[name]) for name in first)


def test_a_run_learns_and_records_it(context, tmp_path):
    given = context("xlm-roberta")
    outcome = run(given, tmp_path / "c", tokens=60 * STEP, score=lambda model, task: {"bits_per_byte": 2.0})
    lines = metrics(tmp_path / "c")
    losses = [line["loss"] for line in lines if "loss" in line]
    assert len(losses) == outcome.steps == 60
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) - 0.5
    assert [line["step"] for line in lines if "bits_per_byte" in line] == [0, 15, 30, 45, 60]
    assert outcome.tokens == lines[-1]["tokens"] == 60 * STEP
    assert set(outcome.weights) <= set(given.model.state_dict())
    assert torch.equal(outcome.weights["lm_head.bias"], given.model.lm_head.bias)
    assert {p.name for p in (tmp_path / "c").glob("checkpoint-*")} == {"checkpoint-45", "checkpoint-60"}
    assert not list((tmp_path / "c").rglob("training_args.bin"))


def test_the_callers_random_numbers_are_left_alone(context, tmp_path):
    before = random.getstate(), torch.get_rng_state()
    run(context("bert"), tmp_path / "c", tokens=STEP)
    assert random.getstate() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])


@pytest.mark.parametrize(
    ("architecture", "objective", "schedule"),
    [("xlm-roberta", "mlm", "all"), ("gemma3", "clm", "embeddings-first")],
)
def test_an_interrupted_run_ends_with_the_same_weights(architecture, objective, schedule, context, tmp_path):
    settings = {"schedule": schedule, "frozen_share": 0.5, "decay": "cosine"}
    through = run(context(architecture), tmp_path / "through", objective, **settings)

    def told_to_stop(model, task):
        if (tmp_path / "stopped" / "checkpoint-3").exists():
            os.kill(os.getpid(), signal.SIGTERM)
        return {}

    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interrupted, match="after step 7 of 12") as stop:
        run(context(architecture), tmp_path / "stopped", objective, score=told_to_stop, **settings)
    assert stop.value.exit_code == 143
    assert signal.getsignal(signal.SIGTERM) is handler
    resumed = run(context(architecture), tmp_path / "stopped", objective, **settings)
    assert resumed.resumed_from_step == 7
    assert same(through.weights, resumed.weights)
    assert metrics(tmp_path / "stopped") == metrics(tmp_path / "through")


def test_a_half_written_checkpoint_is_passed_over(context, tmp_path):
    through = run(context("bert"), tmp_path / "through", keep=9)
    folder = tmp_path / "killed"
    shutil.copytree(tmp_path / "through", folder)
    for step in (9, 12):
        (folder / f"checkpoint-{step}" / COMPLETE).unlink()
    (folder / "checkpoint-9" / "optimizer.pt").write_bytes(b"half")
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 1')
    resumed = run(context("bert"), folder)
    assert resumed.resumed_from_step == 6
    assert same(through.weights, resumed.weights)
    assert metrics(folder) == metrics(tmp_path / "through")


def test_a_run_killed_before_its_first_checkpoint_records_its_beginning_once(context, tmp_path):
    def score(model, task):
        return {"bits_per_byte": 2.0}

    run(context("bert"), tmp_path / "through", score=score)
    folder = tmp_path / "killed"
    folder.mkdir()
    lines = (tmp_path / "through" / "metrics.jsonl").read_text().splitlines()
    (folder / "metrics.jsonl").write_text("\n".join(lines[:3]) + "\n")
    (folder / "settings.json").write_bytes((tmp_path / "through" / "settings.json").read_bytes())
    run(context("bert"), folder, score=score)
    assert (folder / "metrics.jsonl").read_bytes() == (tmp_path / "through" / "metrics.jsonl").read_bytes()


DAMAGES = {
    "weights": lambda c: cut(c / "model.safetensors"),
    "optimizer": lambda c: (c / "optimizer.pt").write_bytes(b"half"),
    "one bit": lambda c: flip(c / "model.safetensors"),
    "random numbers": lambda c: cut(c / "rng_state.pth"),
    "schedule is gone": lambda c: (c / "scheduler.pt").unlink(),
    "state": lambda c: (c / "trainer_state.json").write_text("{"),
    "mark": lambda c: (c / "complete.json").write_text(""),
    "mark of another kind": lambda c: (c / "complete.json").write_text("[1]"),
    "metrics": lambda c: cut(c / "metrics.jsonl"),
}


def cut(file):
    file.write_bytes(file.read_bytes()[:-100])


def flip(file):
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content)


@pytest.fixture
def whole(context, tmp_path):
    """A run with all its checkpoints, and what it gave."""
    folder = tmp_path / "whole"
    return folder, run(context("bert"), folder, keep=9)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_passed_over_and_named(damage, whole, context, tmp_path, caplog):
    through, outcome = whole
    folder = tmp_path / "c"
    shutil.copytree(through, folder)
    for step in (6, 9, 12):
        DAMAGES[damage](folder / f"checkpoint-{step}")
    resumed = run(context("bert"), folder)
    assert resumed.resumed_from_step == 3
    assert same(outcome.weights, resumed.weights)
    assert (folder / "metrics.jsonl").read_bytes() == (through / "metrics.jsonl").read_bytes()
    said = [record.getMessage() for record in caplog.records if "is damaged" in record.getMessage()]
    assert len(said) == 1
    assert said[0].startswith("checkpoint-12 is damaged (")
    assert "checkpoint-6 is damaged (" in said[0]
    assert said[0].endswith(f"in {folder}: resuming from checkpoint-3.")


def test_a_run_with_only_damaged_checkpoints_begins_again(whole, context, tmp_path, caplog):
    through, outcome = whole
    folder = tmp_path / "c"
    shutil.copytree(through, folder)
    for checkpoint in folder.glob("checkpoint-*"):
        cut(checkpoint / "model.safetensors")
    resumed = run(context("bert"), folder)
    assert resumed.resumed_from_step is None
    assert same(outcome.weights, resumed.weights)
    assert (folder / "metrics.jsonl").read_bytes() == (through / "metrics.jsonl").read_bytes()
    assert "there is no other, so training begins again" in caplog.text


def test_damaged_settings_of_a_run_are_one_sentence(whole, context, tmp_path):
    shutil.copytree(whole[0], tmp_path / "c")
    (tmp_path / "c" / "settings.json").write_text("{")
    with pytest.raises(SettingError, match=r"settings\.json is damaged or missing, so it is unknown"):
        run(context("bert"), tmp_path / "c")


@pytest.mark.parametrize("killed_after", [3, 5, 7, 9])
def test_patience_outlives_an_interruption(killed_after, context, tmp_path):
    figures = {0: 9.0, 1: 3.0, 2: 2.0, 3: 2.5, 4: 2.5, 5: 1.9, 6: 2.0, 7: 2.0, 8: 2.0}

    class Killed(BaseException):
        pass

    def dying(folder, most):
        def score(model, task):
            steps = [int(path.name.split("-")[1]) for path in folder.glob("checkpoint-*")]
            step = max(steps, default=-1) + 1
            if step > most:
                raise Killed
            return {"bits_per_byte": figures[step]}

        return score

    settings = {"checks": 12, "patience": 3, "keep": 2}
    through, folder = tmp_path / "through", tmp_path / "killed"
    whole = run(context("bert"), through, score=dying(through, 99), **settings)
    assert whole.steps == 8
    # Step 0 is scored before there is a checkpoint: it counts as the first.
    if killed_after < 9:
        with pytest.raises(Killed):
            run(context("bert"), folder, score=dying(folder, killed_after), **settings)
    else:  # after the last checkpoint
        run(context("bert"), folder, score=dying(folder, 99), **settings)
    again = run(context("bert"), folder, score=dying(folder, 99), **settings)
    assert again.steps == whole.steps
    assert again.record == whole.record
    assert same(again.weights, whole.weights)


def test_figures_between_records_are_the_same_after_an_interruption(context, tmp_path, monkeypatch):
    """When losses are recorded less often than checkpoints are written, their means begin at checkpoints."""
    monkeypatch.setattr(Budget, "interval", lambda budget, times: 5 if times == 200 else 3)
    run(context("bert"), tmp_path / "through", keep=9)
    shutil.copytree(tmp_path / "through", tmp_path / "killed")
    for step in (9, 12):
        shutil.rmtree(tmp_path / "killed" / f"checkpoint-{step}")
    resumed = run(context("bert"), tmp_path / "killed")
    assert resumed.resumed_from_step == 6
    assert metrics(tmp_path / "killed") == metrics(tmp_path / "through")


def test_other_settings_are_not_resumed(context, tmp_path):
    first = run(context("bert"), tmp_path / "c", tokens=3 * STEP)
    with pytest.raises(SettingError, match=r"learning_rate was 0\.01 and is now 0\.02, model was tiny and"):
        run(context("bert"), tmp_path / "c", tokens=3 * STEP, learning_rate=0.02, identity={"model": "other"})
    again = run(context("bert"), tmp_path / "c", tokens=3 * STEP, device_tokens=64)  # no more than rounding
    assert same(first.weights, again.weights)  # it had been finished


def test_embeddings_come_first(context, tmp_path):
    given = context("xlm-roberta")
    before = {name: tensor.clone() for name, tensor in given.model.state_dict().items()}
    tables = find_tables(given.model).axes
    run(given, tmp_path / "c", schedule="embeddings-first", frozen_share=1.0)
    for name, tensor in given.model.state_dict().items():
        assert torch.equal(tensor, before[name]) == (name not in tables), name
    again = context("xlm-roberta")
    run(again, tmp_path / "d", schedule="embeddings-first", frozen_share=0.5)
    assert not torch.equal(again.model.roberta.encoder.layer[0].output.dense.weight,
                           before["roberta.encoder.layer.0.output.dense.weight"])  # fmt: skip


@pytest.mark.parametrize(("architecture", "objective"), [("xlm-roberta", "mlm"), ("llama", "clm")])
def test_old_rows_do_not_move_by_a_bit(architecture, objective, context, tmp_path):
    given = context(architecture)
    before = {name: tensor.clone() for name, tensor in given.model.state_dict().items()}
    new = np.arange(1500) % 3 == 0
    run(given, tmp_path / "c", objective, schedule="new-rows", new_rows=new, weight_decay=0.5)
    tables = find_tables(given.model)
    for name, tensor in given.model.state_dict().items():
        if name in tables.axes:
            moved = (
                (tensor != before[name]).flatten(1).any(dim=1) if tensor.ndim > 1 else tensor != before[name]
            )
            assert not moved[~new].any(), name
            assert moved[new].float().mean() > 0.1, name
        else:
            assert torch.equal(tensor, before[name]), name


def test_the_body_may_learn_while_old_rows_stay(context, tmp_path):
    given = context("xlm-roberta")
    before = {name: tensor.clone() for name, tensor in given.model.state_dict().items()}
    new = np.arange(1500) % 3 == 0
    run(given, tmp_path / "c", schedule="keep-copied", new_rows=new, weight_decay=0.5)
    table = "roberta.embeddings.word_embeddings.weight"
    body = "roberta.encoder.layer.0.output.dense.weight"
    after = given.model.state_dict()
    moved = (after[table] != before[table]).any(dim=1)
    assert not moved[~new].any()
    assert moved[new].any()
    assert not torch.equal(after[body], before[body])


def test_chosen_layers_learn(context, tmp_path):
    given = context("bert")
    before = {name: tensor.clone() for name, tensor in given.model.state_dict().items()}
    run(given, tmp_path / "c", tokens=3 * STEP, layers=(1,))
    moved = {
        name for name, tensor in given.model.state_dict().items() if not torch.equal(tensor, before[name])
    }
    tables = set(find_tables(given.model).axes)
    assert {name for name in moved - tables} == {n for n in before if ".layer.1." in n} - {
        n
        for n in before
        if n.endswith("key.bias")  # softmax does not feel it
    } | {n for n in moved if n.endswith("key.bias")}
    with pytest.raises(SettingError, match="--layers 5: the model has layers 0 to 1"):
        run(context("bert"), tmp_path / "d", layers=(0, 5))


def test_adapters_are_merged(context, tmp_path):
    given = context("xlm-roberta")
    before = {name: tensor.clone() for name, tensor in given.model.state_dict().items()}
    outcome = run(given, tmp_path / "c", lora_rank=2)
    assert set(outcome.weights) <= set(before)
    moved = {name for name in outcome.weights if not torch.equal(outcome.weights[name], before[name])}
    assert "roberta.encoder.layer.0.attention.self.query.weight" in moved
    assert moved & find_tables(given.model).axes.keys()
    assert "roberta.encoder.layer.0.attention.self.query.bias" not in moved


def test_a_run_that_gets_no_better_stops_and_returns_to_its_best(context, tmp_path):
    figures = iter([9.0, 3.0, 2.0, 2.5, 2.5, 2.5, 2.5])
    best = {}

    def score(model, task):
        value = next(figures)
        if value == 2.0:
            best.update({name: tensor.clone() for name, tensor in model.state_dict().items()})
        return {"bits_per_byte": value}

    given = context("bert")
    outcome = run(given, tmp_path / "c", checks=12, patience=2, score=score, keep=1)
    assert outcome.steps == 4
    assert outcome.record["best_step"] == 2
    assert all(torch.equal(tensor, best[name]) for name, tensor in outcome.weights.items())


def test_patience_needs_something_to_watch(context, tmp_path):
    with pytest.raises(SettingError, match="--patience watches bits_per_byte"):
        run(context("bert"), tmp_path / "c", patience=2)


def test_nan_stops_before_it_spreads(context, tmp_path):
    given = context("bert")

    def poison(model, task):
        if (tmp_path / "c" / "checkpoint-3").exists():
            model.bert.embeddings.LayerNorm.weight.register_hook(lambda gradient: gradient * float("nan"))
        return {}

    with pytest.raises(TrainingError, match="NaN or infinite at step 7") as error:
        run(given, tmp_path / "c", score=poison)
    assert all(tensor.isfinite().all() for tensor in given.model.state_dict().values())
    checkpoint = latest(tmp_path / "c")
    assert str(checkpoint) in str(error.value)
    assert error.value.exit_code == 2


def test_a_corpus_shorter_than_a_batch_is_refused(context, tmp_path):
    with pytest.raises(CorpusError, match="fewer than the 31250 of one batch"):
        run(context("bert"), tmp_path / "c", batch_tokens=1_000_000)


@pytest.mark.parametrize("schedule", ["new-rows", "keep-copied"])
def test_new_rows_have_to_be_known(schedule, context, tmp_path):
    with pytest.raises(SettingError, match=f"--schedule {schedule} needs .* not copied"):
        run(context("bert"), tmp_path / "c", schedule=schedule)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"schedule": "embedings-first"}, "did you mean 'embeddings-first'"),
        ({"tokens": 0}, "--tokens can't be 0"),
        ({"learning_rate": 0.0}, "--learning-rate"),
        ({"frozen_share": 2.0}, "--frozen-share"),
        ({"patience": 0}, "--patience"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(SettingError, match=message):
        TrainingSettings(**settings)


@pytest.mark.parametrize(("architecture", "objective"), [("xlm-roberta", "mlm"), ("llama", "clm")])
def test_flash_attention_trains_and_is_scored(architecture, objective, flash, context, tmp_path):
    given = context(architecture)
    given.model.config._attn_implementation = flash

    def score(model, task):
        return {"bits_per_byte": score_language(model, given.tokenizer, ["Das ist ein Satz."]).bits_per_byte}

    outcome = run(given, tmp_path / "c", objective, tokens=40 * STEP, precision="bf16", score=score)
    assert outcome.record["documents_apart_by"] == "lengths"
    losses = [line["loss"] for line in metrics(tmp_path / "c") if "loss" in line]
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) - 0.5


def test_flash_attention_in_float32_is_refused(flash, context, tmp_path):
    given = context("llama")
    given.model.config._attn_implementation = flash
    with pytest.raises(SettingError, match="--precision bf16"):
        run(given, tmp_path / "c", "clm")


def test_what_is_doubtful_about_a_training_is_recorded(context, tmp_path):
    outcome = run(context("deberta-v2"), tmp_path / "c", tokens=STEP)
    assert outcome.record["documents_apart_by"] == "none"
    assert any("will attend to each other" in warning for warning in outcome.record["warnings"])
    assert run(context("bert"), tmp_path / "d", tokens=STEP).record["warnings"] == []


def count_layer_runs(model):
    """How often the layers of a model run forward: twice in a step that computes activations again."""
    layers = (module for module in model.modules() if isinstance(module, GradientCheckpointingLayer))
    layer, seen = next(part for part in next(layers).modules() if not list(part.children())), []
    layer.register_forward_hook(lambda *_: seen.append(torch.is_grad_enabled()))
    return seen


@pytest.mark.parametrize("objective", ["distill", "distill-hidden", "mlm", "clm", "span"])
def test_gradient_checkpointing_computes_activations_twice_and_changes_nothing(
    objective, taught, context, tmp_path
):
    found, runs = [], []
    plain = {
        "mlm": ("bert", {"attention_probs_dropout_prob": 0, "hidden_dropout_prob": 0}),
        "clm": ("llama", {}),
        "span": ("t5", {"dropout_rate": 0, "decoder_start_token_id": 0}),
    }
    for again in (False, True):
        given = context(*plain[objective][:1], **plain[objective][1]) if objective in plain else taught()
        if objective == "distill-hidden":
            given = replace(
                given, corpus=encode_corpus(given.tokenizer, TAUGHT, tmp_path / f"tokens-{again}")
            )
        seen = count_layer_runs(given.model)
        options = {"pooling": "mean"} if objective == "distill" else {}
        settings = TrainingSettings(**QUICK | {"tokens": 2 * STEP}, gradient_checkpointing=again)
        cache = tmp_path / f"cache-{again}"
        cache.mkdir()
        found.append(
            train(
                replace(given, cache=cache),
                get_objective(objective, options),
                settings,
                tmp_path / str(again),
                identity={},
            )
        )
        runs.append(sum(seen))
    assert runs[1] == 2 * runs[0] > 0
    for name, tensor in found[0].weights.items():
        # Adam divides a gradient by its own size: where it is nearly zero, rounding alone moves a weight.
        close = torch.isclose(found[1].weights[name], tensor, atol=1e-5, rtol=1e-4)
        assert close.float().mean() > 0.98, name
        torch.testing.assert_close(found[1].weights[name], tensor, atol=1e-3, rtol=1e-3)


def test_layers_that_compute_activations_twice_drop_nothing(taught):
    given = taught()
    task = SimpleNamespace(uses_dropout=False, loss=None)
    wrapper = ObjectiveWrapper(given.model, task)
    wrapper.gradient_checkpointing_enable()
    wrapper.train()
    layers = [module for module in given.model.modules() if getattr(module, "gradient_checkpointing", False)]
    assert layers
    assert all(layer.training for layer in layers)
    assert not any(m.training for m in given.model.modules() if isinstance(m, torch.nn.Dropout))
    wrapper.eval()
    assert not any(module.training for module in given.model.modules())


def test_a_loss_that_is_no_number_is_an_error_though_its_gradient_is_zero(context, tmp_path, monkeypatch):
    def loss(self, model, batch):
        return model(input_ids=batch["ids"]).logits.sum() * 0.0 + float("nan")

    monkeypatch.setattr(MaskedTask, "loss", loss)
    with pytest.raises(TrainingError, match="NaN or infinite at step 1"):
        run(context("bert"), tmp_path / "c")
    assert not (tmp_path / "c" / "metrics.jsonl").read_text()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_held_out_figure_that_is_no_number_is_an_error(value, context, tmp_path):
    with pytest.raises(TrainingError, match=f"bits per byte is {value} at step 0"):
        run(context("bert"), tmp_path / "c", score=lambda model, task: {"bits_per_byte": value})
    assert not (tmp_path / "c" / "metrics.jsonl").read_text()


def test_texts_that_do_not_fit_are_said_and_a_run_without_others_is_refused(taught, tmp_path):
    given = taught()
    objective = get_objective("distill", {"pooling": "mean", "whole_lines": 1.0, "word_lists": 0.0})
    settings = {"tokens": 40 * 16, "batch_tokens": 32, "device_tokens": 16, "precision": "float32"}
    outcome = train(
        given, objective, TrainingSettings(window_tokens=32, **settings | {"device_tokens": 32}),
        tmp_path / "some", identity={},
    )  # fmt: skip
    assert any("texts have more than the 30 tokens" in one for one in outcome.record["left_out"])
    assert all(np.isfinite(line["loss"]) for line in metrics(tmp_path / "some") if "loss" in line)
    with pytest.raises(CorpusError, match="each of the 60 texts has more than the 6 tokens"):
        train(given, objective, TrainingSettings(window_tokens=8, **settings), tmp_path / "none", identity={})
