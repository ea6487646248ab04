"""Every task from file to scores, on a model that fits in milliseconds."""

import json
import random

import numpy as np
import pytest
import torch
import transformers

from monoglot.errors import CorpusError, ModelError, SettingError, TrainingError
from monoglot.evaluation import finetuning
from monoglot.evaluation.finetuning import finetune, spread
from monoglot.evaluation.labeled_data import DataSplit, read_split
from monoglot.evaluation.registry import get_task, register, task_names
from monoglot.evaluation.sentences import SentenceEncoder
from monoglot.evaluation.settings import FineTuning
from monoglot.evaluation.task import need
from monoglot.evaluation.task_heads import load_with_head
from monoglot.model.tokenizer_folder import load_tokenizer
from tests.fixtures.models import ARCHITECTURES

WORDS = ["Gesetz", "Verordnung", "Bund", "Land", "Recht", "Behörde"]
NAMES = ["Anton", "Wilhelm"]
FAST = FineTuning(epochs=5, learning_rate=1e-2, batch_size=8, longest_tokens=40)


def tagged(generator):
    tokens = generator.choices([*WORDS, *NAMES], k=6)
    return {"tokens": tokens, "labels": ["B-PER" if token in NAMES else "O" for token in tokens]}


def classified(generator):
    label = generator.choice(["recht", "name"])
    return {"text": " ".join(generator.choices(WORDS if label == "recht" else NAMES, k=4)), "label": label}


def inferred(generator):
    word = generator.choice([*WORDS, *NAMES])
    label = "entailment" if word in WORDS else "contradiction"
    return {"premise": "Das Gesetz gilt", "hypothesis": f"{word} {word}", "label": label}


def rated(generator):
    word = generator.choice([*WORDS, *NAMES])
    score = generator.random() + 3 * (word in WORDS)
    return {"s1": "Das Recht", "s2": word, "score": score}


def asked(generator):
    name = generator.choice(NAMES)
    before = " ".join(generator.choices(WORDS, k=generator.randint(1, 5)))
    answers = {"text": [name], "answer_start": [len(before) + 1]}
    return {"question": "Wer?", "context": f"{before} {name} Land", "answers": answers}


MAKERS = {
    "ner": tagged, "pos": tagged, "classification": classified, "nli": inferred, "sts": rated, "qa": asked,
}  # fmt: skip


def splits(task, folder, sizes=(96, 24, 24)):
    """Made-up data as files, read again."""
    generator = random.Random(1)
    found = []
    for role, size in zip(("train", "dev", "test"), sizes, strict=True):
        path = folder / f"{role}.jsonl"
        lines = [json.dumps(MAKERS[task](generator), ensure_ascii=False) for _ in range(size)]
        path.write_text("\n".join(lines), encoding="utf-8")
        found.append(read_split(str(path), get_task(task).columns, role))
    return found


@pytest.mark.parametrize("task", sorted(MAKERS))
def test_a_task_is_learnt_from_file_to_scores(task, xlm_r, tmp_path):
    train, dev, test = splits(task, tmp_path)
    before = torch.random.get_rng_state()
    scores = finetune(xlm_r, load_tokenizer(xlm_r), get_task(task), train, dev, [test, dev], FAST, 1)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert scores.tests[dev.name] == scores.dev  # the best epoch's model is the one that is judged
    # Ratings vary at random within two groups, so that their ranks can't be told, but their values.
    judged = "pearson" if task == "sts" else get_task(task).metric
    assert scores.tests[test.name][judged] > (0.5 if task == "qa" else 0.75)
    assert 1 <= scores.epoch <= 5


def test_the_same_seed_gives_the_same_scores(xlm_r, tmp_path):
    train, dev, test = splits("classification", tmp_path)
    quick = FineTuning(epochs=1, batch_size=8, learning_rate=1e-3)
    runs = [
        finetune(xlm_r, load_tokenizer(xlm_r), get_task("classification"), train, dev, [test], quick, seed)
        for seed in (1, 1)
    ]
    assert runs[0] == runs[1]


