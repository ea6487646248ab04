"""`focus-reference` equals PyPI `deepfocus` 1.0.1 row by row, for every pair of tokenizer families.

Opt-in: `pytest -m oracle`. The reference is installed into `build/reference` when it is not there yet; the
variable MONOGLOT_REFERENCE names another place. `make bench` compares tokenizers and embeddings of full size.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from tests.fixtures.tokenizers import FAMILIES

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="session")
def environment() -> Path:
    from benchmarks import reference

    folder = Path(os.environ.get("MONOGLOT_REFERENCE", reference.DEFAULT))
    reference.ensure(folder)
    return folder


@pytest.mark.parametrize("target", FAMILIES)
@pytest.mark.parametrize("source", FAMILIES)
def test_rows_equal_the_reference(
    source: str,
    target: str,
    environment: Path,
    source_tokenizers: dict[str, PreTrainedTokenizerFast],
    target_tokenizers: dict[str, PreTrainedTokenizerFast],
) -> None:
    from benchmarks.equivalence import TOLERANCE, compare, vectors_for

    old, new = source_tokenizers[source], target_tokenizers[target]
    embeddings = torch.randn(len(old), 24, generator=torch.Generator().manual_seed(0))
    figures = compare(environment, old, new, embeddings, vectors_for(new))
    assert figures["pairs_of_one_side"] == 0
    assert figures["copied_difference"] == 0
    assert figures["method_difference"] <= TOLERANCE
    assert figures["noise_difference"] <= TOLERANCE
    assert min(figures[f"{name}_rows"] for name in ("copied", "method", "noise")) > 10
