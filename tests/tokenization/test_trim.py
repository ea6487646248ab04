"""Trimming: valid vocabularies of the right size that segment as before wherever all pieces were kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from monoglot.errors import SettingError
from monoglot.tokenization.selection import selection_order
from monoglot.tokenization.tokenizer_json import state_of
from monoglot.tokenization.trim import TrimSettings, check_segmentation, select_tokens, trim_tokenizer
from tests.fixtures.tokenizers import FAMILIES, LANGUAGES, sample

FAMILY_NAMES = sorted(FAMILIES)
GERMAN = sample("de", 400)
HELD_OUT = sample("de", 700)[400:]


def count(tokenizer, lines):
    ids = [id for line in lines for id in tokenizer(line, add_special_tokens=False)["input_ids"]]
    return np.bincount(ids, minlength=len(tokenizer))


def segmented_alike(source, trimmed, line):
    ids = trimmed.tokenizer(line)["input_ids"]
    return trimmed.kept_source_ids[ids].tolist() == source(line)["input_ids"]


def order_of(source, counts):
    """The whole order in which tokens are let in, and how many must stay."""
    required, others = selection_order(source, state_of(source), counts)
    return [*required, *others], len(required)


def size_between(source, counts, part):
    """A size between what must stay and all tokens that are used."""
    required = order_of(source, counts)[1]
    everything = len(trim_tokenizer(source, counts, TrimSettings()).tokenizer)
    return int(required + part * (everything - required))


@pytest.mark.parametrize("family", FAMILY_NAMES)
class TestEveryFamily:
    def test_counted_text_comes_out_as_before(self, family, source_tokenizers):
        source = source_tokenizers[family]
        trimmed = trim_tokenizer(source, count(source, GERMAN), TrimSettings())
        assert len(trimmed.tokenizer) < len(source)
        assert all(segmented_alike(source, trimmed, line) for line in GERMAN)

    @pytest.mark.parametrize("part", [0.6, 0.8])
    def test_lines_with_all_their_pieces_come_out_as_before(self, family, part, source_tokenizers):
        source = source_tokenizers[family]
        counts = count(source, GERMAN)
        size = size_between(source, counts, part)
        trimmed = trim_tokenizer(source, counts, TrimSettings(vocabulary_size=size))
        assert len(trimmed.tokenizer) == len(trimmed.kept_source_ids) == size
        assert sorted(trimmed.tokenizer.get_vocab().values()) == list(range(size))
        kept = set(trimmed.kept_source_ids.tolist())
        whole = [line for line in HELD_OUT if kept.issuperset(source(line)["input_ids"])]
        assert 0 < len(whole) < len(HELD_OUT)
        assert all(segmented_alike(source, trimmed, line) for line in whole)

    def test_tokens_keep_their_order_and_text(self, family, source_tokenizers):
        source = source_tokenizers[family]
        trimmed = trim_tokenizer(source, count(source, GERMAN), TrimSettings(minimum_count=5))
        kept = trimmed.kept_source_ids
        assert (np.diff(kept) > 0).all()
        new = trimmed.tokenizer.convert_ids_to_tokens(list(range(len(kept))))
        assert new == source.convert_ids_to_tokens(kept.tolist())
        assert trimmed.tokenizer.special_tokens_map == source.special_tokens_map
        assert trimmed.tokenizer.pad_token_id == source.pad_token_id

    def test_text_still_comes_back(self, family, source_tokenizers):
        source = source_tokenizers[family]
        trimmed = trim_tokenizer(source, count(source, GERMAN), TrimSettings(minimum_count=20)).tokenizer

        def back(tokenizer, line):
            return tokenizer.decode(tokenizer(line, add_special_tokens=False)["input_ids"])

        assert [back(trimmed, line) for line in GERMAN] == [back(source, line) for line in GERMAN]

    def test_reloads_as_it_was_saved(self, family, source_tokenizers, tmp_path):
        source = source_tokenizers[family]
        trimmed = trim_tokenizer(source, count(source, GERMAN), TrimSettings()).tokenizer
        trimmed.save_pretrained(tmp_path)
        assert AutoTokenizer.from_pretrained(tmp_path)(HELD_OUT).data == trimmed(HELD_OUT).data

    @pytest.mark.parametrize("max_loss", [0.0, 0.1, 0.5])
    def test_the_loss_is_as_large_as_allowed_and_not_larger(self, family, max_loss, source_tokenizers):
        source = source_tokenizers[family]
        counts = count(source, GERMAN)
        trimmed = trim_tokenizer(source, counts, TrimSettings(max_loss=max_loss), HELD_OUT)
        proof = check_segmentation(source, trimmed.tokenizer, trimmed.kept_source_ids, HELD_OUT)
        assert proof.lines == len(HELD_OUT)
        assert 1 - proof.share <= max_loss
        order, required = order_of(source, counts)
        size = len(trimmed.tokenizer)
        if size > required:
            less = select_tokens(source, order[: size - 1])
            assert (
                1 - check_segmentation(source, less.tokenizer, less.kept_source_ids, HELD_OUT).share
                > max_loss
            )

    def test_coverage_is_reached_by_the_smallest_vocabulary(self, family, source_tokenizers):
        source = source_tokenizers[family]
        counts = count(source, GERMAN)
        trimmed = trim_tokenizer(source, counts, TrimSettings(coverage=0.98))
        assert counts[trimmed.kept_source_ids].sum() >= 0.98 * counts.sum()
        order, required = order_of(source, counts)
        shorter = order[: len(trimmed.tokenizer) - 1]
        assert len(shorter) < required or counts[shorter].sum() < 0.98 * counts.sum()

    @given(data=st.data())
    @hypothesis_settings(max_examples=15, deadline=None)
    def test_any_beginning_of_the_order_is_a_valid_vocabulary(self, family, data, source_tokenizers):
        source = source_tokenizers[family]
        seed = data.draw(st.integers(0, 2**32 - 1))
        counts = np.random.default_rng(seed).geometric(0.2, len(source)) - 1
        order, required = order_of(source, counts)
        assert sorted(order) == list(range(len(source)))
        trimmed = select_tokens(source, order[: data.draw(st.integers(required, len(source)))])
        line = data.draw(st.sampled_from([line for name in LANGUAGES for line in sample(name, 40)]))
        ids = source(line)["input_ids"]
        if set(ids) <= set(trimmed.kept_source_ids.tolist()) and source.unk_token_id not in ids:
            assert segmented_alike(source, trimmed, line)

    def test_a_size_out_of_reach_is_refused(self, family, source_tokenizers):
        source = source_tokenizers[family]
        for size, said in ((5, "leaves no room for the"), (len(source) + 1, "is more than the")):
            with pytest.raises(SettingError, match=f"--vocabulary-size {size} {said}"):
                trim_tokenizer(source, count(source, GERMAN), TrimSettings(vocabulary_size=size))


def test_the_score_of_the_unknown_token_stays(source_tokenizers):
    source = source_tokenizers["unigram"]
    trimmed = trim_tokenizer(source, count(source, GERMAN), TrimSettings(minimum_count=50))
    lines = [f"{line} ☃☃ {line}" for line in GERMAN[:50]]
    kept = set(trimmed.kept_source_ids.tolist())
    whole = [line for line in lines if kept.issuperset(source(line)["input_ids"])]
    assert whole
    assert all(segmented_alike(source, trimmed, line) for line in whole)


def test_weights_decide_between_languages(source_tokenizers):
    source = source_tokenizers["unigram"]
    german, swahili = count(source, GERMAN), count(source, sample("sw", 400))
    rule = TrimSettings(vocabulary_size=size_between(source, german + swahili, 0.4))
    more_german = trim_tokenizer(source, german + 0.1 * swahili, rule)
    more_swahili = trim_tokenizer(source, 0.1 * german + swahili, rule)

    def share(trimmed):
        return check_segmentation(source, trimmed.tokenizer, trimmed.kept_source_ids, GERMAN).share

    assert share(more_german) > share(more_swahili)


def test_lines_may_count_differently(source_tokenizers):
    source = source_tokenizers["unigram"]
    swahili = sample("sw", 100)
    counts = count(source, GERMAN) + count(source, swahili)
    lines = [*HELD_OUT[:100], *swahili]

    def shares(german_weight, swahili_weight):
        weights = [german_weight] * 100 + [swahili_weight] * 100
        trimmed = trim_tokenizer(source, counts, TrimSettings(max_loss=0.3), lines, weights)
        return [
            check_segmentation(source, trimmed.tokenizer, trimmed.kept_source_ids, part).share
            for part in (lines[:100], swahili)
        ]

    only_german, only_swahili = shares(1.0, 0.0), shares(0.0, 1.0)
    assert only_german[0] >= 0.7
    assert only_swahili[1] >= 0.7
    equal = shares(0.5, 0.5)
    assert sum(equal) / 2 >= 0.7
    assert equal == shares(2.0, 2.0)
    assert only_german != only_swahili


def test_the_whole_coverage_of_weighted_counts_is_the_tokens_used(source_tokenizers):
    source = source_tokenizers["unigram"]
    counts = count(source, GERMAN) / 3 + count(source, sample("sw", 100)) / 7
    trimmed = trim_tokenizer(source, counts, TrimSettings(coverage=1))
    assert len(trimmed.tokenizer) <= len(trim_tokenizer(source, np.ceil(counts), TrimSettings()).tokenizer)


def test_the_proof_shows_what_differs(source_tokenizers):
    source = source_tokenizers["wordpiece"]
    trimmed = trim_tokenizer(source, count(source, GERMAN), TrimSettings(minimum_count=50))
    proof = check_segmentation(source, trimmed.tokenizer, trimmed.kept_source_ids, GERMAN)
    different = [line for line in GERMAN if not segmented_alike(source, trimmed, line)]
    assert (proof.lines, proof.equal) == (len(GERMAN), len(GERMAN) - len(different))
    assert list(proof.examples) == different[:5]
    assert check_segmentation(source, source, np.arange(len(source)), []).share == 1


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"coverage": 1.5}, "between 0 and 1"),
        ({"max_loss": -0.1}, "between 0 and 1"),
        ({"coverage": 0.9, "max_loss": 0.1}, "coverage and max_loss"),
    ],
)
def test_rules_without_sense_are_refused(rule, message):
    with pytest.raises(SettingError, match=message):
        TrimSettings(**rule)


def test_a_loss_without_text_is_refused(source_tokenizers):
    source = source_tokenizers["wordpiece"]
    with pytest.raises(SettingError, match="held-out lines"):
        trim_tokenizer(source, count(source, GERMAN), TrimSettings(max_loss=0.1))


def test_text_of_several_lines_comes_out_as_before_though_the_corpus_is_read_line_by_line():
    tokenizer = Tokenizer(models.BPE())
    words = Regex(r" ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+")  # as Llama 3 and Qwen
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(words, "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=700, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    ends = ("\n", "\n\n", "\r\n")
    text = [f"{line}{end}{line}" for line in GERMAN[:200] for end in ends]
    tokenizer.train_from_iterator(text, trainer)
    source = PreTrainedTokenizerFast(tokenizer_object=tokenizer)
    assert ".Ċ" in source.get_vocab()
    trimmed = trim_tokenizer(source, count(source, GERMAN[:50]), TrimSettings())
    assert len(trimmed.tokenizer) < len(source)
    assert all(
        segmented_alike(source, trimmed, f"{line}{end}") for line in GERMAN[:50] for end in (*ends, " ", "")
    )
