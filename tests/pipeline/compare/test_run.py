"""`compare`, from Python and from the command line."""

import gc
import html
import io
import json
import re
import shlex
import shutil
from dataclasses import replace

import pytest
from rich.console import Console
from transformers import AutoModel

from monoglot.cli import main
from monoglot.cli.show import comparison_tables
from monoglot.errors import ModelError, SettingError
from monoglot.model.source import open_source
from monoglot.pipeline.compare.probe import ProbeRunner, choose_measure
from monoglot.pipeline.compare.run import ProbeProgress, compare
from monoglot.progress import SILENT
from monoglot.settings import AdaptSettings, CompareSettings
from monoglot.training import trainer as callbacks
from tests.fixtures.tokenizers import DATA
from tests.reporting.test_page import checked

GERMAN = DATA / "de.txt"
QUICK = CompareSettings(
    methods=("mean",), probe_tokens=6 * 512, seeds=2, lines=6, retention=(str(DATA / "sw.txt"),),
    vocabulary_size=700, threads=1,
    adapt_options={
        "batch-tokens": "512", "window_tokens": 64, "learning_rate": 1e-2, "precision": "float32", "checks": 2
    },
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def few_objects():
    """Every training looks for dead objects twice; spare it those that were there before."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def compared(xlm_r, tmp_path_factory):
    """One finished comparison of a tiny XLM-R: its output folder and scoreboard."""
    output = tmp_path_factory.mktemp("compared") / "out"
    return output, compare(xlm_r, GERMAN, output, QUICK)


def by_name(comparison):
    """The rows of a scoreboard as its file has them."""
    return {entry["name"]: entry for entry in comparison.to_dict()["contestants"]}


def test_all_are_there_on_the_same_lines(compared):
    output, comparison = compared
    rows = by_name(comparison)
    assert set(rows) == {"mean", "subword", "random", "trim", "original vocabulary", "original as it is"}
    assert [name for name, row in rows.items() if not row["control"]] == ["mean"]
    assert comparison.objective == "mlm"
    assert {one.sizes.tobytes() for one in comparison.found} == {comparison.found[0].sizes.tobytes()}
    assert {name: row["vocabulary"] for name, row in rows.items() if "original" not in name} == {
        "mean": 700, "subword": 700, "random": 700, "trim": 700
    }  # fmt: skip
    assert rows["original vocabulary"]["vocabulary"] == rows["original as it is"]["vocabulary"] == 1500
    assert rows["original as it is"]["rank"] is None
    assert rows["original as it is"]["start"] == rows["original vocabulary"]["start"]
    assert json.loads((output / "comparison.json").read_text()) == json.loads(json.dumps(comparison.content))
    assert comparison.to_dict()["output"] == str(output)
    assert (output / "curves.svg").read_text().count("<polyline") == 5 * 4


def test_only_noise_begins_anew_with_each_seed(compared):
    rows = by_name(compared[1])
    starts = {name: len(row["start"]["heldout"]["values"]) for name, row in rows.items()}
    assert starts == dict.fromkeys(rows, 1) | {"random": 2}
    assert all(len(set(row["end"]["heldout"]["values"])) == 2 for row in rows.values() if row["rank"])


def test_training_helps_and_curves_end_at_the_figures_of_the_table(compared):
    for row in by_name(compared[1]).values():
        if row["rank"]:
            assert row["end"]["heldout"]["mean"] < row["start"]["heldout"]["mean"]
            for curve, end in zip(row["curves"], row["end"]["heldout"]["values"], strict=True):
                assert [tokens for tokens, _ in curve] == [0, 1536, 3072]
                assert curve[0][1] == pytest.approx(row["start"]["heldout"]["mean"], rel=0.01)
                assert curve[-1][1] == pytest.approx(end, rel=1e-5)


def test_no_model_is_left_behind(compared):
    output, _ = compared
    assert not list(output.rglob("model*.safetensors"))
    assert not list(output.rglob("checkpoint-*"))
    assert {path.name for path in output.iterdir()} == {"comparison.json", "curves.svg", "monoglot"}
    assert not output.with_name("out.partial").exists()


def test_the_table_has_a_line_for_each_and_the_sentences(compared):
    console = Console(width=250, file=io.StringIO(), record=True)
    for part in comparison_tables(compared[1]):
        console.print(part, soft_wrap=isinstance(part, str))
    shown = console.export_text()
    assert "retention: before" in shown
    assert all(name in shown for name in by_name(compared[1]))
    assert all(sentence in shown for sentence in compared[1].verdict)
    assert str(compared[0] / "monoglot" / "report.html") in shown


def test_interrupted_anywhere_it_ends_with_the_same_file(compared, xlm_r, tmp_path, monkeypatch):
    class Killed(BaseException):
        """Nobody catches it, as nobody catches `kill -9`."""

    complete, train, saved, asked = callbacks.complete, ProbeRunner.train, [], []

    def dying(*arguments):
        complete(*arguments)
        saved.append(arguments)
        if len(saved) in (1, 7):  # in the middle of two probes
            raise Killed

    def counting(self, variant, seed):
        artifact = train(self, variant, seed)
        asked.append((variant.name, seed, artifact.reused))
        assert len(list(self.context.run.partial.glob("students/*"))) <= 1
        assert artifact.reused or not list(self.context.run.partial.glob("probes/*"))
        if len(asked) == 1:  # between two probes
            raise Killed
        return artifact

    monkeypatch.setattr(callbacks, "complete", dying)
    monkeypatch.setattr(ProbeRunner, "train", counting)
    for _ in range(3):
        with pytest.raises(Killed):
            compare(xlm_r, GERMAN, tmp_path / "out", QUICK)
        assert not (tmp_path / "out").exists()
    compare(xlm_r, GERMAN, tmp_path / "out", QUICK)
    for name in ("comparison.json", "curves.svg"):
        assert (tmp_path / "out" / name).read_bytes() == (compared[0] / name).read_bytes()
    assert [reused for *_, reused in asked[-10:]] == [True] * 3 + [False] * 7
    assert len(saved) < 2 * 10 + 2  # nothing was trained twice


def test_it_ends_with_a_page_that_says_the_answer_and_what_to_type(compared, xlm_r):
    output, comparison = compared
    page = (output / "monoglot" / "report.html").read_text(encoding="utf-8")
    found = checked(page)
    assert found.text.index("best method") < found.text.index("Next: make the model")
    assert "beside trim" in found.text
    assert all(name in found.text for name in by_name(comparison))
    assert all(sentence in found.text for sentence in comparison.verdict)
    names = {path.name for path in (output / "monoglot" / "figures").iterdir()}
    assert names == {"behind-the-best.svg", "behind-the-best.csv", "curves.svg", "curves.csv"}
    best = next(one.name for one in comparison.found if one.has_new_vocabulary)
    code = re.findall(r"<code>(.*?)</code>", page, re.DOTALL)
    make, again = (shlex.split(html.unescape(words)) for words in code)
    assert make[:4] == ["monoglot", "specialize", str(xlm_r), str(GERMAN)]
    assert make[make.index("--output") + 1] == f"{output}-{best}"
    assert ("--method" in make) == (best != "blend")
    assert again[:4] == ["monoglot", "compare", str(xlm_r), str(GERMAN)]
    assert again[again.index("--probe-tokens") + 1] == str(QUICK.probe_tokens)


def test_the_page_of_a_comparison_is_written_again(compared, tmp_path, capsys):
    output = tmp_path / compared[0].name
    shutil.copytree(compared[0], output)
    page = output / "monoglot" / "report.html"
    first = page.read_text(encoding="utf-8")
    page.unlink()
    assert main(["report", str(output)]) == 0
    assert page.read_text(encoding="utf-8").replace(str(output), str(compared[0])) == first
    assert "README" not in capsys.readouterr().out
    for words in (
        ["report", str(output), "--evaluate"],
        ["push", str(output), "owner/name"],
        ["explain", str(output), "Haus"],
    ):
        assert main(words) == 2
        assert "is a comparison and holds no model: give the folder" in capsys.readouterr().err


def test_methods_can_be_added(compared, xlm_r, tmp_path):
    output = tmp_path / "out"
    shutil.copytree(compared[0], output)
    more = compare(xlm_r, GERMAN, output, replace(QUICK, methods=("zero", "mean")), overwrite=True)
    before, after = by_name(compared[1]), by_name(more)
    assert set(after) == {*before, "zero"}
    for name, row in before.items():
        assert after[name] | {"rank": None} == row | {"rank": None}
    costs = json.loads((output / "monoglot" / "measured.json").read_text())["stages"]
    assert [name for name, cost in costs.items() if not cost["reused"]] == [
        "zero.mixture", "zero.start", "zero.probe-42", "zero.probe-43", "comparison"
    ]  # fmt: skip


@pytest.fixture(scope="module")
def encoder(tiny_folder, tmp_path_factory):
    """A tiny sentence encoder: no head, and a folder that says how vectors are made."""
    folder = tmp_path_factory.mktemp("encoders") / "encoder"
    shutil.copytree(tiny_folder("xlm-roberta"), folder)
    AutoModel.from_pretrained(folder, add_pooling_layer=False).save_pretrained(folder)
    kinds = (("", "Transformer"), ("1_Pooling", "Pooling"))
    modules = [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for number, (path, kind) in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
    return folder


def test_a_sentence_encoder_is_held_to_its_original(encoder, tmp_path):
    settings = replace(QUICK, seeds=1, retention=(), objective_options={"prefix": "query: "})
    comparison = compare(encoder, GERMAN, tmp_path / "out", settings)
    rows = by_name(comparison)
    assert comparison.objective == "distill"
    assert "original vocabulary" in comparison.not_trained
    assert "original vocabulary" not in rows
    assert rows["original as it is"]["start"]["heldout"]["mean"] == pytest.approx(0, abs=1e-6)
    assert -1e-6 < rows["trim"]["start"]["heldout"]["mean"] < rows["random"]["start"]["heldout"]["mean"]
    assert not any("original as it is" in sentence for sentence in comparison.verdict)
    found = checked((tmp_path / "out" / "monoglot" / "report.html").read_text(encoding="utf-8"))
    assert "beside trim" in found.text
    assert "beside the original" not in found.text
    assert "Not trained: original vocabulary" in found.text


def test_what_has_no_new_rows_is_not_trained_on_them(xlm_r, tmp_path):
    schedule = QUICK.adapt_options | {"schedule": "new-rows", "checks": 1}
    settings = replace(QUICK, seeds=1, probe_tokens=512, lines=2, retention=(), adapt_options=schedule)
    comparison = compare(xlm_r, GERMAN, tmp_path / "out", settings)
    assert set(comparison.not_trained) == {"trim", "original vocabulary"}
    ranks = {name: row["rank"] for name, row in by_name(comparison).items()}
    assert {name for name, rank in ranks.items() if rank is None} == {"trim", "original as it is"}


def test_language_models_are_scored_by_bits_per_byte(tiny_folder, encoder):
    for architecture, objective in (("gemma3", "clm"), ("xlm-roberta", "mlm")):
        source = open_source(str(tiny_folder(architecture)))
        measure = choose_measure(source, AdaptSettings(objective=objective))
        assert measure.key == "bits_per_byte"
    with pytest.raises(ModelError, match="XLMRobertaModel can't be compared"):
        choose_measure(open_source(str(encoder)), AdaptSettings(objective="mlm"))


def test_what_can_not_be_compared_is_refused_before_anything_is_written(
    encoder, tiny_folder, tmp_path, monkeypatch
):
    plain = tmp_path / "plain"
    shutil.copytree(encoder, plain, ignore=shutil.ignore_patterns("modules.json"))
    with pytest.raises(ModelError, match="how its sentence vectors are made: give --objective-options"):
        compare(plain, GERMAN, tmp_path / "out", QUICK)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(SettingError, match="in one process"):
        compare(encoder, GERMAN, tmp_path / "out", QUICK)
    assert {path.name for path in tmp_path.iterdir()} == {"plain"}


BAD = {
    "unknown method": (["--methods", "blend,focsu"], "did you mean 'focus'"),
    "unknown option of a method": (["--methods", "blend:share=1"], "has no option 'share'"),
    "a method without its input": (["--methods", "wechsel"], "needs the option 'dictionary'"),
    "unknown option of training": (["--adapt-options.lerning-rate", "1"], "did you mean 'learning_rate'"),
    "an objective of others": (["--adapt-options.objective", "clm"], "use --objective mlm"),
    "no training": (["--probe-tokens", "0"], "--probe-tokens can't be 0"),
    "no seed": (["--seeds", "0"], "--seeds can't be 0"),
    "retention that is not there": (["--retention", "nothing.txt"], "nothing.txt"),
    "probes of different length": (["--adapt-options.patience", "3"], "leave out --adapt-options.patience"),
    "no text": ([], "corpus"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_sentence_and_exit_code_2(case, xlm_r, tmp_path, capsys):
    words, message = BAD[case]
    text = [str(GERMAN)] if words else []
    code = main(["compare", str(xlm_r), *text, "-o", str(tmp_path / "o"), "--threads", "1", *words])
    error = capsys.readouterr().err
    assert code == 2
    assert message.lower() in " ".join(error.split()).lower()
    assert not list(tmp_path.iterdir())


def test_the_countdown_counts_what_was_computed(monkeypatch):
    clock = iter([0.0, 60.0, 60.0, 60.0, 60.0, 60.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    titles = []

    class Listening(type(SILENT)):
        """Keeps the titles of tasks."""

        def task(self, description, total=None):
            titles.append(description)
            return super().task(description, total)

    class Done:
        """A stage."""

        def __init__(self, reused):
            self.reused = reused

    countdown = ProbeProgress(3, Listening())
    for reused in (False, True, False):
        countdown.probe("focus", lambda reused=reused: Done(reused))
    assert titles == [
        "probe 1 of 3: focus",
        "probe 2 of 3: focus, about 2 min left",
        "probe 3 of 3: focus, about 1 min left",
    ]


def test_seeds_beyond_the_largest_are_refused_at_once():
    with pytest.raises(SettingError, match="--seed 2147483647 with 2 trainings"):
        replace(QUICK, seed=2**31 - 1)


def test_a_source_smaller_than_the_new_vocabulary_is_not_trimmed_beyond_its_size(xlm_r, tmp_path):
    comparison = compare(xlm_r, GERMAN, tmp_path / "out", replace(QUICK, vocabulary_size=1600, seeds=1))
    sizes = {name: row["vocabulary"] for name, row in by_name(comparison).items()}
    assert sizes["mean"] > sizes["trim"] == 1500
