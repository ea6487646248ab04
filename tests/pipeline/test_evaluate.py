"""`evaluate`, from Python and from the command line."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from monoglot.cli import main
from monoglot.cli.show import evaluation_tables
from monoglot.errors import SettingError
from monoglot.evaluation.bits_per_byte import score_language
from monoglot.evaluation.settings import FineTuning
from monoglot.model.folder import load_model
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.pipeline.evaluate import compare, evaluate
from monoglot.settings import EvaluateSettings, TaskSettings
from tests.fixtures.tokenizers import DATA, sample

PAIRS = (("Das Haus", "Ein Wald"), ("Der Hund", "Das Tier"), ("Das Gesetz", "Das Recht"))
NER = "Anton B-PER\ngeht O\n\n" * 12


def run(capsys, *words):
    """Exit code, standard output and error of one command."""
    code = main(["evaluate", *(str(word) for word in words)])
    return code, *capsys.readouterr()


def test_a_text_is_scored_line_by_line(tiny_folder, tmp_path):
    folder = tiny_folder("gemma3")
    found = evaluate(str(folder), [str(DATA / "de.txt")], settings=EvaluateSettings(lines=20))
    expected = score_language(load_model(folder), load_tokenizer(folder), sample("de", 20))
    (scores,) = found.text
    assert scores.language.bits_per_byte == expected.bits_per_byte
    assert scores.tokenizer.tokens == expected.tokens
    assert (found.difference, found.speed, found.retention, found.before) == (None, None, (), None)
    assert {row["before"] for row in found.rows()} == {None}


def test_the_interval_of_a_difference_holds_it_and_is_zero_without_one(tiny_folder):
    folder = tiny_folder("gemma3")
    text = [str(DATA / "de.txt")]
    same = evaluate(str(folder), text, against=str(folder), settings=EvaluateSettings(lines=10))
    assert vars(same.difference) == {"bits_per_byte": 0, "low": 0, "high": 0}
    assert same.speed.memory_ratio == 1
    assert (same.after, same.before) == same.text
    frame = same.to_pandas().set_index("figure")
    assert (frame["before"] == frame["after"]).all()
    assert frame.loc["bits_per_byte", "after"] == same.after.language.bits_per_byte
    other = evaluate(str(tiny_folder("gpt2")), text, settings=EvaluateSettings(lines=10))
    found = compare((*same.text[:1], *other.text), seed=1)
    bits = [scores.language.bits for scores in (*same.text[:1], *other.text)]
    assert found.bits_per_byte == pytest.approx((bits[0] - bits[1]) / other.text[0].language.bytes)
    assert found.low < found.bits_per_byte < found.high
    assert compare((*same.text[:1], *other.text), seed=1) == found


def test_retention_is_measured_on_the_other_text(tiny_folder):
    folder = str(tiny_folder("xlm-roberta"))
    settings = EvaluateSettings(lines=3, word_share=0.2)
    found = evaluate(folder, [str(DATA / "de.txt")], retention=[str(DATA / "sw.txt")], settings=settings)
    assert found.text[0].language.standard_error > 0
    assert found.retention[0].tokenizer.bytes == len("".join(sample("sw", 3)).encode())


def test_sentence_encoders_are_compared_by_their_vectors(tiny_folder, tmp_path, capsys):
    folder = tmp_path / "encoder"
    shutil.copytree(tiny_folder("bert"), folder)
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
    (folder / "modules.json").write_text(json.dumps(modules))
    words = (folder, DATA / "de.txt", "--lines", 5, "--against")
    code, out, _ = run(capsys, *words, folder)
    assert code == 0
    assert "mean cosine to those of the other 1.0000" in out
    _, out, _ = run(capsys, *words, tiny_folder("bert"), "--json")
    assert json.loads(out)["cosine"] is None  # no sentence encoder


def test_a_model_and_its_original_read_the_same_prefix(sentence_encoder, tmp_path, capsys):
    original = shutil.copytree(sentence_encoder, tmp_path / "original")
    (original / "config_sentence_transformers.json").unlink()
    found = evaluate(sentence_encoder, DATA / "de.txt", against=original, settings=EvaluateSettings(lines=5))
    assert found.cosine == pytest.approx(1)
    (tmp_path / "sts.jsonl").write_text(
        "".join(f'{{"s1": "{a}", "s2": "{b}", "score": {i}}}\n' for i, (a, b) in enumerate(PAIRS))
    )
    words = (sentence_encoder, "--task", "sts", "--test", tmp_path / "sts.jsonl", "--against", original)
    code, _, said = run(capsys, *words)
    assert code == 0
    assert f"{original} is given the prefix 'query: ', as {sentence_encoder} is" in " ".join(said.split())
    _, out, _ = run(capsys, *words, "--json", "--quiet")
    own, others = json.loads(out)["models"]
    assert own["tests"] == others["tests"]


def test_evaluate_prints_tables(tiny_folder, tmp_path, capsys):
    folder = tiny_folder("gemma3")
    (tmp_path / "pairs.jsonl").write_text('{"src": "Das Gesetz", "eng": "the law"}')
    words = (folder, DATA / "de.txt", "--against", folder, "--retention", DATA / "sw.txt", "--lines", 5)
    words = (*words, "--parallel", tmp_path / "pairs.jsonl")
    code, out, err = run(capsys, *words)
    assert code == 0
    assert "the first 5 lines of" in err
    for expected in (
        "bits per byte (exact)",
        "tokens per word",
        "retention",
        "times as fast",
        "95%",
        "parity",
    ):
        assert expected in out


@pytest.mark.parametrize(("ratios", "sure"), [((0.99, 1.04, 1.24), False), ((1.1, 1.2, 1.3), True)])
def test_speeds_that_can_not_be_told_apart_are_said_to_be_so(tiny_folder, ratios, sure):
    folder = tiny_folder("bert")
    found = evaluate(folder, DATA / "de.txt", settings=EvaluateSettings(lines=2), against=folder)
    found = replace(found, speed=replace(found.speed, round_ratios=ratios))
    shown = " ".join(map(str, evaluation_tables(found)))
    assert ("too close to say which is faster" in shown) != sure


def test_evaluate_speaks_json(tiny_folder, capsys):
    code, out, _ = run(capsys, tiny_folder("xlm-roberta"), DATA / "de.txt", "--lines", 2, "--json")
    language = json.loads(out)["text"][0]["language"]
    assert code == 0
    assert language["kind"] == "masked"
    assert language["bytes"] == len("".join(sample("de", 2)).encode())
    assert language["bits_per_byte"] == pytest.approx(language["bits"] / language["bytes"])


def test_a_task_is_evaluated_from_python_too(xlm_r, tmp_path):
    (tmp_path / "ner.conll").write_text(NER)
    file = str(tmp_path / "ner.conll")
    tuning = FineTuning(epochs=1, heads="usual")
    data = TaskSettings(train=file, dev=file, test=(file,), seeds=1)
    found = evaluate(xlm_r, task="ner", data=data, tuning=tuning)
    assert found.task == "ner"
    means = {(row["set"], row["score"]): row["mean"] for row in found.rows()}
    assert {place for place, score in means if score == "f1"} == {"dev", file}
    with pytest.raises(SettingError, match="got neither a text nor a --task"):
        evaluate(xlm_r)


def test_a_task_prints_mean_and_deviation(xlm_r, tmp_path, capsys):
    (tmp_path / "ner.conll").write_text(NER)
    data = tmp_path / "ner.conll"
    words = (xlm_r, "--task", "ner", "--train", data, "--dev", data, "--test", data, "--seeds", 2)
    code, out, _ = run(capsys, *words, "--epochs", 1)
    assert code == 0
    assert "ner, 2 seeds" in out
    assert "±" in out
    assert "standardized states" in out
    assert "Compare published scores with those of the usual head" in out
    code, out, _ = run(capsys, *words, "--epochs", 1, "--heads", "standardized")
    assert code == 0
    assert "--heads both or --heads usual" in out
    assert "\nusual head" not in out
    code, out, _ = run(capsys, *words, "--epochs", 1, "--json")
    models = json.loads(out)["models"]
    assert [one["head"] for one in models] == ["standardized", "usual"]
    scores = models[0]["tests"][str(data)]["f1"]
    assert code == 0
    assert scores["mean"] == pytest.approx(np.mean(scores["seeds"]))
    assert len(scores["seeds"]) == 2


def test_retrieval_is_also_measured_against_the_original(xlm_r, tiny_folder, tmp_path, capsys):
    pairs = [{"src": line, "eng": line} for line in sample("de", 5)]
    (tmp_path / "pairs.jsonl").write_text("\n".join(map(json.dumps, pairs)))
    words = (xlm_r, "--task", "retrieval", "--test", tmp_path / "pairs.jsonl", "--json")
    code, out, _ = run(capsys, *words, "--against", tiny_folder("bert"))
    both = json.loads(out)["models"]
    assert code == 0
    own, originals = (scores["tests"][str(tmp_path / "pairs.jsonl")] for scores in both)
    assert own["to_english"]["mean"] == originals["to_english"]["mean"] == 1
    assert "to_original_english" in own
    assert "to_original_english" not in originals


BAD = {
    "nothing to do": ([], "got neither a text nor a --task"),
    "text and task": (["{de}", "--task", "ner", "--test", "{ner}"], "one of them at a time"),
    "no test data": (["--task", "ner"], "got none; give some with --test"),
    "data without task": (["--test", "{ner}"], "no --task"),
    "unknown task": (["--task", "nre", "--test", "{ner}"], "did you mean 'ner'"),
    "train without dev": (["--task", "ner", "--train", "{ner}", "--test", "{ner}"], "both --train and --dev"),
    "no training": (["--task", "ner", "--test", "{ner}"], "needs fine-tuning"),
    "training for vectors": (
        ["--task", "retrieval", "--train", "{pairs}", "--dev", "{pairs}", "--test", "{pairs}"],
        "leave out --train and --dev",
    ),
    "broken line": (
        ["--task", "ner", "--train", "{broken}", "--dev", "{ner}", "--test", "{ner}"],
        "line 2 of {broken}",
    ),
    "other labels": (
        ["--task", "ner", "--train", "{ner}", "--dev", "{ner}", "--test", "{loc}"],
        "line 1 of {loc} has the label 'B-LOC', which the training data lack",
    ),
    "empty text": (["{empty}"], "no text"),
    "bad share": (["{de}", "--word-share", "2"], "--word-share can't be 2:"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_sentence_and_exit_code_2(case, xlm_r, tmp_path, capsys):
    files = {
        "ner": NER, "broken": "Anton B-PER\nWilhelm\n", "loc": "Bonn B-LOC\n", "empty": "\n",
        "pairs": '{"src": "a", "eng": "b"}\n',
    }  # fmt: skip
    names = {"de": DATA / "de.txt"}
    for name, content in files.items():
        names[name] = tmp_path / f"{name}.{'jsonl' if name == 'pairs' else 'txt'}"
        names[name].write_text(content)
    words, message = BAD[case]
    code, out, error = run(capsys, xlm_r, *(word.format(**names) for word in words))
    assert code == 2
    assert out == ""
    assert message.format(**names) in error.replace("\n", " ")
    # Notes of how far it is have the time of day before them.
    assert len([line for line in error.strip().splitlines() if not line[:2].isdigit()]) == 1


def test_a_model_without_the_head_is_refused(tiny_folder, tmp_path, capsys):
    (tmp_path / "qa.json").write_text(
        json.dumps({"data": [{"paragraphs": [{"context": "In Bonn.", "qas": [
            {"question": "Wo?", "answers": [{"text": "Bonn", "answer_start": 3}]}]}]}]})
    )  # fmt: skip
    data = tmp_path / "qa.json"
    words = ("--task", "qa", "--train", data, "--dev", data, "--test", data)
    code, _, error = run(capsys, tiny_folder("gemma3"), *words)
    assert code == 2
    assert "no QuestionAnswering head for models of type 'gemma3_text'" in error
