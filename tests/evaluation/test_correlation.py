import warnings

import numpy as np
import pytest

from monoglot.errors import CorpusError
from monoglot.evaluation.correlation import correlations
from monoglot.evaluation.records import Split
from monoglot.evaluation.registry import get_task


def test_ranks_and_values_are_compared():
    # Ranks 1 2 3 4; deviations from the mean -2 -1 0 3 (mean 3) and -1.5 -.5 .5 1.5.
    found = correlations(np.array([1.0, 2.0, 3.0, 6.0]), [0, 1, 2, 3])
    assert found["spearman"] == pytest.approx(1)
    assert found["pearson"] == pytest.approx((3 + 0.5 + 4.5) / np.sqrt(14 * 5))
    assert correlations(np.array([1.0, 2.0, 3.0, 6.0]), [3, 2, 1, 0])["spearman"] == pytest.approx(-1)


def test_a_model_that_rates_all_pairs_alike_gets_zero_and_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert correlations(np.float32([0.5, 0.5, 0.5]), [1, 2, 3]) == {"spearman": 0, "pearson": 0}


def test_ratings_that_are_all_the_same_are_refused(source_tokenizers):
    split = Split("dev.jsonl", [{"first": "a", "second": "b", "score": 2}] * 3, (1, 2, 3))
    with pytest.raises(CorpusError, match=r"all 3 pairs of dev.jsonl are rated 2.0; expected different"):
        get_task("sts").prepare(split, source_tokenizers["unigram"], ["score"], 32)
