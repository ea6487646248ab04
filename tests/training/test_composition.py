"""What new rows learn in common: of which pieces, nothing at first, and part of the weights at the end."""

import copy
import json
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from monoglot.errors import Interrupted, SettingError
from monoglot.tokenization.pieces import Pieces
from monoglot.training.composition import MOST_PIECES, Composition, features
from monoglot.training.lapt import Outcome, train
from monoglot.training.objective import TrainingContext
from monoglot.training.objectives.distill import SentenceDistillation
from monoglot.training.registry import get_objective
from monoglot.training.schedule import TrainingSettings

SIZE = 600
NEW = np.arange(SIZE) % 3 > 0
TABLE = "embeddings.word_embeddings.weight"


def attached(given: TrainingContext) -> Composition:
    found = Composition.of(given.model, given.tokenizer, given.teacher.model, given.teacher.tokenizer, NEW)
    assert found is not None
    return found


def run(given: TrainingContext, folder: Path, score=None, **options) -> Outcome:
    settings = TrainingSettings(
        tokens=8 * 256, batch_tokens=256, window_tokens=64, checks=4, learning_rate=1e-3,
        embedding_learning_rate=1e-2, precision="float32", schedule="keep-copied",
    )  # fmt: skip
    objective = get_objective("distill", {"pooling": "mean", **options})
    return train(given, objective, settings, folder, identity={"model": "tiny"}, new_rows=NEW, score=score)


def test_a_token_is_made_of_its_row_and_its_pieces():
    rows, source = torch.tensor([[8.0], [16.0], [32.0], [64.0]]), torch.tensor([[0.0], [1.0], [2.0], [4.0]])
    pieces = Pieces(np.array([0, 0, 1, 3, 6]), np.array([3, 1, 2, 1, 2, 3]))
    found = features(rows, source, pieces).float()
    parts = torch.tensor([
        # row, first, second, last, mean
        [8, 0, 0, 0, 0],
        [16, 4, 0, 4, 4],
        [32, 1, 0, 2, 1.5],
        [64, 1, 2, 4, 7 / 3],
    ])  # fmt: skip
    torch.testing.assert_close(found[:, :5], parts / parts.std(), rtol=1e-3, atol=1e-3)
    assert found[:, 5:].tolist() == torch.eye(MOST_PIECES + 1)[[0, 1, 2, 3]].tolist()


def test_states_are_centered_and_scaled():
    rows, pieces = torch.ones(3, 1), Pieces(np.array([0, 1, 2, 3]), np.array([0, 0, 0]))
    states = torch.tensor([[1.0], [3.0], [5.0]])
    found = features(rows, torch.ones(1, 1), pieces, [states]).float()[:, -1]
    assert found.mean() == pytest.approx(0, abs=1e-3)
    assert found.std(correction=0) == pytest.approx(1, abs=1e-3)
    alone = features(rows[:1], torch.ones(1, 1), Pieces(np.array([0, 1]), np.array([0])), [states[:1]])
    assert alone[:, -1].tolist() == [0]  # one token has no deviation


def test_a_model_does_at_first_what_it_did_and_then_what_the_sum_does(taught):
    given = taught()
    plain = copy.deepcopy(given.model).eval()
    composition = attached(given)
    ids = torch.arange(SIZE)[None, :60]
    model = given.model.eval()
    assert torch.equal(model(input_ids=ids).last_hidden_state, plain(input_ids=ids).last_hidden_state)
    with torch.no_grad():
        composition.weight.normal_(std=0.01)
        table = plain.embeddings.word_embeddings.weight
        added = composition.added_to(table, composition.weight)
        assert torch.equal(added[~NEW], table[~NEW])
        assert (added[NEW] != table[NEW]).any(dim=1).all()
        table.copy_(added)
        torch.testing.assert_close(
            model(input_ids=ids).last_hidden_state, plain(input_ids=ids).last_hidden_state
        )


