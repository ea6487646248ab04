"""Grafts: the source's tokens stay as they are, and the new ones are those that save most."""

from __future__ import annotations

import numpy as np
import pytest

from monoglot.errors import SettingError, TokenizerError
from monoglot.tokenization.encoding import count_tokens
from monoglot.tokenization.graft import GraftSettings, graft_tokens
from monoglot.tokenization.joined_pieces import joined_pieces, segment_words
from monoglot.tokenization.new_tokens import Candidates, Elimination, NewToken, parents_first
from monoglot.tokenization.selection import RetainedText
from monoglot.tokenization.tokenizer_json import ids_of, state_of
from monoglot.tokenization.trim import TrimSettings, check_segmentation, trim_tokenizer
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.tokenization.word_counts import count_words
from tests.fixtures.handmade import sentencepiece_bpe_of
from tests.fixtures.tokenizers import FAMILIES, sample

FAMILY_NAMES = sorted(FAMILIES)
TEXT = sample("de", 1500)
HELD_OUT = sample("de", 1700)[1500:]
WORDS = count_words(TEXT)
ADDED = 100


@pytest.fixture(scope="module")
def trimmed(source_tokenizers):
    def trim(tokenizer):
        counts = count_tokens(tokenizer, TEXT, Vocabulary.of(tokenizer).size)
        return trim_tokenizer(tokenizer, counts, TrimSettings())

    return {name: trim(tokenizer) for name, tokenizer in source_tokenizers.items()}


@pytest.fixture(scope="module")
def grafted(trimmed):
    return {
        name: graft_tokens(result.tokenizer, WORDS, GraftSettings(new_tokens=ADDED))
        for name, result in trimmed.items()
    }


def lengths(tokenizer, lines):
    return np.array([len(tokenizer(line, add_special_tokens=False)["input_ids"]) for line in lines])


@pytest.mark.parametrize("family", FAMILY_NAMES)
@pytest.mark.parametrize("number", [10, 25])
def test_candidates_that_were_put_back_are_as_if_never_removed(trimmed, family, number):
    """Only words are segmented anew that a removal changed: the figures are those of a new count."""
    one, other = (elimination_of(trimmed[family].tokenizer, TEXT[:200]) for _ in range(2))
    batches = []
    for _ in range(3):
        batches += [list(one.removable(one.priced()))[:10]]
        one.remove(batches[-1])
    removed = [token for batch in batches for token in batch]
    one.put_back(number)
    other.remove(removed[: len(removed) - number])
    assert one.removed == removed[: len(removed) - number]
    assert one.text_tokens == other.text_tokens
    assert {token.text: token for token in one.priced()} == {token.text: token for token in other.priced()}


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_a_graft_of_nothing_is_the_trimmed_tokenizer(trimmed, grafted, family):
    tokenizer = trimmed[family].tokenizer
    nothing = graft_tokens(tokenizer, WORDS, GraftSettings(new_tokens=0))
    assert nothing.new == ()
    assert nothing.tokenizer.get_vocab() == tokenizer.get_vocab()
    assert nothing.text_tokens == nothing.source_tokens == grafted[family].source_tokens


def elimination_of(tokenizer, lines=TEXT):
    state = state_of(tokenizer)
    words = {word: count for word, count in count_words(lines).items() if word.isalpha()}
    marked = {spell(tokenizer, word): count for word, count in words.items()}
    segmented = segment_words(state, marked)
    candidates = Candidates.of_words(state, Vocabulary.of(tokenizer), segmented)
    return Elimination(candidates, candidates.split, marked, segmented.text_tokens)


def spell(tokenizer, word):
    """A word as it reaches the tokenizer's model, in the middle of a line."""
    backend = tokenizer.backend_tokenizer
    lead = "" if state_of(tokenizer)["model"]["type"] == "WordPiece" else " "
    text = backend.normalizer.normalize_str(lead + word) if backend.normalizer else lead + word
    return backend.pre_tokenizer.pre_tokenize_str(text)[0][0] if backend.pre_tokenizer else text


