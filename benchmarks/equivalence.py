"""FOCUS in `focus-reference` mode, row by row, beside `deepfocus` on real tokenizers and embeddings.

    python -m benchmarks.equivalence --data ../shared/data --models models [--environment build/reference]

The authors' German tokenizers (Unigram 50k, byte-level BPE 50k) against the vocabulary and embeddings of
multilingual-e5-small (XLM-R's vocabulary). Both sides are given the same token vectors; half the tokens
have none. Copied rows must be equal bit for bit, all others to 1e-5.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from benchmarks import head, reference
from benchmarks.oracle import load_tokenizer
from benchmarks.vectors import ngram_vectors
from monoglot.initialization.initialize import initialize
from monoglot.initialization.methods.focus import FocusReference
from monoglot.initialization.transfer import Transfer
from monoglot.maths.mixture import Provenance
from monoglot.vectors.engine import TokenVectors

TOKENIZERS = ("focus-de-xlmr-unigram-50k", "focus-de-bpe-50k")
SOURCE = "e5-small"
EMBEDDINGS = "embeddings.word_embeddings.weight"
TOLERANCE = 1e-5
SEED = 42


def compare(
    environment: Path,
    source: PreTrainedTokenizerFast,
    target: PreTrainedTokenizerFast,
    embeddings: Tensor,
    vectors: TokenVectors,
) -> dict[str, float]:
    """Compute the target matrix on both sides.

    Args:
        environment: Where the reference is installed.
        source: Source tokenizer.
        target: Target tokenizer.
        embeddings: Source embeddings.
        vectors: A vector for some of the target tokens.

    Returns:
        Counts of rows and the greatest absolute difference of a value, by provenance of the row, and the
        number of pairs of tokens that only one side takes for the same.
    """
    transfer = Transfer.of(source, target, matching=FocusReference().matching, vectors=vectors)
    overlap = transfer.overlap
    mixture = initialize(transfer, FocusReference(), seed=SEED)
    ours = mixture.apply(embeddings)
    tensors = (torch.from_numpy(array) for array in (vectors.matrix, vectors.usable))
    theirs = reference.reference_rows(environment, source, target, embeddings, *tensors)
    our_pairs = set(zip(overlap.source_ids.tolist(), overlap.target_ids.tolist(), strict=True))
    figures: dict[str, float] = {
        "pairs_of_one_side": len(our_pairs ^ set(map(tuple, theirs["pairs"].tolist())))
    }
    for provenance in (Provenance.COPIED, Provenance.METHOD, Provenance.NOISE):
        rows = mixture.where(provenance)
        name = provenance.name.lower()
        figures[f"{name}_rows"] = len(rows)
        figures[f"{name}_difference"] = (
            float((ours[rows] - theirs["matrix"][rows]).abs().amax()) if len(rows) else 0.0
        )
    return figures


def vectors_for(tokenizer: PreTrainedTokenizerFast) -> TokenVectors:
    """Vectors for a random half of the tokens."""
    size = len(tokenizer)
    matrix = ngram_vectors(tokenizer.convert_ids_to_tokens(range(size))).numpy()
    usable = np.random.default_rng(SEED).random(size) < 0.5
    return TokenVectors(matrix * usable[:, None], usable, usable.astype(np.int64))


def main() -> None:
    """Compare, print, save; the exit code tells whether the differences are small enough."""
    parser = head.parser(__doc__, "data", "models")
    parser.add_argument("--environment", type=Path, default=reference.DEFAULT)
    arguments = head.parse(parser)
    model = arguments.models / SOURCE
    targets = [arguments.data / "tokenizers" / name for name in TOKENIZERS]
    absent = [str(path) for path in (model, *targets) if not path.is_dir()]
    if absent:
        raise SystemExit(f"NOT compared row by row: {', '.join(absent)} missing (set DATA= and MODELS=)")
    with safe_open(model / "model.safetensors", framework="pt") as file:
        embeddings = file.get_tensor(EMBEDDINGS)
    source = load_tokenizer(model)
    # Rows beyond the vocabulary are padding; the reference would count them into the noise's mean.
    embeddings = embeddings[: len(source)]
    comparisons = {}
    for path in targets:
        target = load_tokenizer(path)
        figures = compare(arguments.environment, source, target, embeddings, vectors_for(target))
        comparisons[path.name] = figures
        print(path.name)
        for name in ("copied", "method", "noise"):
            rows, difference = figures[f"{name}_rows"], figures[f"{name}_difference"]
            print(f"  {name:7} {rows:7,} rows, greatest difference {difference:.1e}")
        print(f"  {figures['pairs_of_one_side']} pairs of tokens that only one side takes for the same")
    print(f"saved in {head.save('equivalence', {'seed': SEED, 'comparisons': comparisons})}")
    good = all(
        figures["pairs_of_one_side"] == figures["copied_difference"] == 0
        and max(figures["method_difference"], figures["noise_difference"]) <= TOLERANCE
        for figures in comparisons.values()
    )
    raise SystemExit(0 if good else f"a difference is greater than {TOLERANCE}")


if __name__ == "__main__":
    main()