@pytest.mark.parametrize("architecture", ["xlm-roberta", "gemma3"])
def test_a_shared_or_scaled_table_has_none(architecture, context):
    """What is added to the input would not be in the head, or be scaled."""
    given = context(architecture)
    new = np.ones(len(given.tokenizer), bool)
    assert Composition.of(given.model, given.tokenizer, given.model, given.tokenizer, new) is None


def test_nothing_new_has_none(taught):
    given = taught()
    nothing = np.zeros(SIZE, bool)
    models = (given.model, given.tokenizer, given.teacher.model, given.teacher.tokenizer)
    assert Composition.of(*models, nothing) is None


def test_trained_rows_have_it_in_them(taught, tmp_path):
    given = taught()
    before = given.model.state_dict()[TABLE].clone()
    known = set(given.model.state_dict())
    seen = []

    def score(model, task):
        seen.append(task.score(model, ["Das ist ein Satz.", "Und noch einer."])["distance_to_teacher"])
        return {"distance_to_teacher": seen[-1]}

    outcome = run(given, tmp_path / "c", score)
    assert set(outcome.weights) <= known
    rows = outcome.weights[TABLE]
    assert torch.equal(rows[~NEW], before[~NEW])
    # Rows of tokens that no text has are moved as well: that is what it is for.
    assert (rows[NEW] != before[NEW]).any(dim=1).all()
    fresh = taught()
    fresh.model.load_state_dict(outcome.weights, strict=False)
    objective = get_objective("distill", {"pooling": "mean"})
    task = objective.task(fresh)
    with torch.no_grad():
        again = task.score(fresh.model.eval(), ["Das ist ein Satz.", "Und noch einer."])
    assert again["distance_to_teacher"] == pytest.approx(seen[-1], abs=1e-6)


def test_without_it_rows_that_are_not_seen_stay(taught, tmp_path):
    given = taught()
    before = given.model.state_dict()[TABLE].clone()
    rows = run(given, tmp_path / "c", composed=False).weights[TABLE]
    assert not (rows[NEW] != before[NEW]).any(dim=1).all()


def test_an_interrupted_run_ends_with_the_same_weights(taught, tmp_path):
    through = run(taught(), tmp_path / "through")
    calls = []

    def told_to_stop(model, task):
        calls.append(1)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGTERM)
        return {}

    with pytest.raises(Interrupted):
        run(taught(), tmp_path / "stopped", told_to_stop)
    resumed = run(taught(), tmp_path / "stopped")
    assert resumed.resumed_from_step
    assert all(torch.equal(through.weights[name], resumed.weights[name]) for name in through.weights)


def test_rows_that_no_token_has_are_made_of_nothing(taught):
    """Ids may have gaps, and the table more rows than there are ids."""
    given = taught()
    state = json.loads(given.tokenizer.backend_tokenizer.to_str())
    state["added_tokens"].append({
        "id": SIZE + 40, "content": "Donaudampfschiff", "special": False, "single_word": False,
        "lstrip": False, "rstrip": False, "normalized": False,
    })  # fmt: skip
    gapped = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(state)))
    id = gapped.convert_tokens_to_ids("Donaudampfschiff")
    rows = id + 25
    given.model.resize_token_embeddings(rows)
    new = np.zeros(rows, bool)
    new[[7, id, id - 1, id + 9] if id > SIZE else [7, id]] = True
    found = Composition.of(given.model, gapped, given.teacher.model, given.teacher.tokenizer, new)
    assert np.flatnonzero(found.places.numpy() >= 0).tolist() == [7, id]


def test_a_training_of_an_earlier_version_is_not_resumed(taught, tmp_path, monkeypatch):
    """Its shared weights have another shape."""
    with monkeypatch.context() as earlier:
        earlier.setattr(SentenceDistillation, "version", 1)
        run(taught(), tmp_path)
    with pytest.raises(
        SettingError, match=r"version of the objective was .* and is now 2.*remove that folder"
    ):
        run(taught(), tmp_path)
