import copy
import json
import warnings

import numpy as np
import pytest
import torch

from monoglot.errors import CorpusError, ModelError
from monoglot.evaluation.labeled_data import DataSplit
from monoglot.evaluation.registry import get_task
from monoglot.evaluation.sentences import (
    SentenceEncoder,
    correlations,
    embed,
    mean_cosine,
    precision_at_1,
)
from monoglot.model.pooling import Pooling, pool_rows, read_pooling, read_prefix
from tests.fixtures.models import ARCHITECTURES
from tests.fixtures.tokenizers import sample


def test_ranks_and_values_are_compared():
    # Ranks 1 2 3 4; deviations from the mean -2 -1 0 3 (mean 3) and -1.5 -.5 .5 1.5.
    found = correlations(np.array([1.0, 2.0, 3.0, 6.0]), [0, 1, 2, 3])
    assert found["spearman"] == pytest.approx(1)
    assert found["pearson"] == pytest.approx((3 + 0.5 + 4.5) / np.sqrt(14 * 5))
    assert correlations(np.array([1.0, 2.0, 3.0, 6.0]), [3, 2, 1, 0])["spearman"] == pytest.approx(-1)


def test_a_model_that_rates_all_pairs_alike_gets_zero_and_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert correlations(np.float32([0.5, 0.5, 0.5]), [1, 2, 3]) == {"spearman": 0, "pearson": 0}


def test_ratings_that_are_all_the_same_are_refused(source_tokenizers):
    split = DataSplit("dev.jsonl", [{"first": "a", "second": "b", "score": 2}] * 3, (1, 2, 3))
    with pytest.raises(CorpusError, match=r"all 3 pairs of dev.jsonl are rated 2.0; expected different"):
        get_task("sts").prepare(split, source_tokenizers["unigram"], ["score"], 32)


@pytest.fixture
def encoder(source_tokenizers):
    return ARCHITECTURES["bert-headless"](source_tokenizers["wordpiece"]), source_tokenizers["wordpiece"]


def test_batches_and_padding_do_not_change_a_vector(encoder, monkeypatch):
    model, tokenizer = encoder
    texts = [line[:60] for line in sample("de", 12)]
    together = embed(model, tokenizer, texts)
    alone = np.concatenate([embed(model, tokenizer, [text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    monkeypatch.setattr("monoglot.evaluation.sentences.BATCH_TOKENS_CPU", 40)
    np.testing.assert_allclose(embed(model, tokenizer, texts), together, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, rtol=1e-5)


def test_the_prefix_is_part_of_the_text(encoder):
    model, tokenizer = encoder
    np.testing.assert_allclose(
        embed(model, tokenizer, ["alle Menschen"], prefix="query: "),
        embed(model, tokenizer, ["query: alle Menschen"]),
    )


def test_the_mean_ignores_padding():
    hidden = torch.tensor([[[2.0, 0.0], [0.0, 2.0], [9.0, 9.0]]])
    vectors = pool_rows(hidden, torch.tensor([[1, 1, 0]]), Pooling.MEAN)
    torch.testing.assert_close(vectors, torch.tensor([[0.5**0.5, 0.5**0.5]]))


def test_precision_counts_hits_at_the_first_place():
    answers = np.eye(4, dtype=np.float32)
    assert precision_at_1(answers, answers) == 1
    assert precision_at_1(answers[[0, 1, 3, 2]], answers) == 0.5
    assert mean_cosine(answers[[0, 1, 3, 2]], answers) == 0.5


@pytest.mark.parametrize("side", ["right", "left"])
def test_cls_and_last_token_are_found_on_either_side_of_padding(side):
    hidden = torch.tensor([[[3.0, 0.0], [0.0, 2.0], [4.0, 3.0]]])
    mask = torch.tensor([[1, 1, 0] if side == "right" else [0, 1, 1]])
    first, last = ([1, 0], [0, 1]) if side == "right" else ([0, 1], [0.8, 0.6])
    assert pool_rows(hidden, mask, Pooling.CLS)[0].tolist() == pytest.approx(first)
    assert pool_rows(hidden, mask, Pooling.LAST_TOKEN)[0].tolist() == pytest.approx(last)


def sentence_transformers_folder(folder, settings, *extra):
    modules = [{"path": "", "type": "sentence_transformers.models.Transformer"}]
    modules.append({"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"})
    modules += [
        {"path": f"{i}", "type": f"sentence_transformers.models.{kind}"} for i, kind in enumerate(extra)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(settings))
    return folder


@pytest.mark.parametrize(
    ("settings", "pooling"),
    [
        ({"word_embedding_dimension": 8, "pooling_mode_cls_token": True}, Pooling.CLS),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, Pooling.MEAN),
        ({"pooling_mode_lasttoken": True, "include_prompt": True}, Pooling.LAST_TOKEN),
        ({"embedding_dimension": 8, "pooling_mode": "cls"}, Pooling.CLS),
    ],
)
def test_pooling_is_read_from_old_and_new_folders(tmp_path, settings, pooling):
    assert read_pooling(sentence_transformers_folder(tmp_path, settings, "Normalize")) is pooling


def test_a_folder_without_pooling_has_the_mean_and_no_prefix(tmp_path):
    assert (read_pooling(tmp_path), read_prefix(tmp_path)) == (Pooling.MEAN, "")


def test_other_ways_of_pooling_are_refused(tmp_path):
    folder = sentence_transformers_folder(tmp_path, {"pooling_mode_max_tokens": True})
    with pytest.raises(ModelError, match="pools by max_tokens"):
        read_pooling(folder)


def test_other_modules_are_refused(tmp_path):
    with pytest.raises(ModelError, match="a module Dense"):
        read_pooling(sentence_transformers_folder(tmp_path, {"pooling_mode": "mean"}, "Dense"))


def test_the_default_prompt_is_the_prefix(tmp_path):
    settings = {"prompts": {"query": "query: ", "passage": "passage: "}, "default_prompt_name": "query"}
    (tmp_path / "config_sentence_transformers.json").write_text(json.dumps(settings))
    assert read_prefix(tmp_path) == "query: "


def test_an_encoder_with_a_head_gives_the_vectors_of_its_body(source_tokenizers):
    tokenizer = source_tokenizers["unigram"]
    model = ARCHITECTURES["xlm-roberta"](tokenizer)
    encoder = SentenceEncoder(model, tokenizer, prefix="query: ")
    vectors = encoder(["alle", "Menschen"])
    np.testing.assert_allclose(
        vectors, embed(model.base_model, tokenizer, ["query: alle", "query: Menschen"])
    )


def test_sentences_longer_than_the_model_reads_are_cut(source_tokenizers):
    tokenizer = source_tokenizers["unigram"]
    model = ARCHITECTURES["xlm-roberta"](tokenizer)
    assert np.isfinite(embed(model, tokenizer, ["Gesetz " * 200])).all()


@pytest.mark.parametrize("pooling", list(Pooling))
def test_padding_on_the_left_changes_no_vector(pooling, source_tokenizers):
    tokenizer = copy.copy(source_tokenizers["wordpiece"])
    model = ARCHITECTURES["bert"](tokenizer).eval()
    texts = ["Recht", "Das Gesetz gilt im ganzen Land", "Anton und Wilhelm"]
    found = {}
    for side in ("right", "left"):
        tokenizer.padding_side = side
        found[side] = embed(model, tokenizer, texts, pooling=pooling)
    np.testing.assert_array_equal(found["left"], found["right"])