def test_a_decoder_takes_the_head_that_it_has(tiny_folder, tmp_path):
    folder = tiny_folder("gemma3")
    train, dev, test = splits("classification", tmp_path)
    task = get_task("classification")
    scores = finetune(folder, load_tokenizer(folder), task, train, dev, [test], FAST, 1)
    assert scores.tests[test.name]["accuracy"] > 0.75
    with pytest.raises(
        ModelError, match="transformers has no QuestionAnswering head for models of type 'gemma3"
    ):
        load_with_head(folder, "AutoModelForQuestionAnswering", [], load_tokenizer(folder))


def test_labels_that_differ_between_splits_are_refused(xlm_r, tmp_path):
    train, dev, _ = splits("classification", tmp_path)
    other = DataSplit("test.jsonl", [{"text": "ja", "label": "sport"}], (4,))
    task = get_task("classification")
    with pytest.raises(
        CorpusError, match=r"line 4 of test.jsonl has the label 'sport', which the training data"
    ):
        finetune(xlm_r, load_tokenizer(xlm_r), task, train, dev, [other], FAST, 1)


def test_a_rare_label_that_the_training_data_lack_counts_as_wrong(source_tokenizers, caplog):
    task, tokenizer = get_task("pos"), source_tokenizers["unigram"]
    words = ["Haus"] * 99
    rare = DataSplit("test.conll", [{"tokens": [*words, "oh"], "labels": ["NOUN"] * 99 + ["INTJ"]}], (1,))
    prepared = task.prepare(rare, tokenizer, ["NOUN"], 512)
    assert "1 of 100 words of test.conll have labels that the training data lack (INTJ)" in caplog.text
    logits = np.zeros((1, len(prepared.features[0]["input_ids"]), 1))
    assert prepared.score(logits) == {"accuracy": 0.99, "words": 100}
    often = DataSplit("test.conll", [{"tokens": ["Haus", "oh"], "labels": ["NOUN", "INTJ"]}], (7,))
    with pytest.raises(CorpusError, match=r"line 7 of test.conll has the label 'INTJ', which the training"):
        task.prepare(often, tokenizer, ["NOUN"], 512)


@pytest.mark.parametrize(
    ("task", "record", "message"),
    [
        ("sts", {"first": "a", "second": "b", "score": "gut"}, "has the score 'gut'; expected a number"),
        ("sts", {"first": "a", "second": "b", "score": float("nan")}, "has the score nan; expected a number"),
        ("nli", {"premise": 3, "hypothesis": "b", "label": "x"}, "has 3 as premise; expected text"),
        ("qa", {"question": "a", "context": "b", "answers": []}, r"has the answers \[\]"),
    ],
)
def test_broken_examples_are_named(source_tokenizers, task, record, message):
    with pytest.raises(CorpusError, match=f"line 9 of a.jsonl {message}"):
        get_task(task).prepare(DataSplit("a.jsonl", [record], (9,)), source_tokenizers["unigram"], ["x"], 40)


def test_a_text_longer_than_a_window_is_read_in_several(source_tokenizers):
    answers = {"text": ["Anton"], "answer_start": [len("Gesetz " * 40)]}
    record = {"question": "Wer? " * 30, "context": "Gesetz " * 40 + "Anton", "answers": answers}
    tokenizer = source_tokenizers["unigram"]
    prepared = get_task("qa").prepare(DataSplit("a", [record]), tokenizer, [], 40)
    positions = [feature["start_positions"] for feature in prepared.features]
    assert len(positions) > 3
    assert positions[-1] > 0  # only the last window has the answer
    assert positions[0] == 0
    widths = [len(feature["input_ids"]) for feature in prepared.features]
    assert max(widths) <= 40
    scores = [[0.0] * 40 for _ in widths], [[0.0] * 40 for _ in widths]
    scores[0][-1][positions[-1]] = scores[1][-1][prepared.features[-1]["end_positions"]] = 9
    assert prepared.score(tuple(np.array(side) for side in scores))["exact_match"] == 1