@pytest.mark.parametrize("family", FAMILY_NAMES)
class TestEveryFamily:
    def test_new_tokens_follow_the_kept_ones(self, family, trimmed, grafted):
        old, new = trimmed[family].tokenizer.get_vocab(), grafted[family].tokenizer.get_vocab()
        assert {text: new[text] for text in old} == old
        assert sorted(new.values()) == list(range(len(old) + ADDED))
        added = sorted(new.keys() - old, key=lambda text: new[text])
        assert added == [token.text for token in grafted[family].new]

    def test_text_that_was_not_seen_needs_fewer_tokens(self, family, trimmed, grafted):
        before = lengths(trimmed[family].tokenizer, HELD_OUT)
        after = lengths(grafted[family].tokenizer, HELD_OUT)
        assert after.sum() < 0.97 * before.sum()
        # WordPiece takes the longest match, after which the rest may need more pieces.
        assert (after <= before).all() if family != "wordpiece" else (after <= before).mean() > 0.95

    def test_every_new_token_can_be_reached(self, family, grafted):
        tokenizer = grafted[family].tokenizer
        texts = {token.text: 1 for token in grafted[family].new}
        segmented = segment_words(state_of(tokenizer), texts)
        assert segmented.ids.tolist() == [tokenizer.get_vocab()[text] for text in texts]

    def test_prices_are_what_the_tokenizer_really_counts(self, family, grafted):
        # Words are counted as in the middle of a line.
        lines = [f" {line}" for line in TEXT] if family.endswith("bpe") else TEXT
        ids = grafted[family].tokenizer.get_vocab()
        counts = count_tokens(grafted[family].tokenizer, lines, len(ids))
        for token in grafted[family].new:
            assert abs(counts[ids[token.text]] - token.count) <= 0.1 * token.count + 3

    def test_lines_without_new_tokens_are_segmented_as_before(
        self, family, trimmed, grafted, source_tokenizers
    ):
        tokenizer, kept = grafted[family].tokenizer, trimmed[family].kept_source_ids
        source_of = np.full(len(tokenizer), -1)
        source_of[: len(kept)] = kept
        is_kept = frozenset(kept.tolist()).issuperset
        lines = [
            word
            for word in WORDS
            if is_kept(source_tokenizers[family](word)["input_ids"])
            and max(tokenizer(word)["input_ids"], default=0) < len(kept)
        ]
        assert len(lines) > 100
        assert check_segmentation(source_tokenizers[family], tokenizer, source_of, lines).share == 1

    def test_prompts_are_segmented_as_before(self, family, trimmed, grafted, source_tokenizers):
        source, old = source_tokenizers[family], trimmed[family].tokenizer
        prompt = max(
            (line for line in TEXT if len(line) < 60),
            key=lambda line: lengths(old, [line])[0] - lengths(grafted[family].tokenizer, [line])[0],
        )
        assert lengths(grafted[family].tokenizer, [prompt]) < lengths(old, [prompt])
        keep = RetainedText.of(source, [prompt], ())
        result = graft_tokens(old, WORDS, GraftSettings(new_tokens=ADDED), keep=keep)
        assert result.tokenizer(prompt)["input_ids"] == old(prompt)["input_ids"]
        assert len(result.new) == ADDED

    def test_what_kept_texts_exclude_is_made_up_for(self, family, trimmed, source_tokenizers):
        """The number, the saving, and what is recorded are those of the tokenizer that is made."""
        old = trimmed[family].tokenizer
        prompts = [line for line in TEXT if 40 < len(line) < 80][:6]
        keep = RetainedText.of(source_tokenizers[family], prompts, ())
        for settings in (GraftSettings(new_tokens=ADDED), GraftSettings(save=0.08)):
            result = graft_tokens(old, WORDS, settings, keep=keep)
            saved = 1 - result.text_tokens / result.source_tokens
            lines = [f" {line}" for line in TEXT] if family.endswith("bpe") else TEXT
            real = 1 - sum(lengths(result.tokenizer, lines)) / sum(lengths(old, lines))
            assert real == pytest.approx(saved, abs=0.005)
            assert len(result.new) == ADDED if settings.new_tokens else saved >= 0.08
            for prompt in prompts:
                assert result.tokenizer(prompt)["input_ids"] == old(prompt)["input_ids"]

    def test_saves_the_share_asked_for_with_few_tokens(self, family, trimmed, grafted):
        reached = 1 - grafted[family].text_tokens / grafted[family].source_tokens
        result = graft_tokens(trimmed[family].tokenizer, WORDS, GraftSettings(save=reached))
        assert 0.8 * ADDED <= len(result.new) <= 1.2 * ADDED

    def test_gives_the_same_again(self, family, trimmed, grafted):
        again = graft_tokens(trimmed[family].tokenizer, WORDS, GraftSettings(new_tokens=ADDED))
        assert again.new == grafted[family].new

    def test_counting_again_agrees_with_counting_anew(self, family, trimmed):
        elimination = elimination_of(trimmed[family].tokenizer)
        for _ in range(3):
            elimination.remove(list(elimination.removable(elimination.priced()))[:40])
        state = elimination.candidates.with_new(elimination.alive)
        assert elimination.text_tokens == segment_words(state, elimination.words).text_tokens

    def test_a_price_is_what_removing_the_token_costs(self, family, trimmed):
        elimination = elimination_of(trimmed[family].tokenizer)
        for token in list(elimination.removable(elimination.priced()))[-5:]:
            before = elimination.text_tokens
            elimination.remove([token])
            cost = elimination.text_tokens - before
            # The words around it may be segmented differently as well.
            assert 0.7 * token.saved_tokens <= cost <= 1.3 * token.saved_tokens

    def test_candidates_join_pieces_of_one_kind(self, family, trimmed):
        tokenizer = trimmed[family].tokenizer
        state, words = (
            state_of(tokenizer),
            {spell(tokenizer, word): 10 for word in ("Haus", "Haus,", "12345")},
        )
        joined = joined_pieces(segment_words(state, words), state, Vocabulary.of(tokenizer))
        assert not any("," in text for text in joined)
        assert ids_of(state).keys().isdisjoint(joined)


