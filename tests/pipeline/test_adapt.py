"""`adapt`, alone and as the last stage of `specialize`."""

import json
import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from huggingface_hub import ModelCard
from transformers import AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

from monoglot.cli import main
from monoglot.cli.show import adapted_table
from monoglot.errors import SettingError
from monoglot.maths.mixture import Mixture, Provenance
from monoglot.model.folder import load_model
from monoglot.model.pooling import PROMPTS, write_prefix
from monoglot.model.source import Source, open_source
from monoglot.pipeline.adapt import adapt
from monoglot.pipeline.specialize import specialize
from monoglot.pipeline.training_plan import check_reports, find_original, resolved
from monoglot.progress import Terminal
from monoglot.run import LAYOUT
from monoglot.settings import AdaptSettings, Settings
from monoglot.training import schedule
from monoglot.training.schedule import TrainingSettings
from tests.fixtures.tokenizers import DATA, sample

GERMAN = DATA / "de.txt"
ONE_THREAD = AdaptSettings(threads=1)
QUICK = TrainingSettings(
    tokens=20 * 512, batch_tokens=512, window_tokens=64, learning_rate=1e-2, precision="float32", checks=2
)


@pytest.fixture(scope="module")
def adapted(xlm_r, tmp_path_factory):
    """One finished run on a tiny XLM-R: its output folder and summary."""
    output = tmp_path_factory.mktemp("adapted") / "out"
    return output, adapt(xlm_r, GERMAN, output, ONE_THREAD, QUICK)


def test_the_output_is_a_better_model_of_the_same_kind(xlm_r, adapted):
    output, result = adapted
    before, after = (AutoModelForMaskedLM.from_pretrained(folder) for folder in (xlm_r, output))
    configs = [json.loads((folder / "config.json").read_text()) for folder in (xlm_r, output)]
    assert configs[0] == configs[1]
    assert before.dtype == after.dtype
    assert after.lm_head.decoder.weight is after.roberta.embeddings.word_embeddings.weight
    text = "Das Gesetz gilt für alle."
    first, second = (AutoTokenizer.from_pretrained(folder)(text).input_ids for folder in (xlm_r, output))
    assert first == second
    assert result.objective == "mlm"
    assert result.after["bits_per_byte"] < result.before["bits_per_byte"] - 0.5
    assert result.loss[1] < result.loss[0]
    assert result.record["documents_apart_by"] == "mask"
    assert json.loads(json.dumps(result.to_dict()))["record"]["tokens"] == 20 * 512
    assert result.to_pandas().set_index("figure").loc["training loss"].tolist() == list(result.loss)
    assert {path.name for path in output.parent.iterdir()} == {"out"}
    assert {path.name for path in (output / "monoglot" / "training").iterdir()} >= {"metrics.jsonl"}


def test_the_stage_records_what_was_left_to_the_objective(adapted):
    manifest = json.loads((adapted[0] / "monoglot" / "manifest.json").read_text())
    used = manifest["stages"]["adapted"]["settings"]
    assert (used["batch_tokens"], used["decay"]) == (512, "constant")
    given = manifest["settings"]["training"]["TrainingSettings"]
    assert (given["batch_tokens"], given["decay"]) == (512, None)


def test_two_runs_with_one_thread_give_the_same_files(xlm_r, adapted, tmp_path):
    first, _ = adapted
    adapt(xlm_r, GERMAN, tmp_path / "again", ONE_THREAD, QUICK)
    files = {path.relative_to(first) for path in first.rglob("*") if path.is_file()}
    differing = {f for f in files if (first / f).read_bytes() != (tmp_path / "again" / f).read_bytes()}
    assert {f.name for f in differing} == {"measured.json", "report.html", "README.md"}


def test_a_bfloat16_decoder_stays_one(tiny_folder, tmp_path):
    folder = tmp_path / "source"
    model = AutoModelForCausalLM.from_pretrained(tiny_folder("gemma3")).to(torch.bfloat16)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_folder("gemma3")).save_pretrained(folder)
    result = adapt(folder, GERMAN, tmp_path / "out", ONE_THREAD, replace(QUICK, precision="bf16"))
    assert result.objective == "clm"
    after = AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype="auto")
    assert after.dtype == torch.bfloat16
    assert not torch.equal(after.get_input_embeddings().weight, model.get_input_embeddings().weight)


