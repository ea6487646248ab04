"""Training: the source's tokenizer in all but its vocabulary, exactly as large as asked, always the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from tokenizers import AddedToken
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from monoglot.errors import CorpusError, SettingError
from monoglot.tokenization.tokenizer_json import rebuild, state_of
from monoglot.tokenization.train import TokenizerSettings, train_tokenizer
from tests.fixtures.tokenizers import FAMILIES, sample

FAMILY_NAMES = sorted(FAMILIES)
HELD_OUT = sample("de", 1600)[1500:]


@pytest.fixture(scope="module")
def trained(source_tokenizers) -> dict[str, PreTrainedTokenizerFast]:
    text = sample("de", 1000)
    settings = TokenizerSettings(900)
    return {name: train_tokenizer(source, text, settings) for name, source in source_tokenizers.items()}


def encode(tokenizer, texts):
    return [tokenizer(text)["input_ids"] for text in texts]


def length(tokenizer, texts):
    return sum(map(len, encode(tokenizer, texts)))


def errors(tokenizer, texts):
    """Lines that don't come back from their ids."""
    ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    return sum(tokenizer.decode(row) != text for row, text in zip(ids, texts, strict=True))


@pytest.mark.parametrize("family", FAMILY_NAMES)
class TestEveryFamily:
    def test_has_exactly_the_size_asked_for_without_gaps(self, family, trained):
        assert len(trained[family]) == 900
        assert sorted(trained[family].get_vocab().values()) == list(range(900))

    def test_keeps_everything_but_the_vocabulary(self, family, trained, source_tokenizers):
        new, old = state_of(trained[family]), state_of(source_tokenizers[family])
        for part in ("normalizer", "pre_tokenizer", "decoder"):
            assert new[part] == old[part]
        assert {k: v for k, v in new["model"].items() if k not in ("vocab", "merges", "unk_id")} == {
            k: v for k, v in old["model"].items() if k not in ("vocab", "merges", "unk_id")
        }
        assert trained[family].model_max_length == source_tokenizers[family].model_max_length

    def test_special_tokens_keep_roles_flags_and_leading_ids(self, family, trained, source_tokenizers):
        new, old = trained[family], source_tokenizers[family]
        assert new.special_tokens_map == old.special_tokens_map
        flags = {str(token): repr(token) for token in old.added_tokens_decoder.values()}
        assert {str(token): repr(token) for token in new.added_tokens_decoder.values()} == flags
        assert new.pad_token_id == old.pad_token_id
        assert sorted(new.all_special_ids) == list(range(len(set(new.all_special_ids))))

    def test_frames_the_text_with_the_new_ids(self, family, trained, source_tokenizers):
        def frame(tokenizer):
            ids = tokenizer("und", "und")["input_ids"]
            return [
                text for text in tokenizer.convert_ids_to_tokens(ids) if text in tokenizer.all_special_tokens
            ]

        assert frame(trained[family]) == frame(source_tokenizers[family])

    def test_needs_fewer_tokens_for_the_language(self, family, trained, source_tokenizers):
        assert length(trained[family], HELD_OUT) < length(source_tokenizers[family], HELD_OUT)

    def test_text_comes_back_as_well_as_before(self, family, trained, source_tokenizers):
        assert errors(trained[family], HELD_OUT) <= errors(source_tokenizers[family], HELD_OUT)

    def test_reloads_as_it_was_saved(self, family, trained, tmp_path):
        trained[family].save_pretrained(tmp_path)
        reloaded = AutoTokenizer.from_pretrained(tmp_path)
        assert reloaded(HELD_OUT).data == trained[family](HELD_OUT).data
        assert reloaded.backend_tokenizer.to_str() == trained[family].backend_tokenizer.to_str()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["tokenizer.json", "tokenizer_config.json"]

    def test_too_little_text_says_what_it_supports(self, family, source_tokenizers):
        text = sample("de", 5)
        with pytest.raises(
            CorpusError, match=r"supports at most (\d+) tokens, but 5000 were requested"
        ) as error:
            train_tokenizer(source_tokenizers[family], text, TokenizerSettings(5000))
        supported = int(str(error.value).split("at most ")[1].split()[0])
        assert (
            len(train_tokenizer(source_tokenizers[family], text, TokenizerSettings(supported))) == supported
        )

    @pytest.mark.parametrize("text", [[], ["", "  \t "]])
    def test_no_text_is_refused(self, family, text, source_tokenizers):
        with pytest.raises(CorpusError, match="no words"):
            train_tokenizer(source_tokenizers[family], text, TokenizerSettings(500))

    def test_no_room_is_refused(self, family, source_tokenizers):
        with pytest.raises((SettingError, CorpusError), match="room"):
            train_tokenizer(source_tokenizers[family], sample("de", 50), TokenizerSettings(20))

    def test_special_tokens_in_the_text_are_not_learned(self, family, source_tokenizers):
        source = source_tokenizers[family]
        literal = source.all_special_tokens[0]
        text = [f"{line}{literal}{line}" for line in sample("de", 300)]
        tokens = train_tokenizer(source, text, TokenizerSettings(600)).get_vocab()
        assert [token for token in tokens if literal in token] == [literal]


def test_the_same_text_gives_the_same_bytes_with_any_number_of_threads(source_tokenizers, tmp_path):
    program = """
import hashlib, pathlib, sys
from transformers import PreTrainedTokenizerFast
from monoglot.tokenization.train import TokenizerSettings, train_tokenizer
from tests.fixtures.tokenizers import sample
for folder in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    source = PreTrainedTokenizerFast.from_pretrained(folder)
    new = train_tokenizer(source, sample("de", 300), TokenizerSettings(600))
    print(hashlib.sha256(new.backend_tokenizer.to_str().encode()).hexdigest())
"""
    for name, source in source_tokenizers.items():
        source.save_pretrained(tmp_path / name)
    outputs = [
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)],
            env=os.environ | {"RAYON_NUM_THREADS": threads},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for threads in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
    assert len(outputs[0].split()) == len(source_tokenizers)


