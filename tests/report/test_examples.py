"""Sentences in pieces: nothing of the text is lost, whatever the tokenizer's family."""

import pytest

from monoglot.report.examples import cut, examples
from tests.fixtures.tokenizers import DATA

LINES = [
    line
    for language in ("de", "ar", "ja")
    for line in (DATA / f"{language}.txt").read_text().splitlines()[:8]
]


@pytest.mark.parametrize("family", ["unigram", "wordpiece", "byte-level-bpe", "sentencepiece-bpe"])
def test_pieces_are_the_line(source_tokenizers, family):
    tokenizer = source_tokenizers[family]
    for line, pieces in zip(LINES, cut(tokenizer, LINES), strict=True):
        assert "".join(piece.text for piece in pieces) == line
        assert sum(piece.tokens for piece in pieces) == len(
            tokenizer(line, add_special_tokens=False).input_ids
        )


def test_characters_cut_into_bytes_are_one_piece_of_several_tokens(source_tokenizers):
    (pieces,) = cut(source_tokenizers["byte-level-bpe"], ["x 🦔"])
    assert pieces[-1].text.endswith("🦔")
    assert pieces[-1].tokens > 1


def test_sentences_come_from_all_over_the_text_and_long_ones_are_shortened(source_tokenizers):
    tokenizer = source_tokenizers["unigram"]
    lines = ["Wort " * 100, "", "kurz"]
    found = examples(None, tokenizer, lines, 6)
    texts = ["".join(piece.text for piece in example.after) for example in found]
    assert texts[1:] == ["kurz"]
    assert texts[0].endswith(" …")
    assert len(texts[0]) < 180
    assert all(example.before is None for example in found)
    assert examples(tokenizer, tokenizer, [], 6) == []
