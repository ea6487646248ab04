"""A decoder's vocabularies after equal compute: budgets, the time of a step, what the table says."""

import numpy as np
import pytest

from benchmarks.decoder_graft import (
    CHECKS,
    StepClock,
    curves,
    differences,
    equal_compute,
    slug,
    step_seconds,
    table,
    with_known,
)


def test_tokens_times_parameters_are_the_same_for_all_models():
    assert equal_compute(50_000, 134_000_000, 134_000_000, 2_000) == 50_000
    assert equal_compute(50_000, 268_000_000, 134_000_000, 1_000) == 25_000


def test_a_budget_is_whole_batches_and_at_least_one():
    assert equal_compute(50_000, 130, 130, 2_048) == 24 * 2_048
    assert equal_compute(1_000, 10**9, 10**6, 2_048) == 2_048


def test_a_step_after_a_check_does_not_count():
    assert step_seconds([0.0, 90.0, 102.0, 114.0, 126.0]) == 12.0


def test_a_run_that_only_read_its_result_has_no_time():
    assert step_seconds([]) is None
    assert step_seconds([3.0]) is None


def test_the_clock_reads_steps_of_the_training_only():
    clock = StepClock()
    for description in ("reading", "training"):
        with clock.task(description, 3) as advance:
            for _ in range(3):
                advance(1)
    assert len(clock.readings) == 3
    assert clock.readings == sorted(clock.readings)


def test_folders_have_plain_names():
    names = ("trim", "graft +5,000", "replace, own head")
    assert [slug(name) for name in names] == ["trim", "graft-5000", "replace-own-head"]


def test_differences_are_paired_by_lines():
    line_bytes = np.full(50, 100.0)
    trim = np.random.default_rng(0).uniform(50, 300, 50)
    runs = {"trim": trim.tolist(), "graft +2,000": (trim - 10).tolist()}
    found = differences(runs, line_bytes, seed=0)
    # Every line is better by a tenth of a bit, however different the lines are.
    assert found == {"graft +2,000": {"trim": pytest.approx([-0.1, -0.1, -0.1])}}


def _arm(tokens, before, after, less):
    curve = [[0, before], [2_048, after]]
    run = {"tokens": 2_048, "bits_per_byte": after, "less": less, "curve": curve, "cpu_seconds_per_step": 9.6}
    return {
        "vocabulary": 1_000, "parameters": 12_300_000,
        "before": {"tokens": tokens, "bits_per_byte": before}, "after": {"50000": run},
    }  # fmt: skip


def test_the_table_has_savings_and_the_difference_from_trim():
    arms = {
        "trim": _arm(1_000, 1.6, 1.5, {}),
        "graft +2,000": _arm(800, 1.7, 1.45, {"trim": [-0.05, -0.07, -0.03]}),
        "original": _arm(1_000, 1.6, 1.52, {"trim": [0.02, 0.01, 0.03]}),
    }
    lines = table(arms).splitlines()
    assert lines[0].endswith("| before training | after 50,000 | less trim [95%] |")
    assert lines[2] == "| trim | 1,000 | 12.3M | 0.0% | 1.600 | 1.500 | – |"
    assert lines[3] == "| graft +2,000 | 1,000 | 12.3M | 20.0% | 1.700 | 1.450 | −0.050 [−0.070, −0.030] |"
    assert lines[4].endswith("| +0.020 [+0.010, +0.030] |")


def test_what_is_not_done_has_a_dash():
    arms = {"trim": _arm(1_000, 1.6, 1.5, {}), "replace": _arm(700, 1.9, 1.6, {}) | {"after": {}}}
    assert table(arms).splitlines()[3] == "| replace | 1,000 | 12.3M | 30.0% | 1.900 | – | – |"


def test_curves_are_of_the_runs_that_are_done_or_were_stopped():
    stopped = {"after": {}, "unfinished": {"50000": [[0, 1.9], [1_024, 1.8]]}}
    arms = {
        "trim": _arm(1_000, 1.6, 1.5, {}),
        "replace": _arm(700, 1.9, 1.6, {}) | stopped,
        "original": _arm(900, 1.7, 1.6, {}) | {"after": {}},
    }
    arms["trim"]["after"]["50000"]["curve"] = [[0, 1.6], *([number, 1.5] for number in range(1, CHECKS + 1))]
    lines = curves(arms, "50000").splitlines()
    assert lines[0] == "| share of the training | 0% | 17% | 33% | 50% | 67% | 83% | 100% |"
    assert lines[2] == "| trim | 1.600 | 1.500 | 1.500 | 1.500 | 1.500 | 1.500 | 1.500 |"
    assert lines[3:] == ["| replace | 1.900 | 1.800 | – | – | – | – | – |"]


def test_a_stopped_training_is_replaced_by_its_end():
    known = {"trim": {"after": {}, "unfinished": {"50": [[0, 2.0]], "70": [[0, 2.0]]}}}
    found = with_known({"trim": {"after": {"50": 1.5}, "unfinished": {}}}, known)
    assert found["trim"]["after"] == {"50": 1.5}
    assert found["trim"]["unfinished"] == {"70": [[0, 2.0]]}


def test_runs_on_other_numbers_of_tokens_stay_in_the_result():
    known = {"original": {"before": 1, "after": {"50": 2}}, "trim": {"before": 3, "after": {"50": 4}}}
    found = with_known({"trim": {"before": 3, "after": {"200": 5}}}, known)
    assert list(found) == ["original", "trim"]
    assert found["trim"]["after"] == {"50": 4, "200": 5}
    assert found["original"] == known["original"]
    assert known["trim"]["after"] == {"50": 4}
    assert with_known({}, known) == known
