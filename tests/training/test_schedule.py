"""Settings that are left to the objective."""

import pytest
from hypothesis import given, strategies as st

from monoglot.errors import SettingError
from monoglot.training.parameters import rate_factor
from monoglot.training.registry import get_objective
from monoglot.training.schedule import DEFAULT_TOKENS, Budget, Recipe, TrainingSettings, budget_tokens


def test_what_is_not_given_is_the_objectives():
    distill = get_objective("distill").recipe(new_share=None)
    filled = TrainingSettings(learning_rate=3e-3).filled(distill)
    assert (filled.batch_tokens, filled.learning_rate, filled.decay) == (1024, 3e-3, "linear")
    assert filled.rate_of_embeddings == 2e-4
    assert filled.filled(Recipe()) == filled
    assert filled.recipe == Recipe(1024, 3e-3, 2e-4, "linear")


def test_most_objectives_train_as_the_paper_does():
    for name in ("mlm", "clm", "span", "distill-hidden"):
        filled = TrainingSettings().filled(get_objective(name).recipe(new_share=0.5))
        assert (filled.batch_tokens, filled.learning_rate, filled.decay) == (8192, 5e-5, "constant"), name
        assert filled.recipe == TrainingSettings().recipe == Recipe()


def test_the_budget_follows_the_new_embeddings():
    distill, mlm = (get_objective(name).tokens_per_new_row for name in ("distill", "mlm"))
    assert budget_tokens(10_000, distill) == 250_000  # docs/modes.md
    assert budget_tokens(40_000, mlm) == 10_000_000
    assert budget_tokens(3, mlm) == budget_tokens(3, distill) == 50_000
    assert budget_tokens(None, distill) == budget_tokens(0, distill) == DEFAULT_TOKENS


def test_what_was_copied_is_kept_in_a_distillation_where_that_is_known():
    few, known, nothing_new, unknown = (
        TrainingSettings().filled(get_objective("distill").recipe(new_share=share))
        for share in (0.12, 0.5, 0.0, None)
    )
    assert [few.schedule, nothing_new.schedule] == ["new-rows", "keep-copied"]
    assert few.rate_of_embeddings == known.rate_of_embeddings
    assert (known.schedule, unknown.schedule) == ("keep-copied", "all")
    assert known.rate_of_embeddings > unknown.rate_of_embeddings  # new rows have more to learn
    assert TrainingSettings(schedule="all").filled(known.recipe).schedule == "all"


def test_a_body_with_mostly_copied_rows_learns_slowly_in_a_distillation():
    rates = [get_objective("distill").recipe(new_share=share).learning_rate for share in (0.22, 0.5, 0.51, 1)]
    assert rates == [3e-5, 3e-5, 1e-4, 1e-4]


def test_embeddings_learn_faster_when_the_body_waits():
    assert TrainingSettings(learning_rate=1e-5).rate_of_embeddings == 1e-5
    assert TrainingSettings(schedule="embeddings-first").rate_of_embeddings == 1e-3


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


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"frozen_share": 0.5, "schedule": "all"}, ["--frozen-share is for --schedule embeddings-first"]),
        ({"layers": (0,), "schedule": "embeddings"}, ["--layers is for the body"]),
        ({"learning_rate": 1e-3, "schedule": "new-rows"}, ["--learning-rate is for the body"]),
        ({"patience": 9, "checks": 2}, ["--patience 9 never ends a training that is scored 2 times"]),
        ({"frozen_share": 0.5, "schedule": "embeddings-first", "patience": 2}, []),
    ],
)
def test_what_does_nothing_is_said(given, said):
    found = list(TrainingSettings(**given).ignored)
    assert len(found) == len(said)
    assert all(sentence.startswith(begun) for sentence, begun in zip(found, said, strict=True))