def test_few_new_rows_are_distilled_alone(encoder, tmp_path, capsys, caplog):
    """So a text without new tokens keeps its vector to the bit."""
    made = specialize(encoder, GERMAN, tmp_path / "graft", Settings(new_tokens=20, threads=1)).output
    options = {"pooling": "mean"}
    settings = AdaptSettings(threads=1, teacher=str(encoder), objective_options=options)
    quick = TrainingSettings(tokens=4 * 1024, window_tokens=64, precision="float32", checks=1)
    result = adapt(made, GERMAN, tmp_path / "out", settings, quick, progress=Terminal())
    assert "training only the 20 new embeddings" in capsys.readouterr().err
    assert "has other files than" not in caplog.text
    assert result.after["distance_to_teacher"] < result.before["distance_to_teacher"]
    new = Mixture.load(Path(made) / "monoglot" / "mixture" / "mixture.safetensors").provenance
    before, after = (load_model(Path(folder)).state_dict() for folder in (made, tmp_path / "out"))
    [changed] = [name for name, tensor in before.items() if not torch.equal(tensor, after[name])]
    assert changed == "embeddings.word_embeddings.weight"
    moved = (before[changed] != after[changed]).any(dim=1).numpy()
    assert moved.any()
    assert not moved[new == Provenance.COPIED].any()


def test_a_teacher_that_is_not_the_original_is_named(encoder, tmp_path, caplog):
    made = specialize(encoder, GERMAN, tmp_path / "graft", Settings(new_tokens=20, threads=1)).output
    other = shutil.copytree(encoder, tmp_path / "other")
    model = AutoModel.from_pretrained(encoder)
    with torch.no_grad():
        model.embeddings.word_embeddings.weight[5] += 1
    model.save_pretrained(other)
    settings = AdaptSettings(threads=1, teacher=str(other), objective_options={"pooling": "mean"})
    adapt(made, GERMAN, tmp_path / "out", settings, replace(QUICK, tokens=512, checks=1))
    assert f"--teacher {other} has other files than {encoder}" in caplog.text


