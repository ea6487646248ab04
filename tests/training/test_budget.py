"""Steps and batches add up, however many processes share them."""

import pytest
from hypothesis import given, strategies as st

from monoglot.errors import SettingError
from monoglot.training.budget import Budget
from monoglot.training.parameters import rate_factor
from monoglot.training.settings import TrainingSettings


@given(st.integers(1, 10**6), st.integers(1, 64), st.integers(1, 64), st.sampled_from([1, 2, 4]))
def test_batches_are_shared_equally(tokens, batch, device, processes):
    settings = TrainingSettings(
        tokens=tokens, batch_tokens=batch * processes * 32, device_tokens=device * 32, window_tokens=32
    )
    budget = Budget.of(settings, processes)
    assert (
        budget.device_windows * budget.accumulation * processes == budget.batch_windows == batch * processes
    )
    assert budget.device_windows <= device
    assert 0 <= budget.steps * budget.step_tokens - tokens < budget.step_tokens


def test_a_batch_that_can_not_be_shared_is_refused():
    with pytest.raises(SettingError, match="multiple of 64"):
        Budget.of(TrainingSettings(batch_tokens=96, window_tokens=32), 2)


@pytest.mark.parametrize(
    ("decay", "middle", "end"), [("constant", 1, 1), ("linear", 0.5, 0), ("cosine", 0.5, 0)]
)
def test_rates_rise_and_fall(decay, middle, end):
    factor = rate_factor(decay, steps=120, warmup_steps=10, frozen_steps=10)
    assert [factor(step) for step in (0, 9)] == [0, 0]
    assert 0 < factor(10) < factor(19) <= factor(20) == 1
    assert factor(70) == pytest.approx(middle)
    assert factor(120) == pytest.approx(end)
