"""The run folder: reuse by content, publication, replacement, refusals."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from monoglot.errors import OutputError
from monoglot.run import Artifact, Description, Run
from monoglot.run.output import check, recover


class Pipeline:
    """Three stages in a row (`letters` → `words` → `model`) and one beside them; counts what is computed."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def write(self, folder: Path, stage: str, files: dict[str, str]) -> None:
        self.done.append(stage)
        for name, text in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)

    def stages(self, run: Run, letters: str = "ab", words: int = 2, weight: str = "1") -> Artifact:
        def write_letters(folder: Path) -> None:
            self.write(folder, "letters", {"letters.txt": "".join(sorted(letters))})

        def write_words(folder: Path) -> None:
            text = (first.folder / "letters.txt").read_text() * words
            self.write(folder, "words", {"words.txt": text})

        def write_model(folder: Path) -> None:
            text = (second.folder / "words.txt").read_text() + weight
            self.write(folder, "model", {"model.safetensors": text, "1_Pooling/config.json": "{}"})

        first = run.stage("letters", write_letters, settings={"letters": letters})
        run.stage("beside", lambda folder: self.write(folder, "beside", {"x": "x"}))
        second = run.stage("words", write_words, settings={"words": words}, inputs={"letters": first.key})
        return run.stage("model", write_model, settings={"weight": weight}, inputs={"words": second.key})

    def run(self, output: Path, overwrite: bool = False, **settings: object) -> list[str]:
        self.done = []
        with Run.open(output, overwrite) as run:
            model = self.stages(run, **settings)  # type: ignore[arg-type]
            run.publish(model, description=Description(settings, {"corpus.txt": "hash"}, seed=42))
        return self.done


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out"


def files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def interrupted(output: Path, overwrite: bool = False) -> Iterator[Run]:
    """A run whose block ends with an error, after what the test does in it."""
    with suppress(InterruptedError), Run.open(output, overwrite) as run:
        yield run
        raise InterruptedError


def test_output_has_the_model_at_its_root_once(pipeline: Pipeline, output: Path) -> None:
    pipeline.run(output)
    assert sorted(files(output)) == [
        "1_Pooling/config.json", "model.safetensors",
        "monoglot/beside/measured.json", "monoglot/beside/stage.json", "monoglot/beside/x",
        "monoglot/letters/letters.txt", "monoglot/letters/measured.json", "monoglot/letters/stage.json",
        "monoglot/manifest.json", "monoglot/measured.json",
        "monoglot/model/measured.json", "monoglot/model/stage.json",
        "monoglot/words/measured.json", "monoglot/words/stage.json", "monoglot/words/words.txt",
    ]  # fmt: skip
    assert names(output.parent) == ["out"]


def test_manifest_says_what_is_needed_to_make_it_again(pipeline: Pipeline, output: Path) -> None:
    pipeline.run(output, words=3)
    manifest = json.loads((output / "monoglot/manifest.json").read_text())
    assert manifest["settings"] == {"words": 3}
    assert manifest["inputs"] == {"corpus.txt": "hash"}
    assert manifest["seed"] == 42
    assert manifest["versions"]["torch"]
    assert list(manifest["stages"]) == ["letters", "beside", "words", "model"]
    assert manifest["stages"]["words"]["inputs"] == {"letters": manifest["stages"]["letters"]["content_key"]}
    measured = json.loads((output / "monoglot/measured.json").read_text())
    assert measured["stages"]["model"]["peak_memory_bytes"] > 2**20