def test_a_source_with_padding_and_truncation_gives_one_without(source_tokenizers):
    source = rebuild(source_tokenizers["wordpiece"], state_of(source_tokenizers["wordpiece"]))
    source(["a", "b c d"], padding="max_length", truncation=True, max_length=5)
    new = train_tokenizer(source, sample("de", 300), TokenizerSettings(500))
    assert new.backend_tokenizer.truncation is None
    assert new.backend_tokenizer.padding is None


def test_digits_stay_apart_where_the_source_keeps_them_apart(source_tokenizers):
    text = [*sample("de", 300), *(f"im Jahr {1800 + n}" for n in range(200))]
    source = source_tokenizers["sentencepiece-bpe"]
    state = state_of(source)
    joined = train_tokenizer(source, text, TokenizerSettings(700))
    assert any("18" in token for token in joined.get_vocab() if len(token) != len("<0x18>"))
    digits = {
        text
        for text in state["model"]["vocab"]
        if not text.startswith("<") and sum(map(str.isdigit, text)) > 1
    }
    state["model"]["vocab"] = {t: i for t, i in state["model"]["vocab"].items() if t not in digits}
    state["model"]["merges"] = [
        m for m in state["model"]["merges"] if "".join(m) not in digits and not digits & set(m)
    ]
    apart = train_tokenizer(rebuild(source, state), text, TokenizerSettings(700))
    assert not any("18" in token for token in apart.get_vocab() if len(token) != len("<0x18>"))


class TestAddedTokens:
    def test_fillers_go_and_what_the_chat_template_names_stays(self, source_tokenizers):
        source = rebuild(source_tokenizers["byte-level-bpe"], state_of(source_tokenizers["byte-level-bpe"]))
        fillers = ["<unused0>", "[unused1]", "<|reserved_special_token_2|>", "<|reserved_special_token_3|>"]
        source.add_tokens([AddedToken(text, special=True) for text in [*fillers, "<|im_start|>"]])
        source.add_tokens(["Donaudampf"])
        source.chat_template = "{{ '<|im_start|>' + '<|reserved_special_token_3|>' }}"
        new = train_tokenizer(source, sample("de", 300), TokenizerSettings(500))
        assert {str(token) for token in new.added_tokens_decoder.values()} == {
            "<|endoftext|>", "<|im_start|>", "<|reserved_special_token_3|>", "Donaudampf",
        }  # fmt: skip
        assert new.chat_template == source.chat_template
        assert "Donaudampf" in new.tokenize("die Donaudampfschifffahrt")

    def test_the_padding_token_does_not_move_even_behind_a_filler(self, source_tokenizers):
        state = json.loads(
            json.dumps(state_of(source_tokenizers["unigram"])).replace('"<s>"', '"<s>NOTUSED"')
        )
        source = PreTrainedTokenizerFast(
            tokenizer_object=type(source_tokenizers["unigram"].backend_tokenizer).from_str(json.dumps(state)),
            pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
        )  # fmt: skip
        new = train_tokenizer(source, sample("de", 300), TokenizerSettings(500))
        assert new.pad_token_id == source.pad_token_id == 1

    def test_runs_of_whitespace_stay_with_their_merges(self, source_tokenizers):
        state = state_of(source_tokenizers["byte-level-bpe"])
        for left, right in (("Ċ", "Ċ"), ("Ġ", "Ġ"), ("ĠĠ", "ĠĠ")):
            state["model"]["vocab"].setdefault(left + right, len(state["model"]["vocab"]))
            state["model"]["merges"].append([left, right])
        source = rebuild(source_tokenizers["byte-level-bpe"], state)
        new = train_tokenizer(source, sample("de", 300), TokenizerSettings(500))
        text = "x\n\n\ny     z"
        assert new.tokenize(text) == source.tokenize(text) == ["x", "ĊĊ", "Ċ", "y", "ĠĠĠĠ", "Ġz"]


def test_merges_of_line_ends_are_inherited_with_their_parts(source_tokenizers):
    r"""Llama 2 and Mistral v1 have merges of `\r`, which no line of a corpus shows."""
    source = source_tokenizers["sentencepiece-bpe"]
    state = state_of(source)
    vocabulary = state["model"]["vocab"]
    for text in ("\r", "\n", "\t", "\r\n", "\n\n", "\t\t", "▁▁"):
        vocabulary.setdefault(text, len(vocabulary))
    runs = [["\r", "\n"], ["\n", "\n"], ["\t", "\t"], ["▁", "▁"]]
    state["model"]["merges"] = [*runs, *state["model"]["merges"]]
    source = rebuild(source, state)
    trained = train_tokenizer(source, sample("de", 600), TokenizerSettings(700))
    assert len(trained) == 700
    for text in ("a\r\nb", "a\n\nb", "a\t\tb", "a   b"):
        assert trained.tokenize(text) == source.tokenize(text)
        assert trained.decode(trained(text)["input_ids"], skip_special_tokens=True) == text


def test_wordpiece_spells_lines_without_spaces(source_tokenizers):
    source = source_tokenizers["wordpiece"]
    lines = [line.replace(" ", "") for line in sample("de", 300)]
    assert source.unk_token in source.tokenize(max(lines, key=len))
    trained = train_tokenizer(source, lines, TokenizerSettings(600))
    assert trained.unk_token not in trained.tokenize(max(lines, key=len))
