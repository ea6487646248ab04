import numpy as np
import pytest

from monoglot.errors import CorpusError
from monoglot.evaluation.labeled_data import DataSplit
from monoglot.evaluation.tagging import IGNORED, tag

LABELS = ["O", "B-PER", "I-PER"]
SENTENCE = {"tokens": ["Gesetzgebung", "Anton", "日本", "語", "Wilhelm", "."],
            "labels": ["O", "B-PER", "O", "I-PER", "I-PER", "O"]}  # fmt: skip


@pytest.mark.parametrize("family", ["unigram", "wordpiece", "byte-level-bpe", "sentencepiece-bpe"])
def test_the_first_token_of_each_word_answers_for_it(source_tokenizers, family):
    tokenizer = source_tokenizers[family]
    tagged = tag(DataSplit("x", [SENTENCE]), tokenizer, LABELS, 60)
    (feature,), (places,) = tagged.features, tagged.first_tokens
    text = "Gesetzgebung Anton 日本語 Wilhelm ."
    assert feature["input_ids"] == tokenizer(text)["input_ids"]
    found = [place for place in places if place >= 0]
    assert found == sorted(set(found))
    assert (places[[0, 1, 4, 5]] >= 0).all()  # a token may well cover both 日本 and 語
    wanted = np.array(feature["labels"])
    assert [LABELS[wanted[p]] for p in found] == [
        label for label, place in zip(SENTENCE["labels"], places, strict=True) if place >= 0
    ]
    assert (np.delete(wanted, found) == IGNORED).all()
    for word, place in zip(SENTENCE["tokens"], places, strict=True):
        if word.isascii():
            start = tokenizer(text, return_offsets_mapping=True)["offset_mapping"][place]
            assert word.startswith(text[start[0] : start[1]].strip())
    logits = np.zeros((1, len(wanted), 3))
    logits[0, np.arange(len(wanted)), np.maximum(wanted, 0)] = 1
    predicted = tagged.predictions(logits, LABELS, "O")[0]
    assert [predicted[i] for i in (0, 1, 4, 5)] == ["O", "B-PER", "I-PER", "O"]


def test_words_that_are_cut_off_have_the_default(source_tokenizers):
    tokenizer = source_tokenizers["unigram"]
    record = {"tokens": ["und"] * 50, "labels": ["B-PER"] * 50}
    tagged = tag(DataSplit("x", [record]), tokenizer, LABELS, 10)
    logits = np.zeros((1, 10, 3))
    logits[..., 1] = 1
    predicted = tagged.predictions(logits, LABELS, "O")[0]
    assert len(tagged.features[0]["input_ids"]) == 10
    assert len(predicted) == 50
    assert predicted == ["B-PER"] * 8 + ["O"] * 42


def test_labels_that_training_lacks_and_uneven_lists_are_refused(source_tokenizers):
    tokenizer = source_tokenizers["unigram"]
    unknown = DataSplit("dev.conll", [{"tokens": ["Bonn"], "labels": ["B-LOC"]}], (7,))
    with pytest.raises(CorpusError, match=r"line 7 of dev.conll has the label 'B-LOC', which the training"):
        tag(unknown, tokenizer, LABELS, 10)
    uneven = DataSplit("dev.jsonl", [{"tokens": ["Bonn", "."], "labels": ["O"]}], (3,))
    with pytest.raises(CorpusError, match=r"line 3 of dev.jsonl has 2 tokens and 1 labels"):
        tag(uneven, tokenizer, LABELS, 10)
