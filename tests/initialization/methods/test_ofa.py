from dataclasses import replace

import pytest

from monoglot.errors import InputError, VectorsError
from monoglot.initialization.methods.ofa import Ofa
from tests.fixtures.methods import word_vectors, words
from tests.fixtures.transfers import make_transfer


def test_neighbors_are_those_in_the_space_of_words(tmp_path, source_tokenizers, target_tokenizers):
    transfer = make_transfer(source_tokenizers["unigram"], target_tokenizers["unigram"])
    listed = words()
    method = Ofa(word_vectors(tmp_path / "many.vec", listed), neighbors=3)
    rows = method.mix(transfer)
    assert set(rows.lengths.tolist()) == {0, 3}
    answered = set(transfer.overlap.missing[rows.lengths > 0].tolist())
    parts = {
        id
        for form in (" {}", "{}")
        for row in transfer.segmenters[1](list(map(form.format, listed)))
        for id in row
    }
    assert answered == parts & set(transfer.overlap.missing.tolist()) - {
        t.id for t in transfer.target.special
    }
    # Nearest of all source tokens, not only of those that overlap.
    assert set(rows.indices) - set(transfer.overlap.source_ids)


def test_no_word_vectors_no_method(tmp_path, source_tokenizers, target_tokenizers):
    transfer = make_transfer(source_tokenizers["unigram"], target_tokenizers["unigram"])
    with pytest.raises(InputError, match="no file"):
        Ofa("none.vec").check()
    empty = Ofa(word_vectors(tmp_path / "none.vec", []))
    with pytest.raises(VectorsError, match="to none of the source tokens"):
        empty.mix(transfer)
    some = Ofa(word_vectors(tmp_path / "some.vec", words(50)))
    assert some.mix(transfer).lengths.any()
    nothing = replace(transfer, segmenters=(transfer.segmenters[0], lambda texts: [[] for _ in texts]))
    with pytest.raises(VectorsError, match="to none of the target tokens"):
        some.mix(nothing)
