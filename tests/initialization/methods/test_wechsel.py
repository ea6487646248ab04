from dataclasses import replace

import numpy as np
import pytest

from monoglot.errors import InputError, SettingError, VectorsError
from monoglot.initialization.initialize import initialize
from monoglot.initialization.methods.wechsel import Wechsel, alignment
from monoglot.initialization.registry import get_method
from monoglot.maths.mixture import Provenance
from monoglot.vectors.vector_files import WordList
from tests.fixtures.methods import dictionary, word_vectors, words
from tests.fixtures.transfers import make_transfer


def test_the_rotation_between_two_spaces_is_found(tmp_path):
    listed = ["Haus", "katze", "Hund", "baum", "Weg", "tag"]
    source = WordList(tmp_path.__class__(word_vectors(tmp_path / "a.vec", listed, dim=4)))
    rotation = np.linalg.qr(np.random.default_rng(1).standard_normal((4, 4)))[0]
    turned = {f"x{word}": vector @ rotation for word, vector in source.vectors_of(listed).items()}
    lines = (f"{word} {' '.join(map(str, vector))}\n" for word, vector in turned.items())
    (tmp_path / "b.vec").write_text("".join(lines))
    target = WordList(tmp_path / "b.vec")

    # Looked up in lower case and capitalized as well; unknown words do no harm.
    pairs = [("haus", "xHaus"), *((word, f"x{word}") for word in listed[1:]), ("none", "xnone")]
    np.testing.assert_allclose(alignment(source, target, pairs), rotation, atol=1e-4)
    with pytest.raises(VectorsError, match="none of the dictionary's 1 pairs is in both files"):
        alignment(source, target, [("none", "xHaus")])


@pytest.fixture
def method(tmp_path):
    """The target's words have the vectors of the source's, turned; the dictionary is that of equal words."""
    listed = words()
    source = word_vectors(tmp_path / "source.vec", listed)
    rotation = np.linalg.qr(np.random.default_rng(1).standard_normal((6, 6)))[0]
    matrix = WordList(tmp_path / "source.vec").vectors_of(listed)
    lines = (f"{word} {' '.join(map(str, matrix[word] @ rotation))}\n" for word in listed)
    (tmp_path / "target.vec").write_text("".join(lines))
    pairs = dictionary(tmp_path / "pairs.tsv", [(word, word) for word in listed])
    return Wechsel(pairs, source, str(tmp_path / "target.vec"))


def test_a_token_is_made_of_itself_if_both_tokenizers_are_one(method, source_tokenizers):
    tokenizer = source_tokenizers["unigram"]
    transfer = make_transfer(tokenizer, tokenizer)
    # Nothing overlaps, but every token has its own vector on the other side.
    everything = replace(
        transfer.overlap.where(np.zeros(len(transfer.overlap), bool)), missing=transfer.source.ids
    )
    pieces = replace(
        transfer.pieces, indptr=np.zeros(transfer.source.size + 1, np.int64), ids=np.zeros(0, np.int64)
    )
    mixture = initialize(replace(transfer, overlap=everything, pieces=pieces), method)
    rows = mixture.where(Provenance.METHOD)
    assert len(rows) > 200
    for target_id in rows.tolist():
        parents = mixture.explain(target_id)
        assert len(parents) == 10
        weights = dict(parents)
        assert weights[target_id] == pytest.approx(max(weights.values()), abs=1e-4)


def test_special_and_untrained_tokens_are_no_neighbors(method, source_tokenizers, target_tokenizers):
    trained = np.random.default_rng(0).random(len(source_tokenizers["unigram"])) < 0.5
    transfer = make_transfer(source_tokenizers["unigram"], target_tokenizers["unigram"], trained=trained)
    rows = method.mix(transfer)
    assert (rows.lengths > 0).sum() > 50
    assert trained[rows.indices].all()
    assert not set(rows.indices) & {token.id for token in transfer.source.special}
    # Neighbors are all source tokens, not only those that overlap.
    assert set(rows.indices) - set(transfer.overlap.source_ids)


def test_without_its_files_it_is_refused(method, tmp_path):
    with pytest.raises(SettingError, match="method 'wechsel' needs the option 'dictionary'"):
        get_method("wechsel")
    method.check()
    for change, message in [
        ({"dictionary": "none.tsv"}, "no file 'none.tsv', which was given as the method's dictionary"),
        ({"dictionary": method.source_vectors}, "line 2 of .* columns"),
        ({"source_vectors": method.dictionary}, r"read from \.vec and \.bin files"),
        ({"target_vectors": str(tmp_path)}, "no file"),
    ]:
        with pytest.raises(InputError, match=message):
            replace(method, **change).check()
    for change in ({"neighbors": 0}, {"temperature": 0.0}):
        with pytest.raises(SettingError, match="give"):
            replace(method, **change)
