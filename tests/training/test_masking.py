"""Masking: the right share, never special tokens, whole words, and nothing but seed and number decide."""

import numpy as np
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from monoglot.training.lm_heads import IGNORED
from monoglot.training.masking import Maskable, TokenKinds, mask, word_begins
from monoglot.training.packing import PackedCorpus, PackedLayout, SpecialTokenTemplate


@pytest.fixture(scope="module", params=["unigram", "wordpiece"])
def packed(request, german, source_tokenizers):
    """Some windows, and what masking must know of their vocabulary."""
    tokenizer = source_tokenizers[request.param]
    kinds = TokenKinds.of(tokenizer)
    layout = PackedLayout(128, SpecialTokenTemplate.of(tokenizer), tokenizer.pad_token_id)
    windows = PackedCorpus(german[request.param], layout, windows=60, seed=1).__getitems__(range(60))
    maskable = Maskable(
        tokenizer.mask_token_id, kinds.ordinary, kinds.is_special, kinds.begins_word, kinds.is_whole
    )
    return windows, maskable


@pytest.mark.parametrize("whole_words", [False, True])
def test_the_share_is_exact_and_special_tokens_stay(packed, whole_words):
    windows, maskable = packed
    masked = mask(windows, maskable, share=0.15, whole_words=whole_words, seed=3)
    assert masked.chosen.shape == (60, 19)
    rows = np.arange(60)[:, None]
    assert (masked.targets != IGNORED).all()
    assert (windows.ids[rows, masked.chosen] == masked.targets).all()
    assert not maskable.is_special[masked.targets].any()
    assert windows.is_text[rows, masked.chosen].all()
    untouched = np.ones(windows.ids.shape, bool)
    untouched[rows, masked.chosen] = False
    assert (masked.ids[untouched] == windows.ids[untouched]).all()


def test_eighty_ten_ten(packed):
    windows, maskable = packed
    masked = mask(windows, maskable, share=0.5, whole_words=False, seed=3)
    now = masked.ids[np.arange(60)[:, None], masked.chosen]
    is_mask, kept = now == maskable.mask_id, now == masked.targets
    assert is_mask.mean() == pytest.approx(0.8, abs=0.02)
    assert kept.mean() == pytest.approx(0.1, abs=0.02)
    others = now[~is_mask & ~kept]
    assert not maskable.is_special[others].any()
    assert len(np.unique(others)) > 100


def test_whole_words_are_masked_whole(packed):
    windows, maskable = packed
    masked = mask(windows, maskable, share=0.15, whole_words=True, seed=3)
    begins = maskable.begins_word[windows.ids] | ~windows.is_text | (windows.positions == 0)
    begins[:, 1:] |= maskable.is_whole[windows.ids[:, :-1]]
    words = np.cumsum(begins, axis=1)
    partial = 0
    for row in range(60):
        chosen = np.zeros(128, bool)
        chosen[masked.chosen[row]] = True
        touched = np.unique(words[row][chosen])
        partial += sum(not chosen[(words[row] == word) & windows.is_text[row]].all() for word in touched)
    assert partial <= 60  # one of each window may be cut, so that all have the same number
    single = mask(windows, maskable, share=0.15, whole_words=False, seed=3)
    assert not np.array_equal(single.chosen, masked.chosen)


def test_only_seed_and_sample_number_decide(packed):
    windows, maskable = packed
    settings = {"share": 0.15, "whole_words": True}
    both = mask(windows, maskable, **settings, seed=3)
    assert np.array_equal(both.ids, mask(windows, maskable, **settings, seed=3).ids)
    assert not np.array_equal(both.ids, mask(windows, maskable, **settings, seed=4).ids)
    assert len({tuple(row) for row in both.chosen.tolist()}) == 60


def words_of(tokenizer, text: str) -> list[str]:
    """What is masked together."""
    kinds = TokenKinds.of(tokenizer)
    ids = np.array(tokenizer(text, add_special_tokens=False).input_ids)
    maskable = Maskable(0, kinds.ordinary, kinds.is_special, kinds.begins_word, kinds.is_whole)
    begins = word_begins(ids, np.arange(len(ids)), np.ones(len(ids), bool), maskable)
    segments = np.split(np.array(tokenizer.convert_ids_to_tokens(ids)), np.flatnonzero(begins)[1:])
    return [" ".join(piece) for piece in segments]


def test_punctuation_and_ideographs_are_words_of_their_own_in_wordpiece():
    segments = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "haus",
        "##es",
        "tür",
        ",",
        ".",
        "(",
        "中",
        "国",
        "°",
        "##°",
    ]
    backend = Tokenizer(models.WordPiece({piece: id for id, piece in enumerate(segments)}, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=False)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="[UNK]", pad_token="[PAD]", mask_token="[MASK]"
    )
    assert words_of(tokenizer, "(hauses,tür. haus中国tür haus°es") == [
        "(", "haus ##es", ",", "tür", ".", "haus", "中", "国", "tür", "haus ##° ##es",
    ]  # fmt: skip


def test_punctuation_and_ideographs_are_words_of_their_own_in_unigram():
    segments = ["<pad>", "<unk>", "<mask>", "▁", "▁haus", "es", "tür", ",", "▁(", "中", "国人", "▁tür"]
    backend = Tokenizer(models.Unigram([(piece, -1.0) for piece in segments], unk_id=1))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="<unk>", pad_token="<pad>", mask_token="<mask>"
    )
    assert words_of(tokenizer, "hauses, (tür tür中国人tür") == [
        "▁haus es", ",", "▁(", "tür", "▁tür", "中", "国人", "tür",
    ]  # fmt: skip