def test_a_text_shorter_than_a_window_is_one_window(source_tokenizers):
    answers = {"text": ["Anton"], "answer_start": [0]}
    record = {"question": "Wer?", "context": "Anton", "answers": answers}
    split = DataSplit("a", [record])
    (feature,) = get_task("qa").prepare(split, source_tokenizers["unigram"], [], 64).features
    assert 0 < feature["start_positions"] <= feature["end_positions"] < len(feature["input_ids"])
    with pytest.raises(SettingError, match="windows of at least 32 tokens, longest_tokens was: 8"):
        get_task("qa").prepare(DataSplit("a", [record]), source_tokenizers["unigram"], [], 8)


def test_retrieval_and_similarity_compare_vectors_as_they_are(source_tokenizers):
    tokenizer = source_tokenizers["unigram"]
    encoder = SentenceEncoder(ARCHITECTURES["xlm-roberta"](tokenizer), tokenizer)
    texts = ["Das Gesetz gilt", "Anton Wilhelm", "Recht und Land und Bund"]
    pairs = DataSplit("a", [{"sentence": text, "english": text} for text in texts])
    scores = get_task("retrieval").compare(pairs, encoder, encoder)
    assert scores == {"to_english": 1, "from_english": 1, "pairs": 3}
    original = SentenceEncoder(encoder.model, tokenizer)
    assert get_task("retrieval").compare(pairs, encoder, original)["to_original_english"] == 1
    rated = [{"first": texts[0], "second": text, "score": 3 - i} for i, text in enumerate(texts)]
    assert -1 <= get_task("sts").compare(DataSplit("a", rated), encoder, encoder)["spearman"] <= 1


def test_the_registry_knows_its_tasks():
    assert task_names() == ["classification", "ner", "nli", "pos", "qa", "retrieval", "sts"]
    with pytest.raises(SettingError, match="did you mean 'ner'"):
        get_task("nre")
    with pytest.raises(ValueError, match="the task 'ner' is registered twice"):
        register("ner")(object)


def test_a_missing_package_is_named_with_what_to_install():
    with pytest.raises(
        SettingError, match=r"needs the package nothing_here.*pip install 'monoglot\[tasks\]'"
    ):
        need("nothing_here.metrics", "ner")


def test_settings_that_are_no_use_are_refused():
    with pytest.raises(SettingError, match="--epochs can't be 0: give 1 or more"):
        FineTuning(epochs=0)
    with pytest.raises(SettingError, match=r"--precision can't be 'bf61'.*bf16"):
        FineTuning(precision="bf61")


def test_spread_of_one_seed_has_no_deviation():
    assert spread([0.5]) == {"mean": 0.5, "std": None}
    assert spread([0.4, 0.6]) == pytest.approx({"mean": 0.5, "std": 0.02**0.5})


@pytest.mark.parametrize("task", ["ner", "qa", "classification", "nli"])
def test_padding_on_the_left_changes_no_score(task, tiny_folder, tmp_path):
    folder = tiny_folder("bert")
    quick = FineTuning(epochs=1, batch_size=8, learning_rate=1e-2, longest_tokens=32)
    train, dev, test = splits(task, tmp_path, sizes=(32, 16, 16))
    found = []
    for side in ("right", "left"):
        tokenizer = load_tokenizer(folder)
        tokenizer.padding_side = tokenizer.truncation_side = side
        found.append(finetune(folder, tokenizer, get_task(task), train, dev, [test], quick, 1))
        assert tokenizer.padding_side == tokenizer.truncation_side == side
    assert found[0] == found[1]


@pytest.mark.parametrize("task", ["nli", "qa"])
def test_pairs_have_segment_ids_where_the_model_has_segments(task, tiny_folder, tmp_path, monkeypatch):
    """Whatever inputs the tokenizer names."""
    train, dev, test = splits(task, tmp_path, sizes=(8, 8, 8))
    quick = FineTuning(epochs=1, batch_size=8, longest_tokens=32)
    seen = []
    prepare = type(get_task(task)).prepare

    def watched(self, split, tokenizer, labels, longest):
        found = prepare(self, split, tokenizer, labels, longest)
        seen.extend(found.features)
        return found

    monkeypatch.setattr(type(get_task(task)), "prepare", watched)
    for family, has_segments in (("bert", True), ("distilbert", False)):
        for names in (["input_ids", "attention_mask"], ["input_ids", "token_type_ids", "attention_mask"]):
            seen.clear()
            folder = tiny_folder(family)
            tokenizer = load_tokenizer(folder)
            tokenizer.model_input_names = names
            finetune(folder, tokenizer, get_task(task), train, dev, [test], quick, 1)
            assert all(("token_type_ids" in feature) == has_segments for feature in seen)
            if has_segments:
                assert all({0, 1} == set(feature["token_type_ids"]) for feature in seen)


