"""The packages `wechsel` and `mergekit`, run by the Python of their own environment (see `method_agreement`).

    python method_oracle.py wechsel|omp INPUT OUTPUT

INPUT and OUTPUT are folders. Nothing of monoglot is imported here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

NEIGHBORS = 10
"""The package's default."""


def wechsel(given: Path, result: Path) -> None:
    """Write WECHSEL's target matrix, and how much nearer each token's last neighbor is than the next.

    The package's own functions are called as its `WECHSEL.apply` does, but for special tokens and the lone
    space, which have no vector here: the package takes the spelling of `<s>`, and the empty text, for words.
    """
    import fasttext
    from transformers import PreTrainedTokenizerFast
    from wechsel import (
        WECHSEL,
        create_target_embeddings,
        get_subword_embeddings_in_word_embedding_space as in_word_space,
    )

    models = {side: fasttext.load_model(str(given / f"{side}.bin")) for side in ("source", "target")}
    aligned = WECHSEL(models["source"], models["target"], bilingual_dictionary=str(given / "dictionary.tsv"))
    tokenizers, vectors = {}, {}
    for side, transform in (("source", aligned.source_transform), ("target", aligned.target_transform)):
        tokenizers[side] = PreTrainedTokenizerFast.from_pretrained(given / side)
        matrix, _ = in_word_space(tokenizers[side], getattr(aligned, f"{side}_embeddings"), verbose=False)
        blank = [id for id in range(len(matrix)) if not tokenizers[side].decode(id).strip()]
        matrix[tokenizers[side].all_special_ids + blank] = 0
        matrix = transform(matrix)
        vectors[side] = matrix / (np.linalg.norm(matrix, axis=1)[:, np.newaxis] + 1e-8)
    embeddings = load_file(given / "input.safetensors")["embeddings"].numpy()
    matrix, _, _ = create_target_embeddings(
        vectors["source"],
        vectors["target"],
        tokenizers["source"],
        tokenizers["target"],
        embeddings,
        verbose=False,
    )
    nearest = -np.sort(-(vectors["target"] @ vectors["source"].T), axis=1)
    gap = nearest[:, NEIGHBORS - 1] - nearest[:, NEIGHBORS]
    tensors = {"matrix": torch.from_numpy(matrix), "gap": torch.from_numpy(gap)}
    save_file(tensors, result / "output.safetensors")


def omp(given: Path, result: Path) -> None:
    """Write the chosen atoms and their coefficients."""
    from mergekit.tokensurgeon.omp import batch_omp

    tensors = load_file(given / "input.safetensors")
    k = json.loads((given / "settings.json").read_text())["k"]
    chosen, weights = batch_omp(tensors["targets"].double(), tensors["atoms"].double(), k)
    save_file({"chosen": chosen, "weights": weights}, result / "output.safetensors")


COMMANDS: dict[str, Any] = {"wechsel": wechsel, "omp": omp}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