def test_two_runs_differ_in_measured_json_only(pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.run(tmp_path / "a")
    pipeline.run(tmp_path / "b")
    first, second = files(tmp_path / "a"), files(tmp_path / "b")
    assert first.keys() == second.keys()
    different = {name for name in first if first[name] != second[name]}
    assert {Path(name).name for name in different} <= {"measured.json"}


def test_changed_setting_redoes_only_what_depends_on_it(pipeline: Pipeline, output: Path) -> None:
    with interrupted(output) as run:
        pipeline.stages(run)
    assert pipeline.done == ["letters", "beside", "words", "model"]
    assert pipeline.run(output, words=3) == ["words", "model"]
    assert (output / "model.safetensors").read_text() == "ababab1"


def test_stage_whose_inputs_come_out_the_same_is_reused(pipeline: Pipeline, output: Path) -> None:
    with interrupted(output) as run:
        pipeline.stages(run, letters="ab")
    assert pipeline.run(output, letters="ba") == ["letters"]


def test_raised_version_redoes_a_stage(output: Path) -> None:
    with interrupted(output) as run:
        run.stage("one", lambda folder: None, version=1)
    with Run.open(output) as run:
        assert run.stage("one", lambda folder: None, version=1).reused
        run._records.clear()
        assert not run.stage("one", lambda folder: None, version=2).reused


def test_finished_stages_survive_a_failure_and_half_done_ones_do_not(output: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise ArithmeticError

    with Run.open(output) as run:
        run.stage("good", lambda folder: None)
        with pytest.raises(ArithmeticError):
            run.stage("bad", fail)
    assert names(output.parent) == ["out.partial"]
    assert names(output.parent / "out.partial/monoglot") == ["good"]


def test_nothing_is_left_if_no_stage_was_finished(output: Path) -> None:
    with interrupted(output):
        pass
    assert names(output.parent) == []


def test_damaged_stage_is_redone(pipeline: Pipeline, output: Path) -> None:
    with interrupted(output) as run:
        pipeline.stages(run)
    (run.partial / "monoglot/words/words.txt").write_text("abaX")
    (run.partial / "monoglot/beside/stage.json").write_text("{")
    assert pipeline.run(output) == ["beside", "words"]
    assert (output / "model.safetensors").read_text() == "abab1"


def test_overwrite_reuses_what_has_not_changed(pipeline: Pipeline, output: Path) -> None:
    pipeline.run(output)
    assert pipeline.run(output, overwrite=True) == []
    assert pipeline.run(output, overwrite=True, weight="2") == ["model"]
    assert (output / "model.safetensors").read_text() == "abab2"
    assert names(output.parent) == ["out"]


def test_published_model_changed_in_place_is_not_reused(pipeline: Pipeline, output: Path) -> None:
    pipeline.run(output)
    (output / "model.safetensors").write_text("abab9")
    assert pipeline.run(output, overwrite=True) == ["model"]


def test_failed_overwrite_leaves_the_earlier_output(pipeline: Pipeline, output: Path) -> None:
    pipeline.run(output)
    before = files(output)
    with interrupted(output, overwrite=True) as run:
        pipeline.stages(run, words=4)
    assert files(output) == before


def test_earlier_output_is_put_back_if_the_new_one_cannot_take_its_place(
    pipeline: Pipeline, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.run(output)
    before, rename = files(output), Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if self.name == "out.partial":
            raise OSError(16, "Device or resource busy")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OutputError, match="busy"):
        pipeline.run(output, overwrite=True, words=4)
    assert files(output) == before
    monkeypatch.undo()
    assert pipeline.run(output, overwrite=True, words=4) == []


def test_replacement_that_was_killed_half_way_is_undone(pipeline: Pipeline, output: Path) -> None:
    pipeline.run(output)
    (output / "monoglot/.replaced").touch()
    output.rename(output.with_name("out.replaced-by-monoglot"))
    recover(output)
    assert names(output.parent) == ["out"]
    with pytest.raises(OutputError, match="use --overwrite"):
        check(output, overwrite=False)


def test_stages_that_a_run_no_longer_asks_for_are_not_published(pipeline: Pipeline, output: Path) -> None:
    with interrupted(output) as run:
        run.stage("old", lambda folder: None)
    pipeline.run(output)
    assert not (output / "monoglot/old").exists()


def test_existing_output_is_refused_without_overwrite(pipeline: Pipeline, output: Path) -> None:
    pipeline.run(output)
    with pytest.raises(OutputError, match=r"out exists already: use --overwrite or another --output\.$"):
        pipeline.run(output)


@pytest.mark.parametrize("overwrite", [False, True])
def test_foreign_folder_is_never_touched(pipeline: Pipeline, output: Path, overwrite: bool) -> None:
    output.mkdir()
    (output / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match="was not made by monoglot"):
        pipeline.run(output, overwrite)
    assert files(output.parent) == {"out/thesis.tex": b"years of work"}


def test_foreign_file_is_never_touched(pipeline: Pipeline, output: Path) -> None:
    output.write_text("years of work")
    with pytest.raises(OutputError, match="was not made by monoglot"):
        pipeline.run(output, overwrite=True)
    assert output.read_text() == "years of work"


def test_foreign_partial_folder_is_never_touched(pipeline: Pipeline, output: Path) -> None:
    partial = output.with_name("out.partial")
    partial.mkdir()
    (partial / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match="holds something else"):
        pipeline.run(output)
    assert files(output.parent) == {"out.partial/thesis.tex": b"years of work"}


@pytest.mark.parametrize("entry", ["monoglot/paper.tex", "monoglot/.git/HEAD", "monoglot/words/words.txt"])
def test_a_partial_folder_with_a_folder_of_the_same_name_is_never_touched(
    pipeline: Pipeline, output: Path, entry: str
) -> None:
    file = output.with_name("out.partial") / entry
    file.parent.mkdir(parents=True)
    file.write_text("years of work")
    with pytest.raises(OutputError, match=r"holds something else \(monoglot/"):
        pipeline.run(output)
    assert files(output.parent) == {f"out.partial/{entry}": b"years of work"}


def test_a_file_put_into_the_partial_folder_is_never_touched(pipeline: Pipeline, output: Path) -> None:
    with interrupted(output) as run:
        pipeline.stages(run)
    (run.partial / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match=r"holds something else \(thesis\.tex\)"):
        pipeline.run(output)
    (run.partial / "thesis.tex").unlink()
    assert pipeline.run(output) == []


@pytest.mark.parametrize("name", ["out.partial", "out.partial.lock", "out.replaced-by-monoglot"])
def test_a_file_with_a_name_that_the_work_needs_is_never_touched(
    pipeline: Pipeline, output: Path, name: str
) -> None:
    pipeline.run(output)
    file = output.with_name(name)
    file.write_text("years of work")
    if name.endswith("monoglot"):
        pipeline.run(output, overwrite=True, words=4)
    else:
        with pytest.raises(OutputError, match="is needed for the work but"):
            pipeline.run(output, overwrite=True, words=4)
    assert file.read_text() == "years of work"


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_of_the_users_own_named_as_a_replaced_one_is_never_touched(
    pipeline: Pipeline, output: Path, overwrite: bool
) -> None:
    own = output.with_name("out.replaced-by-monoglot")
    pipeline.run(own)  # a copy of an earlier output, say
    before = files(own)
    if overwrite:
        pipeline.run(output)
    pipeline.run(output, overwrite, words=3)
    assert files(own) == before
    assert names(output.parent) == ["out", "out.replaced-by-monoglot"]


OWN = {
    "notes.txt": "mine", "checkpoint-500/model.safetensors": "mine too", "monoglot/remarks.md": "also",
    "monoglot/words/remarks.md": "also", "1_Pooling/why.txt": "and this", "comparison.json": "{}",
}  # fmt: skip


def add_own_files(output: Path) -> None:
    for name, text in OWN.items():
        (output / name).parent.mkdir(exist_ok=True)
        (output / name).write_text(text)
    (output / "link").symlink_to("notes.txt")
    (output / "elsewhere").symlink_to("/usr/share", target_is_directory=True)
    (output / "empty").mkdir()


def test_files_of_the_users_own_outlive_overwrite(
    pipeline: Pipeline, output: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline.run(output)
    made = files(output)
    add_own_files(output)
    for words in (3, 2):  # they are told from monoglot's the second time, too
        pipeline.run(output, overwrite=True, words=words)
        assert {name: (output / name).read_text() for name in OWN} == OWN
        assert (output / "link").readlink() == Path("notes.txt")
        assert (output / "elsewhere").readlink() == Path("/usr/share")
        assert (output / "empty").is_dir()
    assert made.keys() == files(output).keys() - OWN.keys() - {"link"}
    assert names(output.parent) == ["out"]
    assert "not made by monoglot: kept in the new output" in caplog.text
    assert "1_Pooling/why.txt" in caplog.text


def test_what_an_earlier_run_made_and_this_one_does_not_is_replaced(output: Path) -> None:
    with Run.open(output) as run:
        old = run.stage("old", lambda folder: (folder / "old.bin").touch())
        run.publish(old, description=Description(None, {}, seed=1))
    with Run.open(output, overwrite=True) as run:
        new = run.stage("new", lambda folder: (folder / "new.bin").touch())
        run.publish(new, description=Description(None, {}, seed=1))
    assert sorted(path.name for path in output.iterdir()) == ["monoglot", "new.bin"]
    assert not (output / "monoglot/old").exists()


@pytest.mark.parametrize("own", ["new.bin", "new.bin/mine.txt", "folder"])
def test_a_file_of_the_users_own_in_the_place_of_a_new_one_is_named(output: Path, own: str) -> None:
    def publish() -> None:
        def work(folder: Path) -> None:
            (folder / "folder").mkdir()
            for name in ("new.bin", "folder/x.bin"):
                (folder / name).write_text("made")

        with Run.open(output, overwrite=True) as run:
            run.publish(run.stage("new", work), description=Description(None, {}, seed=1))

    with Run.open(output) as run:
        old = run.stage("old", lambda folder: (folder / "old.bin").touch())
        run.publish(old, description=Description(None, {}, seed=1))
    (output / own).parent.mkdir(exist_ok=True)
    (output / own).write_text("mine")
    with pytest.raises(OutputError, match=f"holds {own}, not made by monoglot, where the new output has"):
        publish()
    assert (output / own).read_text() == "mine"
    (output / own).unlink()
    if own == "new.bin/mine.txt":
        (output / "new.bin").rmdir()
    publish()
    assert (output / "new.bin").read_text() == "made"


def test_an_output_whose_manifest_is_damaged_is_not_overwritten(pipeline: Pipeline, output: Path) -> None:
    pipeline.run(output)
    (output / "monoglot/manifest.json").write_text('{"stages": []}')
    before = files(output)
    with pytest.raises(OutputError, match="can't be read, so it is unknown which files"):
        pipeline.run(output, overwrite=True)
    assert files(output) == before


def test_what_is_made_from_the_rest_is_there_when_the_output_is(pipeline: Pipeline, output: Path) -> None:
    def finish(folder: Path) -> None:
        assert not output.exists()
        assert (folder / "monoglot/measured.json").exists()
        (folder / "monoglot/report.html").write_text((folder / "model.safetensors").read_text())
        if interrupt:
            raise InterruptedError

    for interrupt in (True, False):
        with suppress(InterruptedError), Run.open(output) as run:
            model = pipeline.stages(run)
            run.publish(model, description=Description(None, {}, seed=1), finish=finish)
            assert not interrupt
    assert pipeline.done == ["letters", "beside", "words", "model"]  # in the first of both runs
    assert (output / "monoglot/report.html").read_text() == "abab1"


def test_empty_folder_and_symlink_are_taken(pipeline: Pipeline, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    pipeline.run(tmp_path / "link")
    assert (tmp_path / "real/model.safetensors").exists()
    assert (tmp_path / "link").is_symlink()


def test_second_run_on_the_same_output_is_refused(pipeline: Pipeline, output: Path) -> None:
    with interrupted(output) as run:
        pipeline.stages(run)
        with pytest.raises(OutputError, match=f"in use by process {os.getpid()}: wait for it"):
            pipeline.run(output)
    assert pipeline.run(output) == []


def test_output_that_cannot_be_made_is_one_sentence(pipeline: Pipeline, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"can't be written \(.*\): make it writable or choose another"):
        pipeline.run(tmp_path / "file" / "out")


def test_full_disk_keeps_what_is_finished(pipeline: Pipeline, output: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "half").write_text("half")
        Path("/dev/full").write_text("x")

    with Run.open(output) as run:
        pipeline.stages(run)
        with pytest.raises(OutputError, match="The disk is full"):
            run.stage("large", fill)
    assert not (run.partial / "monoglot/large").exists()
    assert not (run.partial / "monoglot/.large.tmp").exists()
    assert pipeline.run(output) == []


def test_mistakes_of_the_caller_are_named(output: Path) -> None:
    with interrupted(output) as run:
        one = run.stage("one", lambda folder: (folder / "config.json").touch())
        two = run.stage("two", lambda folder: (folder / "config.json").touch())
        with pytest.raises(ValueError, match="'one' already"):
            run.stage("one", lambda folder: None)
        with pytest.raises(ValueError, match=r"stage\.json"):
            run.stage("three", lambda folder: (folder / "stage.json").touch())
        with pytest.raises(ValueError, match=r"config\.json has its place taken"):
            run.publish(one, two, description=Description(None, {}, seed=1))
