"""The picture of the README shows what was measured."""

from benchmarks.picture import PICTURE, RESULTS, SENTENCE, picture, read


def test_it_is_drawn_from_saved_results():
    results = [read(name) for name in RESULTS]
    assert PICTURE.read_text(encoding="utf-8") == picture(*results)
    assert results[0]["sentence"] == SENTENCE
    for segments in results[0]["pieces"]:
        assert "".join(segments) == SENTENCE
