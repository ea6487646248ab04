"""Whatever is in a JSON file from outside, or raised by a library: one sentence."""

from __future__ import annotations

import json
import os

import pytest
from tokenizers import Tokenizer, models

from monoglot import untrusted
from monoglot.errors import CorpusError, ModelError
from monoglot.untrusted import read_foreign_json, refusing


def refusal(path, **expected):
    with pytest.raises(ModelError) as caught:
        read_foreign_json(path, ModelError, **expected)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "can't be read as JSON"),
        (b'{"a": 1', "can't be read as JSON"),
        (b"\xef\xbb\xbf{}", "can't be read as JSON"),
        (b'{"a": ' + b"1" * 5000 + b"}", "can't be read as JSON"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        ("{}".encode("utf-16"), "not UTF-8 at byte 0"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'{"a": ' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
        (b'{"a": "\\ud800"}', "half of a surrogate pair"),
        (b'{"\\uDFFF": 1}', "half of a surrogate pair"),
        (b"[]", "holds a list; expected an object"),
        (b'"text"', "holds a text; expected an object"),
        (b"null", "holds a constant; expected an object"),
        (b"1", "holds a number; expected an object"),
    ],
)
def test_bad_json_is_one_sentence(tmp_path, content, message):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    assert message in refusal(path)


def test_whole_pairs_and_lists_are_read(tmp_path):
    path = tmp_path / "modules.json"
    path.write_text('["\\ud83d\\ude00"]')
    assert read_foreign_json(path, ModelError, list) == ["😀"]
    path.write_text("{}")
    assert "holds an object; expected a list" in refusal(path, expected=list)


def test_what_is_no_file_is_not_opened(tmp_path, monkeypatch):
    (tmp_path / "folder.json").mkdir()
    assert "is a folder" in refusal(tmp_path / "folder.json")
    os.mkfifo(tmp_path / "fifo.json")
    assert "is a device, a pipe or a socket" in refusal(tmp_path / "fifo.json")
    (tmp_path / "zero.json").symlink_to("/dev/zero")
    assert "is a device, a pipe or a socket" in refusal(tmp_path / "zero.json")
    (tmp_path / "nowhere.json").symlink_to(tmp_path / "nothing")
    assert "No such file" in refusal(tmp_path / "nowhere.json")
    (tmp_path / "large.json").write_text("{}" + " " * 100)
    monkeypatch.setattr(untrusted, "LARGEST_JSON_BYTES", 50)
    assert "expected JSON of at most" in refusal(tmp_path / "large.json")


def test_exceptions_of_libraries_become_sentences():
    with (
        pytest.raises(CorpusError, match=r"^FILE can't be read \(KeyError: 'model'\): correct it\.$"),
        refusing(CorpusError, "FILE can't be read", "correct it"),
    ):
        raise KeyError("model")
    with (
        pytest.raises(CorpusError, match=r"^FILE can't be read \(no such thing\): correct it\.$"),
        refusing(CorpusError, "FILE can't be read", "correct it"),
    ):
        raise ValueError("no such thing\nand more")


def test_what_rust_raises_is_among_them():
    with (
        pytest.raises(ModelError, match=r"^FILE can't be read \(.+\): correct it\.$") as caught,
        refusing(ModelError, "FILE can't be read", "correct it"),
    ):
        panic()
    assert not isinstance(caught.value.__cause__, Exception)


def panic():
    """Let the tokenizers library panic: a template that names a token which it does not describe."""
    backend = Tokenizer(models.WordLevel({"a": 0}, "a"))
    template = {"SpecialToken": {"id": "[X]", "type_id": 0}}
    processor = {"type": "TemplateProcessing", "single": [template], "pair": [], "special_tokens": {}}
    state = json.loads(backend.to_str()) | {"post_processor": processor}
    Tokenizer.from_str(json.dumps(state)).encode("a")


def test_own_errors_and_interrupts_pass():
    for error in (CorpusError("own"), KeyboardInterrupt(), SystemExit(1)):
        with pytest.raises(type(error)) as caught, refusing(ModelError, "FILE can't be read", "correct it"):
            raise error
        assert caught.value is error
