import gzip

import pytest

from monoglot.corpus.text_pairs import check_pairs, read_pairs
from monoglot.errors import SettingError


def test_lines_with_a_tab(tmp_path):
    (tmp_path / "a.tsv").write_text("﻿a b\tc d\n\nä\tß\r\n", encoding="utf-8")
    assert list(read_pairs(tmp_path / "a.tsv")) == [("a b", "c d"), ("ä", "ß")]


def test_words_may_be_separated_by_a_space_and_files_compressed(tmp_path):
    (tmp_path / "a.tsv.gz").write_bytes(gzip.compress(b"free frei\nfree of charge\tumsonst\n"))
    pairs = [("free", "frei"), ("free of charge", "umsonst")]
    assert list(read_pairs(tmp_path / "a.tsv.gz", words=True)) == pairs
    (tmp_path / "a.tsv.gz").rename(tmp_path / "B.TSV.GZ")
    assert list(read_pairs(tmp_path / "B.TSV.GZ", words=True)) == pairs


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\tb\nc d\n", r"line 2 of .*a\.tsv has 1 columns"),
        (b"a\tb\tc\n", "line 1 of .* has 3 columns"),
        (b"a\t \n", "or an empty one"),
        (b"a\tb\n\xff\tc\n", "line 2 of .* is not UTF-8"),
        (b"\n", "is empty"),
    ],
)
def test_other_files_are_refused(tmp_path, content, message):
    (tmp_path / "a.tsv").write_bytes(content)
    with pytest.raises(SettingError, match=message):
        check_pairs(tmp_path / "a.tsv")


def test_what_can_not_be_read_is_refused(tmp_path):
    with pytest.raises(SettingError, match="can't be read"):
        check_pairs(tmp_path / "none.tsv")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"a\tb\n" * 999)[:-9])
    with pytest.raises(SettingError, match="is damaged"):
        check_pairs(tmp_path / "cut.gz")
