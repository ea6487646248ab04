import numpy as np
import pytest

from monoglot.evaluation.examples import by_length
from monoglot.evaluation.task import Prepared


@pytest.mark.parametrize("several", [False, True])
def test_judged_inputs_come_longest_first_and_their_outputs_are_put_back(several):
    seen = []
    features = [{"input_ids": [i] * length} for i, length in enumerate([3, 8, 1, 8, 5])]
    judged = by_length(Prepared(features, lambda outputs: seen.append(outputs) or {"right": 1.0}))
    assert [feature["input_ids"][0] for feature in judged.features] == [1, 3, 4, 0, 2]
    outputs = np.array([feature["input_ids"][0] for feature in judged.features])
    assert judged.score((outputs, outputs + 10) if several else outputs) == {"right": 1.0}
    restored = seen[0] if several else (seen[0],)
    assert [part.tolist() for part in restored] == [list(range(5)), list(range(10, 15))][: 1 + several]
