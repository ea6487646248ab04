"""The model card: metadata that the hub can read, and a README that is never overwritten."""

from __future__ import annotations

import pytest
import yaml
from huggingface_hub import ModelCard

from monoglot.reporting.card import CardFacts, is_untouched, plain, write
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
CARD = CardFacts("de", "owner/model", ModelKind("transformers", "AutoModelForMaskedLM", "fill-mask"), "0.1.0")
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
    text = write(FACTS, CardFacts(name, name, PLAIN, "0.1.0"), [])
    metadata = yaml.safe_load(text.split("---\n")[1])
    assert metadata["language"] == metadata["base_model"] == name


def test_what_is_not_known_is_left_out():
    text = write(FACTS, CardFacts(None, None, PLAIN, "0.1.0"), [])
    assert set(yaml.safe_load(text.split("---\n")[1])) == {"library_name", "tags"}


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
