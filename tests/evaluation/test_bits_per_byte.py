import math
import re

import numpy as np
import pytest
import torch

from monoglot.errors import CorpusError, ModelError, SettingError
from monoglot.evaluation import token_scores
from monoglot.evaluation.bits_per_byte import LanguageSettings, score_language
from monoglot.tokenization.trim import TrimSettings, trim_tokenizer
from tests.fixtures.models import ARCHITECTURES
from tests.fixtures.tokenizers import sample

LINES = [line[:70] for line in (*sample("de", 6), *sample("ja", 3), *sample("sw", 3))]
CAUSAL = {"gpt2": "byte-level-bpe", "gemma3": "sentencepiece-bpe", "llama": "sentencepiece-bpe"}
MASKED = {
    "bert": "wordpiece", "distilbert": "wordpiece", "xlm-roberta": "unigram", "modernbert": "unigram",
    "albert": "unigram", "electra": "wordpiece", "deberta-v2": "unigram", "bert-pretraining": "wordpiece",
}  # fmt: skip


@torch.no_grad()
def causal_bits(model, start, ids):
    """The definition: one line at a time, all logits."""
    logits = model(torch.tensor([start + ids])).logits[0].double()
    chosen = logits.log_softmax(-1)[range(len(start) - 1, len(start) + len(ids) - 1), ids]
    return -float(chosen.sum()) / math.log(2)


@torch.no_grad()
def masked_bits(model, tokenizer, line):
    """The definition: one word at a time, words found by splitting the text."""
    encoding = tokenizer(line, return_offsets_mapping=True)
    ids, offsets = encoding["input_ids"], encoding["offset_mapping"]
    bits, start = 0.0, 0
    for word in re.findall(r"\s*\S+", line):  # a token that is only a space goes with the word after it
        end = start + len(word)
        places = [i for i, (_, b) in enumerate(offsets) if start < b <= end]
        masked = [tokenizer.mask_token_id if i in places else id for i, id in enumerate(ids)]
        logits = model(torch.tensor([masked]))[0][0].double().log_softmax(-1)
        bits -= sum(float(logits[i, ids[i]]) for i in places) / math.log(2)
        start = end
    return bits


@pytest.mark.parametrize("name", CAUSAL)
def test_causal_bits_are_those_of_one_line_at_a_time(source_tokenizers, name, monkeypatch):
    tokenizer = source_tokenizers[CAUSAL[name]]
    model = ARCHITECTURES[name](tokenizer)
    monkeypatch.setattr(token_scores, "BATCH_TOKENS", 150)
    monkeypatch.setattr(token_scores, "CHUNK_LOGITS", 10_000)
    lines = [line for line in LINES if len(tokenizer(line)["input_ids"]) <= tokenizer.model_max_length]
    assert len(lines) > 5
    score = score_language(model, tokenizer, lines)
    expected = [
        causal_bits(model, [tokenizer.bos_token_id], tokenizer(line, add_special_tokens=False)["input_ids"])
        for line in lines
    ]
    np.testing.assert_allclose(score.line_bits, expected, rtol=1e-5)
    assert score.bits_per_byte == pytest.approx(sum(expected) / len("".join(lines).encode()), rel=1e-5)
    assert score.bits_per_character == pytest.approx(sum(expected) / len("".join(lines)), rel=1e-5)
    assert (score.kind, score.start, score.standard_error) == ("causal", tokenizer.bos_token, 0)
    assert score.asked_tokens == score.tokens


@pytest.mark.parametrize("name", MASKED)
def test_masked_bits_are_those_of_one_word_at_a_time(source_tokenizers, name):
    tokenizer = source_tokenizers[MASKED[name]]
    model = ARCHITECTURES[name](tokenizer)
    lines = [line[:40] for line in (*sample("de", 3), *sample("sw", 2))]
    score = score_language(model, tokenizer, lines)
    expected = [masked_bits(model, tokenizer, line) for line in lines]
    np.testing.assert_allclose(score.line_bits, expected, rtol=1e-4)
    assert (score.kind, score.asked_tokens) == ("masked", score.tokens)


def test_what_follows_the_head_counts(source_tokenizers):
    tokenizer = source_tokenizers["sentencepiece-bpe"]
    model = ARCHITECTURES["gemma3"](tokenizer)
    plain = score_language(model, tokenizer, LINES[:3])
    model.config.final_logit_softcapping = 0.05
    capped = score_language(model, tokenizer, LINES[:3])
    ids = [tokenizer(line)["input_ids"][1:] for line in LINES[:3]]
    expected = [causal_bits(model, [tokenizer.bos_token_id], line) for line in ids]
    np.testing.assert_allclose(capped.line_bits, expected, rtol=1e-5)
    assert capped.bits != pytest.approx(plain.bits, rel=1e-4)


def test_long_lines_are_read_in_windows_that_overlap_by_half(source_tokenizers):
    tokenizer = source_tokenizers["sentencepiece-bpe"]
    model = ARCHITECTURES["gemma3"](tokenizer)
    line = " ".join(sample("de", 3))
    ids = tokenizer(line, add_special_tokens=False)["input_ids"]
    bos = [tokenizer.bos_token_id]
    score = score_language(model, tokenizer, [line], LanguageSettings(window_tokens=20))
    expected = causal_bits(model, bos, ids[:20])
    for done in range(20, len(ids), 10):
        end = min(done + 10, len(ids))
        context = ids[end - 20 : done]
        expected += causal_bits(model, bos, context + ids[done:end]) - causal_bits(model, bos, context)
    assert len(ids) > 60
    assert score.bits == pytest.approx(expected, rel=1e-5)


