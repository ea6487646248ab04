from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from monoglot.errors import OutputError
from monoglot.maths import mixture as module
from monoglot.maths.mixture import Correction, Mixture, Provenance
from monoglot.maths.sparse import SparseRows


def example(seed=0):
    """Five target rows over four source ids: copy, mixture, pieces, noise, mean."""
    rows = SparseRows(
        indptr=np.array([0, 1, 3, 5, 5, 5]),
        indices=np.array([2, 0, 3, 1, 2]),
        weights=np.array([1, 0.25, 0.75, 0.5, 0.5], np.float32),
    )
    provenance = np.array([0, 1, 2, 3, 4], np.uint8)
    return Mixture(rows, provenance, np.array([True, True, True, False]), seed)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_rows_are_copied_and_mixed(dtype):
    table = torch.randn(6, 8, generator=torch.Generator().manual_seed(3)).to(dtype)
    result = example().apply(table)
    assert result.dtype == dtype
    assert torch.equal(result[0], table[2])
    expected = 0.25 * table[0].float() + 0.75 * table[3].float()
    torch.testing.assert_close(result[1], expected.to(dtype), rtol=0, atol=1e-6)
    torch.testing.assert_close(result[2], ((table[1].float() + table[2].float()) / 2).to(dtype))
    torch.testing.assert_close(result[4].float(), table[:3].float().mean(0), rtol=1e-2, atol=1e-3)


def test_negative_zero_is_copied_bit_for_bit():
    table = torch.full((4, 2), -0.0)
    assert torch.signbit(example().apply(table)[0]).all()


def test_bias_moves_with_the_same_weights():
    bias = torch.tensor([1.0, 2.0, 3.0, 4.0])
    result = example().apply(bias)
    assert result.shape == (5,)
    torch.testing.assert_close(result[:3], torch.tensor([3.0, 0.25 + 3.0, 2.5]))
    assert result.isfinite().all()


def test_noise_follows_the_trained_rows_and_the_seed_only():
    table = torch.randn(4, 5000, generator=torch.Generator().manual_seed(1))
    table[:3] = table[:3] * 0.1 + 7
    table[3] = 1e6  # untrained: must not be seen
    first = example(seed=1).apply(table)[3]
    torch.manual_seed(99)
    assert torch.equal(first, example(seed=1).apply(table)[3])
    assert not torch.equal(first, example(seed=2).apply(table)[3])
    assert abs(first.mean() - 7) < 0.1


def test_rows_beyond_the_vocabulary_are_ignored():
    table = torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(example().apply(table), example().apply(table[:4]))


def test_blocks_do_not_change_the_result(monkeypatch):
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 9, 200)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    rows = SparseRows(indptr, rng.integers(0, 50, indptr[-1]), rng.random(indptr[-1], np.float32))
    mixture = Mixture(rows, np.full(200, Provenance.METHOD, np.uint8), np.ones(50, bool))
    table = torch.from_numpy(rng.standard_normal((50, 16), np.float32))
    whole = mixture.apply(table)
    monkeypatch.setattr(module, "BLOCK_ENTRIES", 7)
    assert torch.equal(mixture.apply(table), whole)


def test_source_table_is_left_alone():
    table = torch.randn(4, 3)
    before = table.clone()
    example().apply(table).zero_()
    assert torch.equal(table, before)


def test_explain_gives_the_heaviest_parent_first():
    assert example().explain(1) == [(3, 0.75), (0, 0.25)]


def test_saved_and_loaded_and_byte_identical(tmp_path):
    example(seed=5).save(tmp_path / "a.safetensors")
    example(seed=5).save(tmp_path / "b.safetensors")
    loaded = Mixture.load(tmp_path / "a.safetensors")
    table = torch.randn(4, 3)
    assert torch.equal(loaded.apply(table), example(seed=5).apply(table))
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_a_file_of_an_earlier_format_gets_one_sentence(tmp_path):
    example().save(tmp_path / "new.safetensors")
    arrays = load_file(tmp_path / "new.safetensors")
    for metadata in ({"monoglot": '{"format": "mixture", "seed": 0}'}, None):
        save_file(arrays, tmp_path / "old.safetensors", metadata=metadata)
        with pytest.raises(OutputError, match="earlier version of monoglot wrote it; run `monoglot spec"):
            Mixture.load(tmp_path / "old.safetensors")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "new.safetensors").read_bytes()[:-8])
    with pytest.raises(OutputError, match="damaged"):
        Mixture.load(tmp_path / "cut.safetensors")


