"""The model card: metadata that the hub can read, and a README that is never overwritten."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml
from huggingface_hub import ModelCard

from monoglot.evaluation.line_scores import Interval
from monoglot.evaluation.quality import Quality
from monoglot.reporting.card import is_untouched, plain, write
from monoglot.reporting.card_metadata import CardFacts, license_of, tags
from monoglot.reporting.facts import Facts
from monoglot.reporting.model_kind import ModelKind
from monoglot.reporting.summary import Scores

SCORES = Scores.from_dict(
    {
        "parameters": [100, 50],
        "vocabulary": [1000, 500],
        "tokenizers": [
            {"tokens": 10, "fertility": 2.0, "bytes_per_token": 3.0, "unknown_share": 0.0},
            {"tokens": 8, "fertility": 1.6, "bytes_per_token": 4.0, "unknown_share": 0.0},
        ],
        "provenance": {
            "copied": {"tokens": 200, "vocabulary_share": 0.4, "corpus_share": 0.8},
            "method": {"tokens": 300, "vocabulary_share": 0.6, "corpus_share": 0.2},
        },
        "warnings": [],
    }
)
FACTS = Facts(
    "owner/model", "my: *model*", "replace", "focus", "cooccurrence", SCORES, {"bytes": 10, "lines": 2}
)
CARD = CardFacts(ModelKind("transformers", "AutoModelForMaskedLM", "fill-mask"), "de", "owner/model")
PLAIN = ModelKind("transformers", "AutoModel", None)


def test_the_hub_reads_the_metadata():
    card = ModelCard(write(FACTS, CARD, ["only 1% of it | is <known>"]))
    assert card.data.to_dict() == {
        "language": "de",
        "base_model": "owner/model",
        "library_name": "transformers",
        "pipeline_tag": "fill-mask",
        "tags": ["monoglot", "vocabulary-transfer", "focus"],
    }
    assert "# my: \\*model\\*" in card.text
    assert "- only 1% of it \\| is \\<known\\>" in card.text
    assert "| parameters | 100 | 50 | −50.0% |" in card.text
    assert "@inproceedings{dobler-de-melo-2023-focus" in card.text
    assert "has not been trained with it" in card.text


@pytest.mark.parametrize("name", ["no", "a: b", "'", "- x\n- y", "#1"])
def test_metadata_is_escaped(name):
    text = write(FACTS, CardFacts(PLAIN, name, name), [])
    metadata = yaml.safe_load(text.split("---\n")[1])
    assert metadata["language"] == metadata["base_model"] == name


def test_what_is_not_known_is_left_out():
    text = write(FACTS, CardFacts(PLAIN), [])
    assert set(yaml.safe_load(text.split("---\n")[1])) == {"library_name", "tags"}


def test_what_was_measured_is_in_the_hubs_form():
    quality = Quality("cosine", 100, 1.0, 0.98765, Interval(-0.012, -0.02, -0.01))
    card = ModelCard(write(replace(FACTS, quality=quality), CARD, []))
    (result,) = card.data.eval_results
    assert (result.metric_type, result.metric_value) == ("cosine", 0.9877)
    assert result.dataset_name == "100 held-out lines of the corpus"
    (entry,) = card.data.to_dict()["model-index"]
    assert entry["name"] == FACTS.output
    assert "cosine to the original 0.9877" in card.text


def test_what_was_not_measured_of_a_trained_model_is_not_claimed():
    metrics = ({"tokens": 0, "bits_per_byte": 2.0}, {"tokens": 9, "bits_per_byte": 1.5})
    training = {"tokens": 9, "steps": 1}
    trained = replace(FACTS, training=training, metrics=metrics, objective="mlm")
    for quality in (None, Quality(skipped="the original can't be read")):
        card = ModelCard(write(replace(trained, quality=quality), CARD, []))
        assert card.data.eval_results is None
        assert "**quality**: bits per byte, held-out text 2.0000 → 1.5000" in card.text
    measured = Quality("bits_per_byte", 9, 2.0, 1.6, Interval(-0.4, -0.5, -0.3), (), 9, 3)
    card = ModelCard(write(replace(trained, quality=measured), CARD, []))
    assert card.data.eval_results[0].metric_value == 1.6
    assert "2.000 → 1.600 bits per byte (−0.400, −0.500 to −0.300 at 95%)" in card.text


def test_prompts_come_with_an_example():
    kind = ModelKind("sentence-transformers", "AutoModel", "sentence-similarity")
    text = write(FACTS, CardFacts(kind, prompts=("query: ", "passage: ")), [])
    assert 'model.encode(["query: " + text for text in texts])' in text
    assert "`query: `, `passage: `." in text
    trained = CardFacts(kind, prompts=("query: ", "passage: "), default_prompt="query: ")
    text = write(FACTS, trained, [])
    assert "model.encode(texts)" in text
    assert "do not write it yourself" in text
    assert 'model.encode(texts, prompt="passage: ")' in text
    assert 'prompt="query: "' not in text


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("---\nlicense: mit\ntags: [a]\n---\n# Model\n", "mit"),
        ("---\ntags: [a]\n---\n", None),
        ("---\nlicense: [\n---\n", None),
        ("# Model\n---\nlicense: mit\n---\n", None),
        (None, None),
    ],
)
def test_the_license_is_the_originals_or_unknown(tmp_path, head, expected):
    if head is not None:
        (tmp_path / "README.md").write_text(head)
    found = license_of(tmp_path)
    assert found == expected
    text = write(FACTS, CardFacts(PLAIN, license=found), [])
    assert ("License: mit, that of the original" if expected else "License: unknown") in text
    assert yaml.safe_load(text.split("---\n")[1]).get("license") == expected


@pytest.mark.parametrize(
    ("mode", "training", "objective", "expected"),
    [
        ("trim", {}, "", ["monoglot", "vocabulary-trimming"]),
        ("extend", {"steps": 1}, "mlm", ["monoglot", "vocabulary-extension", "continued-pretraining"]),
        (
            "graft", {"steps": 1}, "distill",
            ["monoglot", "vocabulary-trimming", "vocabulary-extension", "distillation"],
        ),
    ],
)  # fmt: skip
def test_tags_say_what_was_done(mode, training, objective, expected):
    facts = replace(FACTS, mode=mode, method="subword", training=training, objective=objective)
    assert tags(facts) == expected
    focused = tags(replace(facts, method="blend"))
    assert "focus" in focused


def test_only_a_card_as_it_was_written_is_untouched():
    text = write(FACTS, CARD, [])
    assert is_untouched(text)
    assert not is_untouched(text.replace("Limits", "My limits"))
    assert not is_untouched(text + "\nMy words.\n")
    assert not is_untouched("# Mine\n")


def test_plain_text_means_nothing_in_markdown():
    assert plain("a|b_c<d>") == "a\\|b\\_c\\<d\\>"


def test_names_from_outside_stay_in_their_line():
    assert plain("a\x1b[31m\nb") == r"a\\x1b\[31m\\nb"
