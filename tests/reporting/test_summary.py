import json
import re
import shutil

import pytest

from monoglot.pipeline.stages.scores import first_lines
from monoglot.reporting.summary import Share, count_parameters, diagnose


def shares(**corpus_shares):
    return {name: Share(10, 0.1, share) for name, share in corpus_shares.items()}


def test_a_good_start_gives_no_warning():
    assert not list(diagnose(shares(copied=0.8, method=0.15, noise=0.05), {"agreement": 0.9}))


@pytest.mark.parametrize(
    ("provenance", "anchors", "expected"),
    [
        (shares(copied=0.2, method=0.8), {"agreement": 0.9}, "only 20% of the running text"),
        (shares(method=1.0), None, "only 0% of the running text"),
        (shares(copied=0.8, method=0.2), {"agreement": 0.6}, r"agree little .* \(0.60; 0.5 is chance\)"),
        (shares(copied=0.8, noise=0.06, script=0.06), None, "12% .* without evidence"),
    ],
)
def test_each_bad_sign_is_named_once(provenance, anchors, expected):
    (warning,) = diagnose(provenance, anchors)
    assert re.search(expected, warning)


def test_what_the_run_does_already_is_not_advised():
    weak = shares(copied=0.8, noise=0.2)
    (advice,) = diagnose(weak, None, settings={"vectors": "cooccurrence", "mode": "replace"})
    assert "--vectors" not in advice
    assert "give more text" in advice
    (advice,) = diagnose(weak, None, settings={"vectors": "fasttext"})
    assert "--vectors cooccurrence" in advice
    (advice,) = diagnose(shares(copied=0.2, method=0.8), None, settings={"mode": "extend"})
    assert "--mode extend" not in advice


def test_text_that_is_lost_is_named():
    (warning,) = diagnose(shares(copied=1.0), None, 0.25)
    assert "25.0% of the held-out text is lost" in warning


@pytest.mark.parametrize(
    ("most_lines", "most_characters", "expected"),
    [(2, 100, ["aaaa", "bb"]), (9, 6, ["aaaa", "bb"]), (9, 5, ["aaaa"]), (9, 1, ["aaaa"])],
)
def test_lines_up_to_a_number_of_lines_and_characters_but_at_least_one(most_lines, most_characters, expected):
    assert first_lines(["aaaa", "bb", "cccc"], most_lines, most_characters) == expected


def test_parameters_are_those_of_the_models_own_files(tiny_folder, tmp_path):
    """Some folders keep the transformer in a folder of its own, or the same weights in another file."""
    folder = tiny_folder("bert-headless")
    expected = count_parameters(folder)
    assert expected > 1000
    inner = shutil.copytree(folder, tmp_path / "modules" / "0_Transformer").parent
    (inner / "modules.json").write_text(
        json.dumps([{"path": "0_Transformer", "type": "sentence_transformers.models.Transformer"}])
    )
    assert count_parameters(inner) == expected
    twice = shutil.copytree(folder, tmp_path / "twice")
    shutil.copyfile(twice / "model.safetensors", twice / "consolidated.safetensors")
    assert count_parameters(twice) == expected
