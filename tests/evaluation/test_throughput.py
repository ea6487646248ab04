import pytest

from monoglot.evaluation.throughput import compare_speed, parameter_bytes
from tests.fixtures.models import ARCHITECTURES
from tests.fixtures.tokenizers import sample


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("xlm-roberta", "unigram"),
        ("gemma3", "sentencepiece-bpe"),
        ("t5", "unigram"),
        ("gpt2", "byte-level-bpe"),
    ],
)
def test_models_take_turns_on_the_same_lines(source_tokenizers, target_tokenizers, name, family):
    pairs = [(ARCHITECTURES[name](t[family]), t[family]) for t in (target_tokenizers, source_tokenizers)]
    lines = [*sample("de", 20), ""]
    found = compare_speed(*pairs, lines, rounds=3)
    for side, (model, _) in zip((found.first, found.second), pairs, strict=True):
        assert side.lines == 21
        assert side.bytes == len("".join(lines).encode())
        assert side.lines_per_second == pytest.approx(21 / side.seconds)
        assert side.parameter_bytes == parameter_bytes(model) == 4 * model.num_parameters()
    assert found.memory_ratio < 1
    assert len(found.round_ratios) == found.to_dict()["rounds"] == 3
    assert found.speedup == sorted(found.round_ratios)[1] > 0
