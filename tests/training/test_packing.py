"""Windows hold every token once, in an order that depends on nothing but the seed."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from monoglot.errors import CorpusError
from monoglot.tokenization.encoding import TokenizedCorpus
from monoglot.tokenization.special_token_template import SpecialTokenTemplate
from monoglot.training.packing import (
    PADDING,
    PackedCorpus,
    PackedLayout,
    Windows,
    filling_order,
)


@given(st.lists(st.integers(1, 20), max_size=60))
def test_documents_that_fill_windows_are_taken_out_of_turn(lengths):
    order = filling_order(np.array(lengths, np.int64), 20)
    assert sorted(order.tolist()) == list(range(len(lengths)))
    room, left = 20, set(range(len(lengths)))
    for document in order.tolist():
        if min(left) != document and lengths[min(left)] <= room:
            raise AssertionError("the next in line would have fitted")
        if lengths[document] > room:  # a window ends only when none of those that are left would fit
            assert all(lengths[other] > room for other in left)
            room = 20
        room -= lengths[document]
        left.remove(document)


BOS, EOS, PAD = 1, 2, 0
FRAMES = [SpecialTokenTemplate(), SpecialTokenTemplate((BOS,), ()), SpecialTokenTemplate((BOS,), (EOS,))]


def made_up(lengths):
    """Documents of the given lengths whose tokens are all different."""
    offsets = np.cumsum([0, *lengths]).astype(np.int64)
    return TokenizedCorpus(np.arange(10, 10 + offsets[-1], dtype=np.uint32), offsets)


def epoch(corpus, layout, seed=0):
    """All windows of the first epoch."""
    probe = PackedCorpus(corpus, layout, windows=1, seed=seed)
    count = probe.windows_per_epoch
    return PackedCorpus(corpus, layout, windows=count, seed=seed).__getitems__(range(count))


def texts(windows: Windows, template: SpecialTokenTemplate):
    """The text of each piece with its document and start, checking what stands around it."""
    for piece, (document, start) in enumerate(zip(windows.documents, windows.starts, strict=True)):
        where = windows.segments == piece
        assert len(set(np.nonzero(where)[0])) == 1
        ids, is_text = windows.ids[where], windows.is_text[where]
        assert tuple(ids[: len(template.before)]) == template.before
        assert tuple(ids[len(ids) - len(template.after) :]) == template.after
        assert is_text.sum() == len(ids) - template.tokens
        assert (windows.positions[where] == np.arange(len(ids))).all()
        yield int(document), int(start), ids[is_text]


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=30).filter(any),
    st.integers(8, 40),
    st.sampled_from(FRAMES),
    st.booleans(),
)
def test_every_token_is_in_one_window(lengths, window, template, whole):
    corpus, layout = made_up(lengths), PackedLayout(window, template, PAD, whole)
    windows = epoch(corpus, layout)
    assert windows.ids.shape[1] == window
    assert (windows.ids[windows.segments == PADDING] == PAD).all()
    found = sorted(texts(windows, template), key=lambda piece: piece[:2])
    for document, length in enumerate(lengths):
        segments = [(start, ids) for number, start, ids in found if number == document]
        expected = corpus.ids[corpus.offsets[document] : corpus.offsets[document + 1]]
        if whole and length:
            expected = expected[: layout.most_text]
            assert len(segments) == 1
        assert [start for start, _ in segments] == list(np.cumsum([0, *(len(i) for _, i in segments)])[:-1])
        assert np.concatenate([[], *(ids for _, ids in segments)]).tolist() == expected.tolist()


@pytest.mark.parametrize("whole", [False, True])
def test_real_lines_leave_hardly_any_room(whole, german, source_tokenizers):
    for family, corpus in german.items():
        tokenizer = source_tokenizers[family]
        windows = epoch(corpus, PackedLayout(256, SpecialTokenTemplate.of(tokenizer), PAD, whole))
        assert len(windows.ids) > 30
        # The last is what is left over; of few whole lines the last fit ever less well.
        counted = windows.segments[: len(windows.ids) * 3 // 4] if whole else windows.segments[:-1]
        assert (counted != PADDING).mean() >= 0.99, family


def test_the_frame_is_what_the_tokenizer_puts_around_a_text(source_tokenizers):
    for tokenizer in source_tokenizers.values():
        template = SpecialTokenTemplate.of(tokenizer)
        inner = tokenizer("Das Recht", add_special_tokens=False)["input_ids"]
        assert [*template.before, *inner, *template.after] == tokenizer("Das Recht")["input_ids"]


def test_a_window_depends_on_seed_and_number_alone(german):
    corpus, layout = german["unigram"], PackedLayout(64, FRAMES[2], PAD)
    count = PackedCorpus(corpus, layout, windows=1, seed=5).windows_per_epoch
    first = PackedCorpus(corpus, layout, windows=3 * count, seed=5)
    in_order = [first[number] for number in range(2 * count)]
    again = PackedCorpus(corpus, layout, windows=3 * count, seed=5)
    for number in np.random.default_rng(0).permutation(2 * count)[:50]:
        assert np.array_equal(again[number].ids, in_order[number].ids)
        assert again[number].numbers == [number]
    other = PackedCorpus(corpus, layout, windows=count, seed=6)
    assert not np.array_equal(other[0].ids, in_order[0].ids)
    assert not np.array_equal(in_order[0].ids, in_order[count].ids)


def test_joined_windows_number_their_pieces_through(german):
    data = PackedCorpus(german["unigram"], PackedLayout(64, FRAMES[1], PAD), windows=9, seed=1)
    joined = data.__getitems__([2, 5, 7])
    assert len(joined.documents) == joined.segments.max() + 1
    apart = [text.tolist() for n in (2, 5, 7) for *_, text in texts(data[n], FRAMES[1])]
    assert [text.tolist() for *_, text in texts(joined, FRAMES[1])] == apart


@pytest.mark.parametrize(("lengths", "window"), [([0, 0], 64), ([5, 9], 5)])
def test_a_corpus_that_can_not_be_packed_is_refused(lengths, window):
    with pytest.raises(CorpusError, match="can't be packed"):
        PackedCorpus(made_up(lengths), PackedLayout(window, FRAMES[2], PAD), windows=1, seed=0)


END = 3


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=30).filter(any),
    st.integers(9, 40),
    st.sampled_from(FRAMES[:2]),
    st.booleans(),
)
def test_every_document_ends_once(lengths, window, template, whole):
    """Neither a piece that a document was cut to ends so, nor is there a piece of an end alone."""
    corpus, layout = made_up(lengths), PackedLayout(window, template, PAD, whole, end=(END,))
    windows = epoch(corpus, layout)
    last = {}
    for piece, (document, start) in enumerate(zip(windows.documents, windows.starts, strict=True)):
        where = windows.segments == piece
        ids, is_text = windows.ids[where], windows.is_text[where]
        text, tail = ids[is_text], ids[~is_text][len(template.before) :]
        assert len(text) > 0
        assert tail.tolist() in ([], [END])
        begin = corpus.offsets[document] + start
        assert text.tolist() == corpus.ids[begin : begin + len(text)].tolist()
        reaches_end = start + len(text) == lengths[document]
        fits = len(text) < layout.most_text
        assert tail.tolist() == ([END] if reaches_end and (fits or not whole) else [])
        last[int(document)] = last.get(int(document), 0) + len(text)
    for document, length in enumerate(lengths):
        expected = min(length, layout.most_text) if whole else length
        assert last.get(document, 0) == expected


def test_documents_end_with_what_the_tokenizer_does_not_put_there(source_tokenizers):
    for family, tokenizer in source_tokenizers.items():
        template = SpecialTokenTemplate.of(tokenizer)
        end, ids = template.end_of(tokenizer), tokenizer("Das Recht")["input_ids"]
        assert (tokenizer.eos_token_id is None) == (tokenizer.eos_token_id not in [*ids, *end]), family
        assert ([*ids, *end].count(tokenizer.eos_token_id)) <= 1 + ids.count(tokenizer.eos_token_id)