class TestSettings:
    def test_more_than_the_text_supports(self, trimmed):
        with pytest.raises(SettingError, match="new tokens would save any of its tokens"):
            graft_tokens(trimmed["unigram"].tokenizer, WORDS, GraftSettings(new_tokens=10**6))

    def test_a_saving_out_of_reach(self, trimmed):
        with pytest.raises(SettingError, match="candidates save"):
            graft_tokens(trimmed["unigram"].tokenizer, WORDS, GraftSettings(save=0.99))

    def test_no_more_room(self, trimmed):
        with pytest.raises(SettingError, match="there is room for 3"):
            graft_tokens(trimmed["unigram"].tokenizer, WORDS, GraftSettings(save=0.1, most_new_tokens=3))

    def test_by_default_every_new_token_pays(self, trimmed):
        result = graft_tokens(trimmed["unigram"].tokenizer, WORDS, GraftSettings())
        assert result.new
        assert min(token.count for token in result.new) >= 15

    def test_no_new_tokens_is_a_trim(self, trimmed):
        result = graft_tokens(trimmed["unigram"].tokenizer, WORDS, GraftSettings(new_tokens=0))
        assert result.tokenizer.get_vocab() == trimmed["unigram"].tokenizer.get_vocab()

    def test_a_language_of_another_family(self, trimmed, target_tokenizers):
        with pytest.raises(TokenizerError, match="same family"):
            graft_tokens(
                trimmed["unigram"].tokenizer,
                WORDS,
                GraftSettings(new_tokens=5),
                language=target_tokenizers["wordpiece"],
            )

    def test_candidates_of_a_tokenizer(self, trimmed, target_tokenizers):
        language = target_tokenizers["unigram"]
        result = graft_tokens(
            trimmed["unigram"].tokenizer, WORDS, GraftSettings(new_tokens=20), language=language
        )
        assert {token.text for token in result.new} <= language.get_vocab().keys()


def test_parents_come_first():
    tokens = [NewToken("abc", 9, 9), NewToken("d", 5, 5), NewToken("ab", 1, 1)]
    ordered = parents_first(tokens, [("a", "b"), ("ab", "c")])
    assert [token.text for token in ordered] == ["ab", "abc", "d"]


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_by_default_not_more_is_saved_than_is_wanted(family, source_tokenizers):
    words = count_words(sample("de", 1500))
    source = source_tokenizers[family]
    every = graft_tokens(source, words, GraftSettings())
    saved = 1 - every.text_tokens / every.source_tokens
    few = graft_tokens(source, words, GraftSettings(most_saved=saved / 3))
    assert saved / 3 * 0.98 < 1 - few.text_tokens / few.source_tokens < saved / 3 * 1.05
    assert 0 < len(few.new) < len(every.new) / 2
    same = graft_tokens(source, words, GraftSettings(most_saved=saved * 2))
    assert same.new == every.new
    asked = GraftSettings(new_tokens=len(every.new) // 2, most_saved=saved / 3)
    assert len(graft_tokens(source, words, asked).new) == len(every.new) // 2


@pytest.mark.parametrize(("family", "save"), [("byte-level-bpe", 0.08), ("unigram", 0.15)])
def test_no_less_is_saved_than_is_asked_for(family, save, trimmed):
    result = graft_tokens(trimmed[family].tokenizer, WORDS, GraftSettings(save=save))
    saved = 1 - result.text_tokens / result.source_tokens
    assert save <= saved < save * 1.02


@pytest.mark.parametrize(("tokens", "joined"), [((), {}), (("20",), {"19": 10})])
def test_digits_are_joined_only_where_the_source_joins_some(tokens, joined):
    """The digits in the names of byte tokens and of tokens in reserve are no numbers."""
    tokenizer = sentencepiece_bpe_of("▁", "1", "9", "<0x10>", "<0x11>", "<unused12>", *tokens)
    state = state_of(tokenizer)
    assert joined_pieces(segment_words(state, {"▁19": 10}), state, Vocabulary.of(tokenizer)) == joined
