"""Variants that are compared: how methods are read from the command line, their names and folders."""

import pytest
from hypothesis import given, strategies as st

from monoglot.errors import SettingError
from monoglot.pipeline.compare.variants import read_methods, slug


def test_methods_are_read_with_their_options_and_controls_are_added():
    chosen = read_methods(("blend:second_share=0.5,mean", "random"))
    assert [one.name for one in chosen] == ["blend:second_share=0.5", "mean", "subword", "random"]
    assert [one.is_control for one in chosen] == [False, False, True, True]
    assert chosen[0].initializer.second_share == 0.5
    assert chosen[0].options == {"second_share": "0.5"}


def test_paths_are_shortened_in_names_unless_they_tell_methods_apart(tmp_path):
    (tmp_path / "b").mkdir()
    for file in ("pairs.tsv", "b/pairs.tsv"):
        (tmp_path / file).write_text("a\tb\n")
    first, second = (f"alignment:parallel_text={tmp_path}/{file}" for file in ("pairs.tsv", "b/pairs.tsv"))
    alone = read_methods((f"{first}:minimum_count=2",))[0]
    assert alone.name == "alignment:parallel_text=pairs.tsv:minimum_count=2"
    assert alone.options["parallel_text"] == f"{tmp_path}/pairs.tsv"
    assert [one.name for one in read_methods((first, second))][:2] == [first, second]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("focsu",), "did you mean 'focus'"),
        (("blend:share=1",), "has no option 'share'"),
        (("blend:second_share=",), "give second_share=VALUE"),
        (("blend:second_share=much",), "is a number"),
        (("mean", "mean"), "'mean' is named twice"),
        ((" ,",), "no method to compare"),
    ],
)
def test_methods_that_can_not_be_had_are_refused(words, message):
    with pytest.raises(SettingError, match=message):
        read_methods(words)


@given(st.lists(st.text(max_size=12), min_size=2, max_size=2, unique=True))
def test_different_names_have_different_folders(names):
    first, second = map(slug, names)
    assert first != second
    assert not {"/", ":", "\0"} & set(first)
