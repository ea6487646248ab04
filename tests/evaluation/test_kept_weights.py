"""Every row of a kept token, and every other tensor, is compared with the original's."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from monoglot.evaluation.kept_weights import compare_weights
from monoglot.model.checkpoint import Checkpoint
from tests.fixtures.models import ARCHITECTURES


@pytest.fixture(params=["xlm-roberta", "t5", "gemma3"])
def saved(request, source_tokenizers, tmp_path):
    """Writes a model, changed or not, and gives its checkpoint."""
    tokenizer = source_tokenizers["unigram"]

    def write(name, change=lambda model: None):
        torch.manual_seed(0)
        model = ARCHITECTURES[request.param](tokenizer)
        with torch.no_grad():
            change(model)
        model.save_pretrained(tmp_path / name)
        return Checkpoint.open(tmp_path / name)

    return write


def change_row(row):
    def change(model):
        model.get_input_embeddings().weight[row, -1] += 1e-4

    return change


def test_a_copy_has_the_same_weights(saved):
    source = saved("source")
    found = compare_weights(source, saved("copy"), np.arange(source.tables.rows))
    assert found.rows == source.tables.rows
    assert found.tensors > 5
    assert found.fault == ""


def test_a_single_row_that_differs_is_found(saved):
    source, made = saved("source"), saved("made", change_row(7))
    everything = np.arange(source.tables.rows)
    assert "has other rows for kept tokens" in compare_weights(source, made, everything).fault
    without = np.where(everything == 7, -1, everything)  # as if token 7 were a new one
    found = compare_weights(source, made, without)
    assert (found.fault, found.rows) == ("", source.tables.rows - 1)


def test_kept_tokens_may_stand_elsewhere(saved):
    source = saved("source")
    order = np.random.default_rng(0).permutation(source.tables.rows)

    def permute(model):
        for name, axis in source.tables.axes.items():
            table = model.get_parameter(name) if name in dict(model.named_parameters()) else None
            if table is not None and table.shape[axis] == len(order) and not hasattr(table, "permuted"):
                table.copy_(table.index_select(axis, torch.from_numpy(order)))
                table.permuted = True

    made = saved("made", permute)
    assert compare_weights(source, made, order).fault == ""
    assert compare_weights(source, made, np.arange(len(order))).fault != ""


def test_another_tensor_that_differs_is_found(saved):
    def damage(model):
        tensor = next(p for p in model.parameters() if p.dim() == 2 and len(p) != model.config.vocab_size)
        tensor[0, 0] += 1e-4

    source = saved("source")
    found = compare_weights(source, saved("made", damage), np.arange(source.tables.rows))
    assert "differs from the original's" in found.fault


def test_what_is_not_compared_is_named(saved):
    source, made = saved("source"), saved("made")
    ((file, names),) = made.names.items()
    gone = next(stored for stored, own in names.items() if own and own not in made.tables.axes)
    less = replace(made, names={file: {stored: own for stored, own in names.items() if stored != gone}})
    everything = np.arange(source.tables.rows)
    whole, found = (compare_weights(source, one, everything) for one in (made, less))
    assert (whole.left_out, found.left_out) == ((), (names[gone],))
    assert (found.fault, found.tensors) == ("", whole.tensors - 1)