@pytest.mark.parametrize("task", ["qa", "classification", "sts"])
def test_a_head_of_another_size_is_replaced(task, tiny_folder, tmp_path):
    """A model that told three classes apart is trained for questions, for two classes, and for ratings."""
    tokenizer = load_tokenizer(tiny_folder("bert"))
    cls = (
        transformers.BertForQuestionAnswering if task == "qa" else transformers.BertForSequenceClassification
    )
    three = ARCHITECTURES["bert"](tokenizer).config
    three.num_labels, three.problem_type = 3, "multi_label_classification"
    cls(three).save_pretrained(tmp_path / "three")
    tokenizer.save_pretrained(tmp_path / "three")
    train, dev, test = splits(task, tmp_path, sizes=(16, 8, 8))
    quick = FineTuning(epochs=1, batch_size=8, longest_tokens=32)
    scores = finetune(tmp_path / "three", tokenizer, get_task(task), train, dev, [test], quick, 1)
    assert np.isfinite(scores.dev[get_task(task).metric])


def test_the_usual_head_takes_states_as_they_are(xlm_r, tmp_path, monkeypatch):
    train, dev, test = splits("classification", tmp_path, sizes=(16, 8, 8))
    quick = FineTuning(epochs=1, batch_size=8)
    standardized = []
    monkeypatch.setattr(finetuning, "standardize_inputs", lambda *given: standardized.append(given))
    for head, times in (("usual", 0), ("standardized", 1)):
        finetune(
            xlm_r, load_tokenizer(xlm_r), get_task("classification"), train, dev, [test], quick, 1, head=head
        )
        assert len(standardized) == times
    assert FineTuning().each_head == ("standardized", "usual")
    assert FineTuning(heads="usual").each_head == ("usual",)
    with pytest.raises(SettingError, match="--heads can't be 'all'"):
        FineTuning(heads="all")


def test_outputs_that_are_no_numbers_are_an_error(xlm_r, tmp_path, monkeypatch):
    train, dev, test = splits("classification", tmp_path, sizes=(16, 8, 8))

    def poisoned(*given, **more):
        model, new = load_with_head(*given, **more)
        model.classifier.register_forward_hook(lambda _, given, logits: logits * float("nan"))
        return model, new

    monkeypatch.setattr(finetuning, "load_with_head", poisoned)
    quick = FineTuning(epochs=1, batch_size=8)
    with pytest.raises(TrainingError, match="outputs became NaN or infinite: give a lower --learning-rate"):
        finetune(xlm_r, load_tokenizer(xlm_r), get_task("classification"), train, dev, [test], quick, 1)


def test_a_head_that_was_trained_before_is_drawn_again(tiny_folder, tmp_path):
    tokenizer = load_tokenizer(tiny_folder("bert"))
    config = ARCHITECTURES["bert"](tokenizer).config
    config.num_labels = 3
    trained = transformers.BertForSequenceClassification(config)
    with torch.no_grad():
        trained.classifier.weight.fill_(5)
    trained.save_pretrained(tmp_path / "three")
    torch.manual_seed(0)
    model, new = load_with_head(
        tmp_path / "three", "AutoModelForSequenceClassification", ["a", "b", "c"], tokenizer
    )
    assert {"classifier.weight", "classifier.bias"} <= new
    assert 0 < model.classifier.weight.abs().max() < 1
    assert torch.equal(model.bert.pooler.dense.weight, trained.bert.pooler.dense.weight)
