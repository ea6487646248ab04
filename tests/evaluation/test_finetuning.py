"""What a model that is trained for a task is given, whatever its tokenizer is set to."""

import numpy as np
import pytest

from monoglot.evaluation.finetuning import by_length, reading_tokenizer
from monoglot.evaluation.task import Prepared
from tests.fixtures.models import ARCHITECTURES


@pytest.mark.parametrize(
    ("architecture", "segments"), [("bert", 2), ("xlm-roberta", 1), ("t5", None), ("bart", None)]
)
def test_padding_is_behind_and_inputs_are_those_of_the_model(architecture, segments, source_tokenizers):
    make = ARCHITECTURES[architecture]
    tokenizer = source_tokenizers[make.family]
    model = make(tokenizer, **({"type_vocab_size": segments} if segments else {}))
    before = (tokenizer.padding_side, tokenizer.truncation_side, list(tokenizer.model_input_names))
    reading = reading_tokenizer(tokenizer, model)
    reading.padding_side = "left"
    reading = reading_tokenizer(reading, model)
    assert reading.padding_side == reading.truncation_side == "right"
    assert ("token_type_ids" in reading("a", "b")) == (segments == 2)
    assert before == (tokenizer.padding_side, tokenizer.truncation_side, list(tokenizer.model_input_names))


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
