import itertools
import json
import math
import shlex
import shutil
from dataclasses import dataclass
from xml.etree import ElementTree

import pytest
import torch

from monoglot.cli import main
from monoglot.cli.show import plan_tables
from monoglot.errors import ModelError, OutputError
from monoglot.evaluation.quality import MOST_BYTES, MOST_LINES, held_out_places
from monoglot.initialization.registry import get_method
from monoglot.model.source import open_source
from monoglot.pipeline import plan as planning, plan_options
from monoglot.pipeline.advice import advise
from monoglot.pipeline.plan import inspect
from monoglot.pipeline.plan_options import Law, Option, fit_law, with_estimates
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
        return planning.plan(str(xlm_r), [str(DATA / "de.txt")], threads=1, keep_text=["Frage: "])


def test_options_are_tried_up_to_what_the_text_supports(plan):
    names = [option.name for option in plan.options if not option.name.startswith("graft")]
    assert names[:4] == ["as it is", "trim", "replace 400", "replace 800"]
    assert not any("1,000,000" in name for name in names)
    by_name = {option.name: option for option in plan.options}
    assert by_name["trim"].relative_tokens == pytest.approx(1, abs=0.02)
    assert by_name["replace 800"].fertility < by_name["replace 400"].fertility


def test_the_command_of_the_advice_runs(plan, xlm_r, tmp_path, monkeypatch):
    words = shlex.split(plan.command)
    assert words[:4] == ["monoglot", "specialize", str(xlm_r), str(DATA / "de.txt")]
    assert words[-4:] == ["--keep-text", "Frage: ", "--threads", "1"]
    monkeypatch.chdir(tmp_path)
    assert main([*words[1:], "--quiet"]) == 0
    assert (tmp_path / words[words.index("--output") + 1] / "config.json").is_file()


def test_parameters_are_those_that_a_run_would_give(plan):
    by_name = {option.name: option for option in plan.options}
    difference = by_name["replace 800"].parameters - by_name["replace 400"].parameters
    assert difference == 400 * (16 + 1)  # hidden size 16, and an output bias


def test_a_plan_advises_and_is_plain_data(plan):
    assert plan.advice.option in {option.name for option in plan.options}
    shown = repr(plan).splitlines()
    assert shown[0] == "Plan"
    assert len(shown) == 4 + len(plan.options)
    assert shown[-1].endswith(plan.command)
    assert json.loads(json.dumps(plan.to_dict()))["model"]["family"] == "unigram"
    assert plan.to_pandas()["name"].tolist() == [option.name for option in plan.options]
    assert any("Advice" in str(part) for part in plan_tables(plan))


def test_hazards_are_named(xlm_r, tiny_folder):
    hazards = " | ".join(inspect(open_source(str(xlm_r))).hazards)
    assert "pad token" in hazards
    assert "one table" in hazards
    assert "lm_head.bias" in hazards
    assert "pad token" not in " ".join(inspect(open_source(str(tiny_folder("bert")))).hazards)


@pytest.mark.parametrize(("lost", "option"), [(0.05, "trim"), (0.01, "graft +500"), (-0.3, "graft +500")])
def test_no_graft_is_advised_that_costs_a_language_model_much(lost, option):
    tried = options() | {"trim": Tried(4000, 1.0, 0.004), "graft +500": Tried(4500, 0.9, 0.004 + lost)}
    advice = advise(tried, 10**9, in_bits=True)
    assert advice.option == option
    assert ("saves 10.0% of the tokens and costs 0.050 bits per byte" in advice.reason) == (lost == 0.05)
    assert advise(tried, 10**9).option == "graft +500"


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


@pytest.fixture(scope="module")
def encoder_plan(sentence_encoder, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan_options, "SIZES", (400, 800))
        chart = tmp_path_factory.mktemp("charts") / "plan.svg"
        return planning.plan(str(sentence_encoder), DATA / "de.txt", chart=chart), chart


def test_a_sentence_encoder_is_measured_by_its_vectors(encoder_plan):
    made, _ = encoder_plan
    by_name = {option.name: option for option in made.options}
    assert "1 - cosine" in made.measured
    assert made.bits_per_byte is None
    assert by_name["trim"].distance == pytest.approx(0, abs=0.01)
    grafts = [option for name, option in by_name.items() if name.startswith("graft")]
    assert all(0 < option.distance < 2 for option in grafts)
    assert by_name["replace 800"].distance > grafts[0].distance


def test_what_was_not_measured_is_estimated_and_marked(encoder_plan):
    made, _ = encoder_plan
    by_name = {option.name: option for option in made.options}
    assert by_name["replace 400"].distance is None
    assert by_name["replace 400"].estimate == by_name["replace 800"].distance
    table = next(part for part in plan_tables(made) if not isinstance(part, str))
    cells = dict(zip(table.columns[0].cells, table.columns[-1].cells, strict=True))
    assert cells["replace 400"] == f"≈{by_name['replace 800'].distance:.4f}"
    largest = by_name["replace 800"]
    assert cells["replace 800"] == f"{largest.distance:.4f} ± {largest.margin:.4f}"
    assert any(str(part).startswith("≈: estimated") for part in plan_tables(made))


