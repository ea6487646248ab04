"""What a run says of a text's language: nothing where it is known, figures where it is not."""

import gzip
from itertools import islice

import pytest

from monoglot import AdaptSettings, adapt, specialize
from monoglot.demo import heldout_path, model_path, sample_path
from monoglot.model.source import open_source
from monoglot.pipeline.stages.corpus import warn_of_language
from monoglot.settings import Settings
from monoglot.training.schedule import TrainingSettings


def lines_of(path, n_lines):
    with (
        gzip.open(path, "rt", encoding="utf-8")
        if path.suffix == ".gz"
        else path.open(encoding="utf-8") as lines
    ):
        return [line.rstrip("\n") for line in islice(lines, n_lines)]


@pytest.mark.parametrize("language", ["de", "sw"])
def test_nothing_is_said_of_known_languages(language, caplog):
    warn_of_language(open_source(str(model_path())), lines_of(heldout_path(language), 300))
    assert not caplog.records


def test_a_language_that_the_source_hardly_knows_is_said_with_figures(caplog):
    words = ["xq", "vzw", "kqpt", "zzxv", "wvutq", "jjxk", "qzwv", "tkxzq"]
    warn_of_language(open_source(str(model_path())), [" ".join(words)] * 100)
    assert (
        "letters each in this text; in Latin languages that a model was trained on they have 2.30"
        in caplog.text
    )


def test_training_on_text_of_another_language_is_said(tmp_path, caplog):
    german, swahili = tmp_path / "de.txt", tmp_path / "sw.txt"
    german.write_text("\n".join(lines_of(sample_path("de"), 1_000)), encoding="utf-8")
    swahili.write_text("\n".join(lines_of(sample_path("sw"), 300)), encoding="utf-8")
    made = tmp_path / "made"
    heldout = str(heldout_path("de"))
    settings = Settings(mode="trim", heldout=heldout, threads=1)
    specialize(str(model_path()), [str(german)], made, settings)
    assert "another language" not in caplog.text
    budget = TrainingSettings(tokens=64, batch_tokens=64, device_tokens=64, window_tokens=32)
    adapt(made, [str(german)], tmp_path / "same", AdaptSettings(threads=1), budget)
    assert "another language" not in caplog.text
    adapt(made, [str(swahili)], tmp_path / "other", AdaptSettings(threads=1), budget)
    assert "the text seems to be in another language; is it the right one?" in caplog.text
