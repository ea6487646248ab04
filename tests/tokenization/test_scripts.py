"""The script of a text."""

from __future__ import annotations

import pytest

from monoglot.tokenization.scripts import script_of


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
