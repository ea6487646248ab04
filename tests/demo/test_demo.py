"""The model and the text that come with the package."""

import gzip

import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

from monoglot.demo import LANGUAGES, heldout_path, model_path, sample_path
from monoglot.errors import SettingError

MOST_BYTES = 12_000_000


def test_the_model_loads_and_prefers_words_that_it_has_read():
    model = AutoModelForMaskedLM.from_pretrained(model_path(), dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(model_path())
    ids = tokenizer("Der Bundestag hat das <mask> beschlossen.", return_tensors="pt")
    place = ids["input_ids"][0].tolist().index(tokenizer.mask_token_id)
    with torch.no_grad():
        logits = model(**ids).logits[0, place]
    german, swahili = (tokenizer.convert_tokens_to_ids(word) for word in ("▁Gesetz", "▁serikali"))
    assert tokenizer.unk_token_id not in (german, swahili)
    assert logits[german] > logits[swahili]


def test_it_is_small_and_safe():
    weights = model_path() / "model.safetensors"
    assert weights.stat().st_size <= MOST_BYTES
    assert not list(model_path().glob("*.bin"))


def test_its_card_says_how_it_was_made_and_how_good_it_is():
    card = (model_path() / "README.md").read_text(encoding="utf-8")
    assert "experiments.pretrain_demo" in card
    rows = [line for line in card.splitlines() if line.startswith("| ") and len(line.split()[1]) == 2]
    assert len(rows) == 9
    for row in rows:
        model, unigram = (float(cell) for cell in row.split("|")[2:4])
        assert model < unigram


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_and_held_out_text_have_no_line_in_common(language):
    with gzip.open(sample_path(language), "rt", encoding="utf-8") as file:
        text = file.read().splitlines()
    heldout = heldout_path(language).read_text(encoding="utf-8").splitlines()
    assert len(text) > 1000
    assert len(heldout) == 200
    assert not set(text) & set(heldout)


def test_another_language_is_refused():
    with pytest.raises(SettingError, match=r"no demo for language 'fr'.*monoglot specialize"):
        sample_path("fr")
