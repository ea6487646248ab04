import json
from dataclasses import dataclass

import pytest
import torch

from monoglot.cli.show import plan_tables
from monoglot.model.source import open_source
from monoglot.pipeline import plan as planning, plan_options
from monoglot.pipeline.advice import advise
from monoglot.pipeline.plan import inspect
from monoglot.pipeline.step_zero import StepZero
from monoglot.tokenization.parts import Role
from tests.fixtures.tokenizers import DATA


@dataclass(frozen=True)
class Tried:
    vocabulary: int
    relative_tokens: float
    distance: float | None = None


def options(*replacing: Tried):
    named = {f"replace {o.vocabulary}": o for o in replacing}
    return {"as it is": Tried(9000, 1.0), "trim": Tried(4000, 1.0), **named}


@pytest.mark.parametrize(
    ("tried", "size_bytes", "option", "reason"),
    [
        ((), 10**6, "trim", "too small"),
        ((Tried(8000, 0.97),), 10**9, "trim", "not worth"),
        ((Tried(8000, 0.6),), 10**6, "trim", "little"),
        ((Tried(8000, 0.8), Tried(16000, 0.61), Tried(32000, 0.6)), 10**9, "replace 16000", "save 40%"),
    ],
)
def test_the_rules(tried, size_bytes, option, reason):
    advice = advise(options(*tried), size_bytes)
    assert advice.option == option
    assert reason in advice.reason


@pytest.mark.parametrize(
    ("grafts", "option"),
    [
        (
            (Tried(4500, 0.97), Tried(5000, 0.95), Tried(9000, 0.93)),
            "graft 5000",
        ),  # .02 for 4,000 is too little
        ((Tried(4500, 0.97), Tried(5000, 0.95), Tried(9000, 0.90)), "graft 9000"),
        ((Tried(4500, 0.99),), "replace 8000"),  # saves too little
    ],
)
def test_a_graft_is_advised_up_to_where_its_tokens_pay(grafts, option):
    named = {f"graft {tried.vocabulary}": tried for tried in grafts}
    advice = advise(options(Tried(8000, 0.6)) | named, 10**9)
    assert advice.option == option
    assert advice.flags.startswith(f"--mode {option.split()[0]}")


def test_roles_stand_in_one_order(xlm_r):
    """One token may serve several roles, which sets keep in an order that changes from process to process."""
    roles = list(inspect(open_source(str(xlm_r))).roles)
    assert roles == [str(role) for role in Role if str(role) in roles]
    assert {"bos", "cls"} <= set(roles)


def test_flags_ask_for_what_is_advised():
    advice = advise(options(Tried(16000, 0.5)), 10**9)
    assert advice.flags == "--mode replace --vocabulary-size 16000"


@pytest.fixture(scope="module")
def plan(xlm_r):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan_options, "SIZES", (400, 800, 10**6))
        return planning.plan(str(xlm_r), [str(DATA / "de.txt")])


def test_options_are_tried_up_to_what_the_text_supports(plan):
    names = [option.name for option in plan.options if not option.name.startswith("graft")]
    assert names[:4] == ["as it is", "trim", "replace 400", "replace 800"]
    assert not any("1,000,000" in name for name in names)
    by_name = {option.name: option for option in plan.options}
    assert by_name["trim"].relative_tokens == pytest.approx(1, abs=0.02)
    assert by_name["replace 800"].fertility < by_name["replace 400"].fertility


def test_parameters_are_those_that_a_run_would_give(plan):
    by_name = {option.name: option for option in plan.options}
    difference = by_name["replace 800"].parameters - by_name["replace 400"].parameters
    assert difference == 400 * (16 + 1)  # hidden size 16, and an output bias


def test_a_plan_advises_and_is_plain_data(plan):
    assert plan.advice.option in {option.name for option in plan.options}
    assert json.loads(json.dumps(plan.as_dict()))["model"]["family"] == "unigram"
    assert any("Advice" in str(part) for part in plan_tables(plan))


def test_hazards_are_named(xlm_r, tiny_folder):
    hazards = " | ".join(inspect(open_source(str(xlm_r))).hazards)
    assert "pad token" in hazards
    assert "one table" in hazards
    assert "lm_head.bias" in hazards
    assert "pad token" not in " ".join(inspect(open_source(str(tiny_folder("bert")))).hazards)


def test_the_reason_names_the_measured_distance():
    graft = {"graft +500": Tried(4500, 0.9, 0.0123)}
    assert "at a measured distance of 0.0123" in advise(options() | graft, 10**9).reason


def test_a_language_model_is_measured_in_bits_per_byte(xlm_r):
    made = planning.plan(str(xlm_r), DATA / "de.txt")
    by_name = {option.name: option for option in made.options}
    assert by_name["as it is"].distance == 0
    assert by_name["trim"].distance < 0  # fewer tokens share the probability that a random model gives
    assert by_name["trim"].new_share == 0
    grafts = [option for name, option in by_name.items() if name.startswith("graft")]
    assert grafts
    assert all(option.new_share > 0 and option.distance is not None for option in grafts)
    assert "bits per byte above the original's" in made.measured
    assert made.law is not None
    shown = " ".join(str(line) for line in plan_tables(made) if isinstance(line, str))
    assert made.measured in shown


def test_where_nothing_can_be_measured_the_reason_is_said(tiny_folder):
    made = planning.plan(str(tiny_folder("t5")), DATA / "de.txt")
    assert "was not measured: T5ForConditionalGeneration is neither" in made.measured
    assert made.law is None
    assert all(option.distance is None for option in made.options if option.name != "as it is")


def test_the_source_is_not_changed_by_measuring(xlm_r):
    source = open_source(str(xlm_r))
    before = {name: tensor.clone() for name, tensor in source.model.state_dict().items()}
    lines = (DATA / "de.txt").read_text(encoding="utf-8").split("\n")[:50]
    measure = StepZero(source, lines, lines[:5])
    first = measure(source.tokenizer)
    assert first.new_share == 0
    assert first.distance == pytest.approx(0, abs=1e-6)
    assert all(torch.equal(tensor, before[name]) for name, tensor in source.model.state_dict().items())
