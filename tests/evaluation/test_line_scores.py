"""The paired bootstrap."""

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from monoglot.evaluation.bits_per_byte import LanguageSettings, score_language
from monoglot.evaluation.line_scores import BitsPerByte, LineScores, TeacherDistance, paired_difference
from monoglot.model.folder import load_model
from monoglot.model.pooling import Pooling
from monoglot.model.tokenizer_folder import load_tokenizer
from tests.fixtures.tokenizers import sample

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 30))
AMOUNTS = st.floats(-100, 100, allow_subnormal=False)


@st.composite
def cases(draw):
    """Amounts of two models on the same lines, and the sizes of these."""
    shape = draw(SHAPES)
    first, second = (draw(arrays(np.float64, shape, elements=AMOUNTS)) for _ in range(2))
    return first, second, draw(arrays(np.float64, shape[1], elements=st.floats(1, 50)))


@given(cases(), st.integers(0, 9))
def test_turning_it_round_turns_the_interval_round(case, seed):
    first, second, sizes = case
    there, back = (paired_difference(*pair, sizes, seed=seed) for pair in ((first, second), (second, first)))
    assert there.value == pytest.approx(-back.value)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    assert there.excludes_zero == back.excludes_zero


@given(cases())
def test_the_same_model_differs_by_nothing(case):
    first, _, sizes = case
    found = paired_difference(first, first, sizes, seed=1)
    assert (found.value, found.low, found.high) == (0, 0, 0)
    assert not found.excludes_zero


@given(cases(), st.floats(0.01, 5))
def test_what_is_worse_on_every_line_by_its_size_is_told_apart(case, step):
    first, _, sizes = case
    found = paired_difference(first + step * sizes, first, sizes, seed=1)
    assert (found.value, found.low, found.high) == pytest.approx((step, step, step), abs=1e-9)
    assert found.excludes_zero


@given(cases())
def test_the_interval_lies_between_the_lines_that_differ_least_and_most(case):
    first, second, sizes = case
    found = paired_difference(first, second, sizes, seed=3)
    per_line = (first - second) / sizes
    assert per_line.min() - 1e-9 <= found.low <= found.high <= per_line.max() + 1e-9


def test_one_run_stands_for_all():
    rng = np.random.default_rng(0)
    first, second = rng.random((3, 20)), rng.random((1, 20))
    expected = paired_difference(first, np.repeat(second, 3, axis=0), np.ones(20), seed=1)
    assert paired_difference(first, second, np.ones(20), seed=1) == expected


def test_runs_that_disagree_widen_the_interval():
    rng = np.random.default_rng(0)
    lines = rng.normal(0.0, 0.01, 200)
    agreeing = np.stack([lines + 0.02] * 3)
    disagreeing = np.stack([lines - 0.02, lines + 0.02, lines + 0.06])
    narrow, wide = (
        paired_difference(runs, np.zeros((3, 200)), np.ones(200), seed=1) for runs in (agreeing, disagreeing)
    )
    assert narrow.value == pytest.approx(wide.value)
    assert narrow.excludes_zero
    assert not wide.excludes_zero


def test_the_true_difference_is_inside_about_95_times_of_100():
    rng = np.random.default_rng(7)
    inside = 0
    for trial in range(300):
        first, second = rng.normal(1.3, 1, (1, 100)), rng.normal(1.0, 1, (1, 100))
        found = paired_difference(first, second, np.ones(100), seed=trial)
        inside += found.low <= 0.3 <= found.high
    assert 0.91 <= inside / 300 <= 0.98


def test_what_can_not_be_paired_is_refused():
    with pytest.raises(ValueError, match="not the same lines: 3, 4 and 4"):
        paired_difference(np.ones((1, 3)), np.ones((1, 4)), np.ones(4), seed=1)
    with pytest.raises(ValueError, match="2 and 3 runs"):
        paired_difference(np.ones((2, 4)), np.ones((3, 4)), np.ones(4), seed=1)


def test_bits_per_byte_are_those_of_the_whole_text(tiny_folder):
    folder = tiny_folder("gemma3")
    model, tokenizer, lines = load_model(folder), load_tokenizer(folder), sample("de", 8)
    found = BitsPerByte(LanguageSettings())(model, tokenizer, lines)
    assert found.mean == pytest.approx(score_language(model, tokenizer, lines).bits_per_byte)
    assert found.sizes.tolist() == [len(line.encode()) for line in lines]
    again = LineScores.from_dict(json.loads(json.dumps(found.to_dict())))
    assert np.array_equal(again.amounts, found.amounts)
    assert again.mean == found.mean


def test_a_teacher_is_no_distance_from_itself_and_asked_once(tiny_folder):
    folder = tiny_folder("xlm-roberta")
    model, tokenizer, lines = load_model(folder), load_tokenizer(folder), sample("de", 5)
    asked = []
    measure = TeacherDistance(lambda: asked.append(1) or (model, tokenizer), Pooling.MEAN, "query: ")
    own = measure(model, tokenizer, lines)
    assert own.amounts == pytest.approx(np.zeros(5), abs=1e-6)
    other = load_model(folder)
    other.get_input_embeddings().weight.data.mul_(-1)
    assert measure(other, tokenizer, lines).mean > 0.01
    assert asked == [1]
    assert measure.settings == {"pooling": "mean", "prefix": "query: "}


def test_memory_does_not_grow_with_resamples():
    amounts = np.random.default_rng(0).random((1, 20_000))
    tracemalloc.start()
    paired_difference(amounts, amounts + 1, np.ones(20_000), seed=42)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 20_000_000
