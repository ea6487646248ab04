import numpy as np
import pytest

from monoglot.errors import SettingError
from monoglot.initialization.methods.subword import Subword
from tests.fixtures.transfers import make_transfer


@pytest.fixture
def transfer(source_tokenizers, target_tokenizers):
    trained = np.random.default_rng(0).random(len(source_tokenizers["unigram"])) < 0.8
    return make_transfer(source_tokenizers["unigram"], target_tokenizers["unigram"], trained=trained)


@pytest.mark.parametrize("weighting", ["mean", "first", "last", "length"])
def test_weights_of_the_trained_pieces(transfer, weighting):
    rows = Subword(weighting).mix(transfer)
    several = 0
    for place in range(len(transfer.overlap.missing)):
        pieces = [id for id in transfer.pieces.of(place).tolist() if transfer.trained[id]]
        several += len(set(pieces)) > 1
        lengths = [max(1, len(transfer.source.by_id[id].form.decode("utf-8", "ignore"))) for id in pieces]
        shares = {
            "mean": [1 / max(1, len(pieces))] * len(pieces),
            "first": [1, *[0] * (len(pieces) - 1)],
            "last": [*[0] * (len(pieces) - 1), 1],
            "length": [length / max(1, sum(lengths)) for length in lengths],
        }[weighting]
        expected, got = np.zeros((2, transfer.source.size))
        for id, share in zip(pieces, shares, strict=False):
            expected[id] += share
        np.add.at(got, *rows.row(place))
        np.testing.assert_allclose(got, expected, atol=1e-6)
    assert several > 100


def test_an_unknown_weighting_is_refused():
    with pytest.raises(SettingError, match="'weighting' of Subword can't be 'frist': did you mean 'first'"):
        Subword("frist")
