"""Scripts that a vocabulary has no token of are found, in every family."""

import pytest

from monoglot.tokenization.scripts import script_of, unknown_scripts
from tests.fixtures.tokenizers import FAMILIES, sample

GEORGIAN = "ყველა ადამიანი იბადება თავისუფალი"


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_script_without_a_token(source_vocabularies, family):
    vocabulary = source_vocabularies[family]
    assert unknown_scripts(vocabulary, sample("de", 20)) == {}
    assert unknown_scripts(vocabulary, [GEORGIAN]) == {"Georgian": 1.0}
    (found,) = unknown_scripts(vocabulary, ["Alle Menschen", GEORGIAN]).items()
    assert found[0] == "Georgian"
    assert 0.5 < found[1] < 0.8


def test_a_quotation_is_no_script_of_the_text(source_vocabularies):
    assert unknown_scripts(source_vocabularies["unigram"], [*sample("de", 200), "აბ"]) == {}


def test_no_letters(source_vocabularies):
    assert unknown_scripts(source_vocabularies["unigram"], ["1234", ""]) == {}


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Haus", "Latin"), ("ß", "Latin"), ("дом", "Cyrillic"), ("ί", "Greek"), ("בית", "Hebrew"),
        ("بيت", "Arabic"), ("घर", "Devanagari"), ("日本", "Han"), ("かな", "Hiragana"), ("カナ", "Katakana"),
        ("집", "Hangul"), ("บ้าน", "Thai"), ("Ｈａｕｓ", "Latin"), ("𝐀", "Latin"), ("３", "none"),
        ("1)", "none"), ("😃", "none"), ("ʿ", "none"), ("\u0301", "none"), ("", "none"),
        ("食べる", "Hiragana"), ("Aд", "Latin"), ("\U000e0001", "none"),
    ],
)  # fmt: skip
def test_script(text, script):
    assert script_of(text) == script