def test_a_training_that_makes_the_model_worse_says_so(encoder, xlm_r, tmp_path, capsys):
    """An encoder is at distance 0 from itself, and any step moves it away."""
    words = ["adapt", str(encoder), str(GERMAN), "-o", str(tmp_path / "out"), "--teacher", str(encoder)]
    words += ["--objective-options.pooling", "mean", "--tokens", "2048", "--window-tokens", "64"]
    assert main([*words, "--learning-rate", "0.01", "--checks", "1", "--threads", "1"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "warning: training made the model worse: distance to teacher of held-out text rose from" in shown
    assert "training made the model worse" in (tmp_path / "out" / "monoglot" / "report.html").read_text()
    better = adapt(xlm_r, GERMAN, tmp_path / "better", ONE_THREAD, replace(QUICK, tokens=5 * 512))
    assert better.record["warnings"] == []


def test_specialize_ends_with_training(xlm_r, tmp_path):
    settings = Settings(
        vocabulary_size=700, threads=1, method="subword", adapt_tokens=5000,
        adapt_options={"schedule": "new-rows", "batch-tokens": "512", "window_tokens": 64, "checks": 1},
    )  # fmt: skip
    summary = specialize(xlm_r, GERMAN, tmp_path / "out", settings)
    home = tmp_path / "out" / "monoglot"
    before = AutoModelForMaskedLM.from_pretrained(home / "model").get_input_embeddings().weight
    after = AutoModelForMaskedLM.from_pretrained(tmp_path / "out").get_input_embeddings().weight
    new = Mixture.load(home / "mixture" / "mixture.safetensors").provenance != Provenance.COPIED
    moved = (before != after).any(dim=1).numpy()
    assert (summary.before.vocabulary, summary.after.vocabulary) == (1500, 700)
    assert moved.sum() > 0
    assert not moved[~new].any()
    assert (home / "training" / "metrics.jsonl").exists()


def test_without_a_number_of_tokens_the_new_rows_say_how_many(xlm_r, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(schedule, "LEAST_TOKENS", 512)
    quick = {"batch-tokens": "512", "window_tokens": 64, "checks": 1}
    settings = Settings(new_tokens=20, threads=1, adapt_tokens="auto", adapt_options=quick)
    specialize(xlm_r, GERMAN, tmp_path / "out", settings, progress=Terminal())
    record = json.loads((tmp_path / "out" / "monoglot" / "training" / "training.json").read_text())
    assert record["tokens"] == 10 * 512  # 250 for each of 20, in whole batches
    assert "training on 5,000 tokens, since 20 embeddings are new" in capsys.readouterr().err
    grafted = specialize(xlm_r, GERMAN, tmp_path / "graft", Settings(new_tokens=4, threads=1)).output
    training = replace(QUICK, tokens=None, checks=1)
    assert adapt(grafted, GERMAN, tmp_path / "more", ONE_THREAD, training).record["tokens"] == 2 * 512


@pytest.mark.parametrize(
    ("objective", "options"),
    [("distill", {"pooling": "mean"}), ("distill-hidden", {})],
    ids=lambda one: str(one),
)
@pytest.mark.parametrize(("dtype", "precision"), [(torch.bfloat16, "float32"), (torch.float16, "bf16")])
def test_a_teacher_that_is_stored_in_half_precision(xlm_r, tmp_path, objective, options, dtype, precision):
    teacher = Path(shutil.copytree(xlm_r, tmp_path / "teacher"))
    load_model(xlm_r).to(dtype).save_pretrained(teacher)
    made = specialize(xlm_r, GERMAN, tmp_path / "made", Settings(threads=1, vocabulary_size=700))
    settings = AdaptSettings(objective=objective, objective_options=options, teacher=str(teacher), threads=1)
    training = replace(QUICK, tokens=2 * 512, checks=1, precision=precision)
    assert adapt(made.output, GERMAN, tmp_path / "out", settings, training).record["steps"] == 2


def test_training_is_planned_before_anything_is_written(tiny_folder, xlm_r, tmp_path, monkeypatch):
    wrong = Settings(threads=1, adapt_tokens=5000, adapt_options={"objective": "clm"})
    with pytest.raises(SettingError, match="use --objective mlm"):
        specialize(xlm_r, GERMAN, tmp_path / "out", wrong)
    with pytest.raises(SettingError, match="did you mean 'learning_rate'"):
        Settings(threads=1, adapt_tokens=5000, adapt_options={"lerning-rate": "1"})
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(SettingError, match="in one process"):
        specialize(xlm_r, GERMAN, tmp_path / "out", Settings(threads=1, adapt_tokens=5000))
    assert not list(tmp_path.iterdir())


BAD = {
    "an objective of others": (["--objective", "clm"], "use --objective mlm"),
    "unknown objective": (["--objective", "mlmm"], "did you mean 'mlm'"),
    "more than there is in one batch": (["--batch-tokens", "1G"], "of one batch"),
    "unknown attention": (["--attention", "flush"], "unknown attention 'flush'"),
    "unknown layer": (["--layers", "0", "7"], "--layers 7"),
    "unknown schedule": (["--schedule", "some"], "schedule"),
    "new rows of nothing": (["--schedule", "new-rows"], "not copied"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_sentence_and_exit_code_2(case, xlm_r, tmp_path, capsys):
    words, message = BAD[case]
    code = main(["adapt", str(xlm_r), str(GERMAN), "-o", str(tmp_path / "o"), "--threads", "1", *words])
    error = capsys.readouterr().err
    assert code == 2
    assert message in error.replace("\n", " ")
    assert "Traceback" not in error


def test_the_command_prints_what_it_did(xlm_r, tmp_path, capsys):
    words = ["adapt", str(xlm_r), str(GERMAN), "-o", str(tmp_path / "o"), "--tokens", "1k", "--threads", "1",
             "--batch-tokens", "512", "--window-tokens", "64"]  # fmt: skip
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "bits per byte (held-out)" in out
    assert "Trained by mlm on 1,024 tokens" in out


def test_options_of_the_objective_are_what_they_say(xlm_r, tmp_path):
    """``whole-words no`` was true, and two ways to write one setting were two settings."""
    trained = {}
    for name, options in {"text": {"whole-words": "no"}, "value": {"whole_words": False}}.items():
        settings = replace(ONE_THREAD, objective="mlm", objective_options=options)
        adapt(xlm_r, GERMAN, tmp_path / name, settings, replace(QUICK, tokens=512, checks=1))
        stage = json.loads((tmp_path / name / "monoglot" / "adapted" / "stage.json").read_text())
        trained[name] = stage["settings"]["options"], stage["content_key"]
    assert trained["text"] == trained["value"]
    assert trained["text"][0] == {"whole_words": False}


@pytest.fixture(scope="module")
def encoder(tiny_folder, tmp_path_factory):
    """A tiny sentence encoder with a prompt of its own."""
    folder = tmp_path_factory.mktemp("encoders") / "encoder"
    shutil.copytree(tiny_folder("xlm-roberta"), folder)
    AutoModel.from_pretrained(folder, add_pooling_layer=False).save_pretrained(folder)
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / PROMPTS).write_text(json.dumps({"prompts": {"other": "andere: "}}))
    return folder


def test_the_prefix_of_a_distillation_is_the_default_prompt_of_its_output(encoder, tmp_path):
    prefix = {"prefix": "Frage: ", "pooling": "mean"}
    settings = AdaptSettings(threads=1, teacher=str(encoder), objective_options=prefix)
    result = adapt(encoder, GERMAN, tmp_path / "out", settings, replace(QUICK, tokens=512))
    said = {"prompts": {"other": "andere: ", "frage": "Frage: "}, "default_prompt_name": "frage"}
    assert json.loads((tmp_path / "out" / PROMPTS).read_text()) == said
    assert result.record["default_prompt"] == "Frage: "
    assert not any("prompt" in warning for warning in result.record["warnings"])
    shown = [str(part) for part in adapted_table(result)]
    assert any("default prompt is 'Frage: '" in part for part in shown)
    card = ModelCard.load(tmp_path / "out" / LAYOUT.card)
    (measured,) = card.data.eval_results
    assert (measured.metric_type, measured.metric_value) == ("cosine", round(result.quality.after, 4))
    assert result.quality.as_before == result.quality.heldout
    assert re.search(r"cosine to the original \.?\d\S+ \(\S+ to \S+ at 95%\)", card.text)
    compared = f"Compared with the original on {result.quality.lines} held-out lines:[/] cosine to"
    assert any(compared in part for part in shown)
    heldout = tmp_path / "out" / "monoglot" / LAYOUT.heldout
    command = f"monoglot evaluate {result.output} {heldout} --against {encoder} --threads 1"
    assert result.next_command == command
    assert shown[-1].endswith(f"  {command}")
    assert main([*shlex.split(command)[1:], "--lines", "3", "--quiet"]) == 0


@pytest.mark.parametrize(
    ("settings", "training", "words"),
    [
        ({"attention": "flush"}, {}, "--attention flush can't be used"),
        ({}, {"report_to": ("nothing",)}, "--report-to nothing can't be used"),
        ({}, {"layers": (9,)}, "--layers 9: the model has layers 0 to"),
        ({}, {"schedule": "new-rows"}, "needs a model with rows that were not copied"),
    ],
)
def test_what_can_not_be_followed_is_refused_before_the_text_is_read(
    settings, training, words, xlm_r, tmp_path, monkeypatch
):
    monkeypatch.setattr("monoglot.pipeline.adapt.read_corpus", lambda context: pytest.fail("read"))
    with pytest.raises(SettingError, match=words):
        adapt(
            xlm_r, DATA / "de.txt", tmp_path / "out", AdaptSettings(**settings), TrainingSettings(**training)
        )
    assert not (tmp_path / "out").exists()


def test_a_tool_that_can_not_record_the_run_is_refused():
    check_reports([])
    with pytest.raises(SettingError, match=r"--report-to nothing can't be used .*nothing is not supported"):
        check_reports(["nothing"])


def test_the_original_is_what_the_model_was_made_of(encoder, tmp_path):
    student = open_source(str(encoder))
    assert find_original(student, None) is student
    made = open_source(str(shutil.copytree(encoder, tmp_path / "made")))
    (made.folder / LAYOUT.home).mkdir()
    manifest = made.folder / LAYOUT.home / LAYOUT.manifest

    def recorded(source, key):
        manifest.write_text(json.dumps({"names": {"source": str(source)}, "inputs": {"source": key}}))
        return find_original(made, student)

    assert recorded(encoder, student.key) is student
    assert recorded(encoder, "other") == f"the files of {encoder} have changed since the model was made of it"
    moved = tmp_path / "moved"
    assert (
        recorded(moved, "other") == f"the original can't be read (the model '{moved}' is not on this machine)"
    )
    manifest.write_text(json.dumps({"names": {"source": ["a"]}, "inputs": {}}))
    assert find_original(made, student) is made


def test_an_original_that_only_a_file_names_is_not_downloaded_and_its_code_not_run(
    encoder, tmp_path, monkeypatch
):
    made = Source("made", shutil.copytree(encoder, tmp_path / "made"), trust_remote_code=True)
    (made.folder / LAYOUT.home).mkdir()
    manifest = made.folder / LAYOUT.home / LAYOUT.manifest
    asked = []

    def cached(name, *, local_files_only=False, **_):
        asked.append((name, local_files_only))
        return str(encoder)

    monkeypatch.setattr("monoglot.model.find.snapshot_download", cached)
    key = open_source(str(encoder)).key
    manifest.write_text(json.dumps({"names": {"source": "some/model"}, "inputs": {"source": key}}))
    found = find_original(made, None)
    assert asked == [("some/model", True)]
    assert found.folder == encoder
    assert not found.trust_remote_code


def test_a_changed_parallel_text_is_trained_on_anew_and_a_broken_one_refused(encoder, tmp_path):
    lines = sample("de", 120)
    (tmp_path / "text.txt").write_text("\n".join(lines), encoding="utf-8")
    pairs, output = tmp_path / "pairs.tsv", tmp_path / "out"
    options = {"pooling": "mean", "prefix": "query: ", "parallel": str(pairs)}
    settings = AdaptSettings(threads=1, teacher=str(encoder), objective_options=options)

    def reused(written):
        pairs.write_text(written, encoding="utf-8")
        training = replace(QUICK, tokens=512, checks=1)
        adapt(encoder, tmp_path / "text.txt", output, settings, training, overwrite=True)
        measured = json.loads((output / "monoglot" / LAYOUT.measured).read_text())
        return measured["stages"]["adapted"]["reused"]

    assert not reused("Haus\thouse\n")
    assert not reused("Haus\tHaus\n")
    with pytest.raises(SettingError, match=r"line 1 of .*pairs.tsv has 1 columns"):
        reused("Haus house\n")


def test_a_sentence_encoder_without_teacher_is_told_its_original(encoder, tmp_path):
    made = shutil.copytree(encoder, tmp_path / "made")
    home = made / LAYOUT.home
    home.mkdir()
    (home / LAYOUT.manifest).write_text(json.dumps({"names": {"source": "models/e5"}}))
    with pytest.raises(SettingError, match="add --teacher models/e5"):
        resolved(made, AdaptSettings(threads=1))


def test_specialize_keeps_and_writes_the_prefix_of_its_training(encoder, tmp_path):
    options = {"objective-options": {"prefix": "Tafuta habari: "}}
    settings = Settings(mode="trim", threads=1, minimum_count=3, adapt_tokens=512, adapt_options=options)
    summary = specialize(encoder, GERMAN, tmp_path / "out", settings)
    assert "the prefix of the training" in summary.kept
    old, new = (AutoTokenizer.from_pretrained(folder) for folder in (encoder, tmp_path / "out"))
    assert old.tokenize("Tafuta habari: ") == new.tokenize("Tafuta habari: ")
    written = json.loads((tmp_path / "out" / PROMPTS).read_text())
    assert written["prompts"][written["default_prompt_name"]] == "Tafuta habari: "


def test_training_without_the_models_own_prompt_is_said(encoder, tmp_path, caplog):
    folder = tmp_path / "encoder"
    shutil.copytree(encoder, folder)
    write_prefix(folder, "Frage: ")
    settings = AdaptSettings(threads=1, teacher=str(folder), objective_options={"pooling": "mean"})
    resolved(folder, settings)
    assert "puts 'Frage: ' before each text" in caplog.text