def test_the_chart_has_a_dot_for_each_vocabulary(encoder_plan):
    made, file = encoder_plan
    drawn = ElementTree.fromstring(file.read_text(encoding="utf-8"))
    dots = list(drawn.iter("{http://www.w3.org/2000/svg}circle"))
    assert len(dots) == len(made.options) - 1
    assert sum("hollow" in dot.get("class") for dot in dots) == sum(
        option.estimate is not None for option in made.options
    )
    assert "+500" in [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize(
    ("name", "fault"),
    [("plan.png", "ends in .svg"), ("folder.svg", "is a folder"), ("none/plan.svg", "there is no folder")],
)
def test_a_chart_that_can_not_be_written_is_refused_before_any_work(tmp_path, name, fault):
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(OutputError, match=fault):
        planning.plan("no such model", DATA / "de.txt", chart=tmp_path / name)


def test_a_chart_without_distances_is_refused_with_the_reason(tiny_folder, tmp_path):
    with pytest.raises(ModelError, match="was not measured: T5ForConditionalGeneration is neither"):
        planning.plan(str(tiny_folder("t5")), DATA / "de.txt", chart=tmp_path / "plan.svg")
    assert not (tmp_path / "plan.svg").exists()


def option(name: str, relative_tokens: float, distance: float | None = None) -> Option:
    return Option(name, 0, 0, 1.0, relative_tokens, None, distance)


def test_the_law_goes_through_trim_and_has_its_residual():
    law = fit_law(
        [
            option("trim", 1.01, 0.5),
            option("graft +1", 0.91, 0.511),
            option("graft +2", 0.81, 0.518),
            option("replace 9", 0.5, 0.9),
        ]
    )
    assert law.per_share == pytest.approx((0.1 * 0.011 + 0.2 * 0.018) / (0.1**2 + 0.2**2))
    errors = 0.011 - 0.1 * law.per_share, 0.018 - 0.2 * law.per_share
    assert law.residual == pytest.approx(math.sqrt(sum(error**2 for error in errors) / 2))
    assert law.grafts == 2
    assert fit_law([option("trim", 1.0, 0.0), option("graft +1", 0.9)]) is None


def test_an_extension_is_estimated_by_the_law_and_a_replacement_only_of_vectors():
    tried = [option("replace 8", 0.9), option("replace 9", 0.8, 0.07), option("extend +9", 0.8)]
    estimated = with_estimates(tried, Law(0.1, 0.0, 3), of_vectors=True)
    assert [found.estimate for found in estimated] == [0.07, None, pytest.approx(0.02)]
    estimated = with_estimates(tried, Law(0.1, 0.0, 3), of_vectors=False)
    assert [found.estimate for found in estimated] == [None, None, pytest.approx(0.02)]
    assert with_estimates(tried[2:], None, of_vectors=True)[0].estimate is None


def test_rows_that_no_line_reads_need_not_be_made(sentence_encoder, target_tokenizers, monkeypatch):
    lines = (DATA / "de.txt").read_text(encoding="utf-8").split("\n")[:300]
    measure = StepZero(open_source(str(sentence_encoder)), lines, lines[:9])
    found = measure(target_tokenizers["wordpiece"], mode="replace")
    assert found.new_share > 0.1
    assert found.distance.low < found.distance.value < found.distance.high
    monkeypatch.setattr(StepZero, "_needed", lambda self, overlap, tokenizer: overlap)
    again = measure(target_tokenizers["wordpiece"], mode="replace").distance.value
    assert again == pytest.approx(found.distance.value, abs=1e-5)


@pytest.mark.parametrize("total", [3, 199, 1000])
def test_lines_are_spread_evenly_over_the_held_out_text(total):
    lines = [f"{number:04}" for number in range(total)]
    chosen = [int(lines[place]) for place in held_out_places(lines, sentences=True)]
    assert len(chosen) == min(total, MOST_LINES)
    gaps = {after - before for before, after in itertools.pairwise(chosen)}
    assert max(gaps) - min(gaps) <= 1
    assert abs(chosen[0] - (total - 1 - chosen[-1])) <= 1


def test_a_language_model_reads_few_bytes_spread_over_the_text():
    lines = ["a" * 400 for _ in range(500)]
    chosen = held_out_places(lines, sentences=False)
    assert len(chosen) == MOST_BYTES // 400
    assert len(held_out_places(["a" * 2 * MOST_BYTES] * 3, sentences=False)) == 1


def test_the_source_is_not_changed_by_measuring(xlm_r):
    source = open_source(str(xlm_r))
    before = {name: tensor.clone() for name, tensor in source.model.state_dict().items()}
    lines = (DATA / "de.txt").read_text(encoding="utf-8").split("\n")[:50]
    measure = StepZero(source, lines, lines[:5])
    first = measure(source.tokenizer, mode="trim")
    assert first.new_share == 0
    assert first.distance.value == pytest.approx(0, abs=1e-6)
    assert all(torch.equal(tensor, before[name]) for name, tensor in source.model.state_dict().items())


def test_the_text_is_read_as_the_model_does(sentence_encoder, tmp_path, monkeypatch):
    source = shutil.copytree(sentence_encoder, tmp_path / "lower")
    (source / "sentence_bert_config.json").write_text(json.dumps({"do_lower_case": True}))
    seen = []

    def stop(source, parameters_with, keep, sample, *others, lowercase):
        seen.extend(sample)
        raise KeyboardInterrupt if lowercase else AssertionError

    monkeypatch.setattr(planning, "try_options", stop)
    with pytest.raises(KeyboardInterrupt):
        planning.plan(str(source), [str(DATA / "de.txt")], threads=1)
    assert len(seen) > 100
    assert not any(character.isupper() for line in seen for character in line)


def test_an_extension_is_initialized_as_an_extension(sentence_encoder, target_tokenizers, monkeypatch):
    lines = (DATA / "de.txt").read_text(encoding="utf-8").split("\n")[:300]
    measure, methods = StepZero(open_source(str(sentence_encoder)), lines, lines[:9]), []
    real = get_method
    monkeypatch.setattr(
        "monoglot.pipeline.step_zero.get_method",
        lambda name, options: methods.append(name) or real(name, options),
    )
    for mode in ("extend", "replace"):
        measure(target_tokenizers["wordpiece"], mode=mode)
    assert methods == ["regression", "blend"]
