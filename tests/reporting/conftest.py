"""What `compare` could have found, as ``comparison.json`` has it."""

import pytest

SCORES = {"trim": 1.5, "a": 2.0, "subword": 2.01, "random": 3.0, "original as it is": 1.4}


def figure(mean, std=None):
    return {"heldout": {"mean": mean, "std": std, "values": [mean]}}


def variant(rank, name, end):
    trained = name != "original as it is"
    return {
        "rank": rank if trained else None, "name": name, "control": name not in ("a", "b"),
        "new_vocabulary": name in ("a", "subword", "random"), "vocabulary": 700, "parameters": 9_000,
        "probe_text_bytes": 24_000 if trained else None, "start": figure(end + (1 if trained else 0)),
        "end": figure(end, 0.125) if trained else {}, "curves": [[[0, end + 1], [1000, end]]] * 2 * trained,
    }  # fmt: skip


def difference(better, worse):
    value = SCORES[worse] - SCORES[better]
    return {"better": better, "worse": worse, "value": value, "low": value - 0.05, "high": value + 0.05}


@pytest.fixture
def content():
    names = sorted(SCORES, key=SCORES.__getitem__)
    ranked = [*names[1:], names[0]]
    return {
        "source": "some/model", "objective": "mlm", "measure": "bits per byte", "probe_tokens": 1000,
        "seeds": [42, 43], "lines": 30, "not_trained": {"original vocabulary": "it is the teacher"},
        "contestants": [variant(rank, name, SCORES[name]) for rank, name in enumerate(ranked, start=1)],
        "differences": [
            difference(better, worse) for place, better in enumerate(names) for worse in names[place + 1 :]
        ],
        "verdict": ["a is best."],
    }  # fmt: skip
