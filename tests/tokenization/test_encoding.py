"""Encoding a corpus: what the tokenizer itself says, for every family, any number of threads, any line."""

from __future__ import annotations

import io
import os
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from sentencepiece import SentencePieceTrainer, sentencepiece_model_pb2
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from monoglot.errors import CorpusError
from monoglot.tokenization import encoding
from monoglot.tokenization.encoding import (
    CorpusWriter,
    TokenizedCorpus,
    count_tokens,
    encode_corpus,
)
from monoglot.tokenization.fast_encoders import has_repeated_unit, unigram_encoder
from monoglot.tokenization.vocabulary import id_rows
from tests.fixtures.tokenizers import FAMILIES, LANGUAGES, sample

ODD_LINES = [
    "",
    " ",
    "a  b   c",
    "<mask> und </s>",
    "......  -------  hahahaha 000000",
    "unbekannt: \u1234\u1234 \U0001f9ff",
    "ﬁn\u00a0Ⅳ\u200bx\u3000y",
    "Zei\tle\u2028x",
]


def expected(tokenizer: PreTrainedTokenizerFast, lines: list[str]) -> list[list[int]]:
    return [tokenizer(line, add_special_tokens=False)["input_ids"] for line in lines]


def read(corpus: TokenizedCorpus) -> list[list[int]]:
    return [corpus.ids[a:b].tolist() for a, b in pairwise(corpus.offsets)]


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return [line for language in LANGUAGES for line in sample(language, 150)] + ODD_LINES


@pytest.mark.parametrize("family", FAMILIES)
def test_counts_are_those_of_the_encoded_corpus(target_tokenizers, lines, tmp_path, family):
    tokenizer = target_tokenizers[family]
    corpus = encode_corpus(tokenizer, iter(lines), tmp_path / "tokens")
    size = len(tokenizer) + 3
    counts = count_tokens(tokenizer, iter(lines), size, threads=2)
    np.testing.assert_array_equal(counts, corpus.counts(size))
    assert counts.sum() == len(corpus.ids)


@pytest.mark.parametrize("family", FAMILIES)
def test_ids_are_those_of_the_tokenizer(target_tokenizers, lines, tmp_path, family):
    tokenizer = target_tokenizers[family]
    corpus = encode_corpus(tokenizer, lines, tmp_path / "deep" / "er", threads=2)

    assert read(corpus) == expected(tokenizer, lines)
    assert (corpus.lines, corpus.tokens) == (len(lines), len(corpus.ids))
    assert corpus.ids.dtype == np.uint16


@pytest.mark.parametrize("family", FAMILIES)
def test_threads_and_batches_make_no_difference(target_tokenizers, lines, tmp_path, family, monkeypatch):
    one = encode_corpus(target_tokenizers[family], lines, tmp_path / "1", threads=1)
    monkeypatch.setattr(encoding, "BATCH_CHARACTERS", 1_000)
    three = encode_corpus(target_tokenizers[family], iter(lines), tmp_path / "3", threads=3)

    for name in ("ids.npy", "offsets.npy"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "3" / name).read_bytes()
    assert read(one) == read(three)


def test_truncation_and_padding_of_the_tokenizer_are_ignored_and_kept(tmp_path):
    tokenizer = FAMILIES["wordpiece"](sample("de", 300), 400)
    line = sample("de", 1)[0] * 5
    everything = expected(tokenizer, [line])
    tokenizer.backend_tokenizer.enable_truncation(4)
    tokenizer.backend_tokenizer.enable_padding(length=9)

    assert read(encode_corpus(tokenizer, [line], tmp_path)) == everything
    assert tokenizer.backend_tokenizer.truncation["max_length"] == 4
    assert tokenizer.backend_tokenizer.padding["length"] == 9


def test_environment_is_left_as_it_was(target_tokenizers, tmp_path, monkeypatch):
    for value in ("true", None):
        if value is None:
            monkeypatch.delenv("TOKENIZERS_PARALLELISM", raising=False)
        else:
            monkeypatch.setenv("TOKENIZERS_PARALLELISM", value)
        encode_corpus(target_tokenizers["wordpiece"], ["x"], tmp_path)
        assert os.environ.get("TOKENIZERS_PARALLELISM") == value


@pytest.mark.parametrize("family", FAMILIES)
def test_long_line_is_cut_where_it_makes_no_difference(target_tokenizers, tmp_path, family, monkeypatch):
    tokenizer = target_tokenizers[family]
    line = " ".join(sample("de", 80))
    whole = expected(tokenizer, [line, "kurz"])
    monkeypatch.setattr(encoding, "LONGEST_PIECE_CHARACTERS", 1_000)
    monkeypatch.setattr(encoding, "BATCH_CHARACTERS", 2_000)

    assert read(encode_corpus(tokenizer, [line, "kurz"], tmp_path)) == whole


def test_large_vocabulary_needs_four_bytes(tmp_path):
    with CorpusWriter(tmp_path, 70_000) as writer:
        writer.write([[69_999, 1], [2], [], [3]], [True, False, True, True])
    corpus = TokenizedCorpus.open(tmp_path)

    assert corpus.ids.dtype == np.uint32
    assert read(corpus) == [[69_999, 1], [2], [3]]


def test_empty_corpus_has_no_lines(target_tokenizers, tmp_path):
    corpus = encode_corpus(target_tokenizers["unigram"], [], tmp_path)

    assert (corpus.lines, corpus.tokens) == (0, 0)
    assert corpus.counts(5).tolist() == [0] * 5
    assert list(corpus.lines_in_chunks(10)) == []


