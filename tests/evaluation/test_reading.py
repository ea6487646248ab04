"""What a model that is trained for a task is given, whatever its tokenizer is set to."""

import pytest

from monoglot.evaluation.reading import reading_tokenizer
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