def test_calibration_stretches_mixed_rows_about_the_mean_and_leaves_the_others(tmp_path):
    table = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    plain = example().apply(table)
    calibrated = replace(example(), calibration=0.5)
    result = calibrated.apply(table)
    mean = table[:3].mean(0)
    # Row 1 has weights 1/4 and 3/4: Σw² = 10/16, to the power of -0.5 / 2.
    torch.testing.assert_close(result[1] - mean, (plain[1] - mean) * (10 / 16) ** -0.25)
    torch.testing.assert_close(result[2] - mean, (plain[2] - mean) * 0.5**-0.25)
    assert torch.equal(result[[0, 3, 4]], plain[[0, 3, 4]])
    calibrated.save(tmp_path / "mixture.safetensors")
    assert torch.equal(Mixture.load(tmp_path / "mixture.safetensors").apply(table), result)


def calibrated_rows(weights: list[list[float]], table: torch.Tensor, calibration: float) -> torch.Tensor:
    indptr = np.cumsum([0, *map(len, weights)])
    indices = np.concatenate([np.arange(len(row)) for row in weights])
    rows = SparseRows(indptr, indices, np.array([w for row in weights for w in row], np.float32))
    trained = np.ones(len(table), bool)
    codes = np.full(len(weights), Provenance.METHOD, np.uint8)
    return Mixture(rows, codes, trained, calibration=calibration).apply(table)


def test_calibration_neither_moves_zero_rows_nor_shrinks_signed_ones():
    table = torch.randn(4, 6, generator=torch.Generator().manual_seed(0)) + 3
    mean = table.mean(0)
    weights = [[0.0, 0.0], [1.6, -0.6], [1.0, 1.0, -1.0], [2.0, 2.0], [1e-9, 1e-9]]
    plain, full = (calibrated_rows(weights, table, calibration) for calibration in (0.0, 1.0))
    assert torch.equal(full[0], torch.zeros(6))
    for row, weighted in enumerate(weights[1:4], start=1):
        w = np.array(weighted)
        own = float(w.sum()) * mean
        stretch = np.abs(w).sum() / np.sqrt((w**2).sum())
        assert 1 <= stretch <= np.sqrt(len(w)) + 1e-9
        torch.testing.assert_close(full[row] - own, (plain[row] - own) * stretch, rtol=1e-4, atol=1e-4)
    assert full[4].abs().max() < 1e-7  # a small row stays small
    blank = table.clone()
    blank[:2] = 0
    assert torch.equal(calibrated_rows([[0.5, 0.5]], blank, 1.0), torch.zeros(1, 6))


def test_calibration_leaves_corrected_rows_where_the_method_wants_them():
    table = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    plain, wanted = example().apply(table), torch.arange(6.0)
    added = (wanted - plain[1])[None].numpy().astype(np.float16)
    corrected = replace(example(), correction=Correction(np.array([1]), added), calibration=1.0)
    result = corrected.apply(table)
    torch.testing.assert_close(result[1], wanted, atol=2e-3, rtol=1e-3)
    assert torch.equal(result[2], replace(example(), calibration=1.0).apply(table)[2])


def test_noise_does_not_depend_on_how_many_columns_are_read_at_a_time(monkeypatch):
    table = torch.randn(40, 130, generator=torch.Generator().manual_seed(0)).half()
    codes = np.array([Provenance.NOISE, Provenance.UNUSED, Provenance.NOISE], np.uint8)
    mixture = Mixture(SparseRows.empty(3), codes, np.arange(40) < 30)
    made = mixture.apply(table)
    monkeypatch.setattr("monoglot.maths.mixture.BLOCK_COLUMNS", 1000)
    assert torch.equal(mixture.apply(table), made)
    torch.testing.assert_close(made[1], table[:30].float().mean(dim=0).half())