def test_counts_and_chunks_cover_the_corpus(target_tokenizers, lines, tmp_path, monkeypatch):
    monkeypatch.setattr("monoglot.tokenization.encoding.COUNTING_CHUNK_TOKENS", 100)
    corpus = encode_corpus(target_tokenizers["unigram"], lines, tmp_path)

    assert corpus.counts(1_500).tolist() == np.bincount(corpus.ids, minlength=1_500).tolist()
    for size in (1, 50, 10**9):
        chunks = list(corpus.lines_in_chunks(size))
        again = [ids[a:b].tolist() for ids, at in chunks for a, b in pairwise(at)]
        assert again == read(corpus)
        assert all(len(ids) <= size or len(at) == 2 for ids, at in chunks)


def test_interrupted_or_missing_corpus_can_not_be_opened(target_tokenizers, lines, tmp_path, monkeypatch):
    monkeypatch.setattr(encoding, "TRIAL_LINES", 10)

    def broken():
        yield from lines
        raise RuntimeError("the disk is gone")

    encode_corpus(target_tokenizers["unigram"], lines, tmp_path)
    with pytest.raises(RuntimeError, match="the disk is gone"):
        encode_corpus(target_tokenizers["unigram"], broken(), tmp_path)
    with pytest.raises(CorpusError, match="holds no tokenized corpus"):
        TokenizedCorpus.open(tmp_path)
    np.save(tmp_path / "offsets.npy", np.array([0, 3]))
    with pytest.raises(CorpusError, match="not complete"):
        TokenizedCorpus.open(tmp_path)


@cache
def nmt_nfkc() -> bytes:
    """SentencePiece's usual character map, from a model trained for nothing else."""
    file = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(sample("de", 20)), model_writer=file, vocab_size=100, minloglevel=2,
        hard_vocab_limit=False, normalization_rule_name="nmt_nfkc",
    )  # fmt: skip
    model = sentencepiece_model_pb2.ModelProto.FromString(file.getvalue())
    return model.normalizer_spec.precompiled_charsmap


def like_xlm_r(collapses: bool) -> Tokenizer:
    """The normalizer and pre-tokenizer of XLM-R (as in e5), or of the FOCUS paper's tokenizers."""
    tokenizer = FAMILIES["unigram"](sample("de", 400), 500).backend_tokenizer
    precompiled = normalizers.Precompiled(nmt_nfkc())
    collapse = normalizers.Replace(Regex(" {2,}"), " ")
    tokenizer.normalizer = normalizers.Sequence([precompiled, collapse]) if collapses else precompiled
    metaspace = pre_tokenizers.Metaspace()
    splits = [metaspace] if collapses else [pre_tokenizers.WhitespaceSplit(), metaspace]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(splits)
    return tokenizer


@pytest.mark.parametrize("collapses", [True, False])
def test_sentencepiece_says_the_same(collapses):
    tokenizer = like_xlm_r(collapses)
    left_to_tokenizer = []

    def exact(lines: list[str]) -> list[list[int]]:
        left_to_tokenizer.extend(lines)
        return [encoding.ids for encoding in tokenizer.encode_batch(lines, add_special_tokens=False)]

    text = [*sample("de", 300), *sample("sw", 100), *ODD_LINES[2:]]
    fast = unigram_encoder(tokenizer, exact)

    assert fast is not None
    ids = fast(text)
    assert len(left_to_tokenizer) < 40
    assert {"<mask> und </s>", "......  -------  hahahaha 000000"} <= set(left_to_tokenizer)
    assert ids == exact(text)


@pytest.mark.parametrize("family", [*FAMILIES, "unigram with another normalizer"])
def test_other_tokenizers_are_left_alone(target_tokenizers, family):
    # The fixture's Unigram has NFKC, which SentencePiece would need a character map for.
    tokenizer = target_tokenizers[family.split(" ")[0]].backend_tokenizer

    assert unigram_encoder(tokenizer, lambda lines: []) is None


def test_sentencepiece_that_differs_on_the_trial_is_not_used(monkeypatch, tmp_path):
    wrong = lambda lines: [[0] for _ in lines]  # noqa: E731 the shortest way to say it
    monkeypatch.setattr(encoding, "unigram_encoder", lambda tokenizer, exact: wrong)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=like_xlm_r(collapses=True))
    text = sample("de", 50)

    assert read(encode_corpus(tokenizer, text, tmp_path)) == expected(tokenizer, text)


def test_repeated_units_are_found():
    lines = [
        "...",
        "....",
        "",
        "aaaa",
        "ababab",
        "abab",
        "a",
        "xx\nxx".replace("\n", " "),
        "aaa",
        "a",
        "ß----",
    ]

    assert [line for line, found in zip(lines, has_repeated_unit(lines), strict=True) if found] == [
        "....", "aaaa", "ababab", "ß----",
    ]  # fmt: skip
    assert has_repeated_unit([]).tolist() == []


def test_ids_beyond_the_number_of_tokens_are_written_as_they_are(tmp_path):
    backend = Tokenizer(models.WordPiece({"[UNK]": 0, "ja": 5, "nein": 70_000}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]")
    assert id_rows(backend) == 70_001
    corpus = encode_corpus(tokenizer, ["ja nein", "nein"], tmp_path)
    assert read(corpus) == [[5, 70_000], [70_000]]
