"""Whether a mixture, two tokenizers and a model belong together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from transformers import PreTrainedTokenizerFast

from monoglot.errors import ModelError
from monoglot.maths.mixture import Mixture, Provenance
from monoglot.maths.sparse import SparseRows


def fitting(
    mixture: Mixture, rows: int, tokenizer: PreTrainedTokenizerFast, source_tokenizer: PreTrainedTokenizerFast
) -> Mixture:
    """The mixture for a model of so many rows, after a check that tokenizers, mixture and model agree.

    Args:
        mixture: What each target row is made of.
        rows: Rows of the source model's tables, which may be more or fewer than the source tokenizer's ids.
        tokenizer: The target tokenizer.
        source_tokenizer: The source tokenizer.

    Returns:
        The mixture, referring to no more rows than there are.

    Raises:
        ModelError: If a target id has no row in the mixture, or a source id none in the model.
    """
    target_ids = max(tokenizer.get_vocab().values()) + 1
    if target_ids > mixture.n_target:
        raise ModelError(
            f"The target tokenizer has {target_ids} ids but the mixture {mixture.n_target} rows; "
            "expected a row for each id: make the mixture for this tokenizer."
        )
    check_rows(source_tokenizer, rows, int(mixture.rows.indices.max(initial=-1)))
    return replace(mixture, trained=mixture.trained[:rows])


def check_rows(tokenizer: PreTrainedTokenizerFast, rows: int, highest_used: int = -1) -> None:
    """Check that a source tokenizer's ids have rows in the model.

    Args:
        tokenizer: The source tokenizer.
        rows: Rows of the source model's tables.
        highest_used: The highest source id that new rows are made of.

    Raises:
        ModelError: If an id has none.
    """
    special = set(tokenizer.added_tokens_decoder)
    # The image token of Gemma lies beyond the rows of its text-only models; harmless while unused.
    beyond = [i for i in tokenizer.get_vocab().values() if i >= rows and i not in special]
    if beyond or highest_used >= rows:
        raise ModelError(
            f"The source tokenizer has the id {max([*beyond, highest_used])} but the embeddings have {rows} "
            "rows; expected a row for each id: give the tokenizer that belongs to the model."
        )


def padded(mixture: Mixture, multiple: int) -> Mixture:
    """The mixture with unused rows added up to a multiple."""
    extra = -mixture.n_target % multiple
    if not extra:
        return mixture
    rows = mixture.rows
    indptr = np.concatenate([rows.indptr, np.full(extra, rows.indptr[-1])])
    provenance = np.concatenate([mixture.provenance, np.full(extra, Provenance.UNUSED, dtype=np.uint8)])
    return replace(mixture, rows=SparseRows(indptr, rows.indices, rows.weights), provenance=provenance)
