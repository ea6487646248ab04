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
    special = set(source_tokenizer.added_tokens_decoder)
    # The image token of Gemma lies beyond the rows of its text-only models; harmless while unused.
    beyond = [i for i in source_tokenizer.get_vocab().values() if i >= rows and i not in special]
    used = int(mixture.rows.indices.max(initial=-1))
    if beyond or used >= rows:
        raise ModelError(
            f"The source tokenizer has the id {max([*beyond, used])} but the embeddings have {rows} rows; "
            "expected a row for each id: give the tokenizer that belongs to the model."
        )
    return replace(mixture, trained=mixture.trained[:rows])


def padded(mixture: Mixture, multiple: int) -> Mixture:
    """The mixture with unused rows added up to a multiple."""
    extra = -mixture.n_target % multiple
    if not extra:
        return mixture
    rows = mixture.rows
    indptr = np.concatenate([rows.indptr, np.full(extra, rows.indptr[-1])])
    provenance = np.concatenate([mixture.provenance, np.full(extra, Provenance.UNUSED, dtype=np.uint8)])
    return replace(mixture, rows=SparseRows(indptr, rows.indices, rows.weights), provenance=provenance)
