import pytest

from monoglot.pipeline.stages.context import VERSIONS, stage_version


@pytest.mark.parametrize(
    ("name", "family"),
    [("adapted", "adapted"), ("probe-42", "probe"), ("start-42", "start"), ("probe-tokens", "probe-tokens")],
)
def test_a_stage_for_each_seed_has_the_version_of_its_family(name, family, monkeypatch):
    monkeypatch.setitem(VERSIONS, family, 7)
    assert stage_version(name) == 7


def test_a_stage_that_never_changed_has_the_first_version():
    assert stage_version("corpus") == stage_version("start-42") == 1