def test_masked_windows_that_hold_the_whole_line_change_nothing(source_tokenizers):
    tokenizer = source_tokenizers["unigram"]
    model = ARCHITECTURES["xlm-roberta"](tokenizer)
    lines = sample("de", 2)
    whole = score_language(model, tokenizer, [line[:40] for line in lines])
    again = score_language(
        model, tokenizer, [line[:40] for line in lines], LanguageSettings(window_tokens=50)
    )
    np.testing.assert_array_equal(whole.line_bits, again.line_bits)
    long = score_language(model, tokenizer, [" ".join(lines) * 3, "a" * 300])
    assert long.asked_tokens == long.tokens > 2 * tokenizer.model_max_length
    assert np.isfinite(long.line_bits).all()


@pytest.mark.parametrize(("name", "family"), [("gemma3", "sentencepiece-bpe"), ("xlm-roberta", "unigram")])
def test_a_trimmed_model_equals_the_original_restricted_to_what_is_kept(source_tokenizers, name, family):
    tokenizer = source_tokenizers[family]
    model = ARCHITECTURES[name](tokenizer)
    counts = np.bincount(np.concatenate(tokenizer(LINES)["input_ids"]), minlength=len(tokenizer))
    trimmed = trim_tokenizer(tokenizer, counts, TrimSettings())
    kept = trimmed.kept_source_ids
    small = ARCHITECTURES[name](trimmed.tokenizer)
    weights = {n: w[kept] if w.shape[:1] == (len(tokenizer),) else w for n, w in model.state_dict().items()}
    small.load_state_dict(weights)
    restricted = score_language(model, tokenizer, LINES, allowed_ids=kept)
    score = score_language(small, trimmed.tokenizer, LINES)
    assert len(kept) < len(tokenizer)
    np.testing.assert_allclose(score.line_bits, restricted.line_bits, rtol=1e-5)
    assert restricted.bits < score_language(model, tokenizer, LINES).bits


def test_sampled_words_estimate_the_exact_figure_within_their_error(source_tokenizers):
    tokenizer = source_tokenizers["unigram"]
    model = ARCHITECTURES["xlm-roberta"](tokenizer)
    lines = [line[:100] for line in sample("de", 30)]
    exact = score_language(model, tokenizer, lines).bits_per_byte
    scores = [
        score_language(model, tokenizer, lines, LanguageSettings(word_share=0.3, seed=seed))
        for seed in range(20)
    ]
    assert scores[0].asked_tokens < 0.5 * scores[0].tokens
    off = np.array([score.bits_per_byte - exact for score in scores])
    claimed = np.sqrt(np.mean([score.standard_error**2 for score in scores]))
    assert 0.6 < np.sqrt(np.mean(off**2)) / claimed < 1.5  # the claimed error is the real one
    assert abs(off.mean()) < 3 * claimed / np.sqrt(len(scores))  # and there is no bias
    again = score_language(model, tokenizer, lines, LanguageSettings(word_share=0.3, seed=0))
    np.testing.assert_array_equal(again.line_bits, scores[0].line_bits)


def test_without_a_start_token_the_first_token_is_a_guess(source_tokenizers):
    tokenizer = type(source_tokenizers["byte-level-bpe"])(
        tokenizer_object=source_tokenizers["byte-level-bpe"].backend_tokenizer, model_max_length=64
    )
    model = ARCHITECTURES["gpt2"](source_tokenizers["byte-level-bpe"])
    score = score_language(model, tokenizer, ["Haus", LINES[0], ""])
    ids = tokenizer(LINES[0])["input_ids"]
    guess = math.log2(model.config.vocab_size)
    assert score.start is None
    assert score.line_bits[1] == pytest.approx(guess + causal_bits(model, ids[:1], ids[1:]), rel=1e-5)
    assert score.line_bits[2] == 0


def test_scoring_leaves_the_model_in_the_mode_it_was_in(source_tokenizers):
    tokenizer = source_tokenizers["sentencepiece-bpe"]
    model = ARCHITECTURES["gemma3"](tokenizer).train()
    score_language(model, tokenizer, LINES[:1])
    assert model.training


def test_what_can_not_be_scored_is_refused(source_tokenizers):
    tokenizer = source_tokenizers["wordpiece"]
    model = ARCHITECTURES["bert"](tokenizer)
    with pytest.raises(CorpusError, match="no text to score"):
        score_language(model, tokenizer, [""])
    with pytest.raises(ModelError, match="BertModel has no language-model head"):
        score_language(ARCHITECTURES["bert-headless"](tokenizer), tokenizer, LINES)
    with pytest.raises(ModelError, match="encoder-decoder"):
        score_language(ARCHITECTURES["t5"](source_tokenizers["unigram"]), source_tokenizers["unigram"], LINES)
    with pytest.raises(SettingError, match="window-tokens can't be 2: give 8 or more"):
        LanguageSettings(window_tokens=2)
    with pytest.raises(SettingError, match=r"word-share can't be 1\.5: give more than 0 and at most 1"):
        LanguageSettings(word_share=1.5)
