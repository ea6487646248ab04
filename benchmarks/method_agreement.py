"""WECHSEL and OMP beside `wechsel` 0.0.4 and `mergekit` 0.1.5, on a small case with the same inputs.

    python -m benchmarks.method_agreement --environment build/methods

Nothing is installed here. The environment is one of its own, made by::

    python -m venv build/methods
    build/methods/bin/pip install torch==2.13.0
    build/methods/bin/pip install -c constraints.txt transformers datasets scikit-learn scipy gensim nltk \
        fasttext-community accelerate pydantic immutables click peft sentencepiece protobuf
    build/methods/bin/pip install --no-deps wechsel==0.0.4 mergekit==0.1.5

WECHSEL: Unigram tokenizers and fastText models of two samples of German, and a dictionary that says that
their words mean the same: the rotation must be well determined, for the package computes it in float32. The
rows of missing tokens are compared, as monoglot copies the others, but for those whose tenth and eleventh
neighbor are equally near (``ack`` and ``▁ack`` have one vector): which of them is taken is chance. OMP:
targets and atoms drawn from a seed, and rows of a model's embeddings if ``--model`` gives one; coefficients
are compared.
All must agree to 1e-4.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import fasttext_pybind
import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from benchmarks import head
from monoglot.initialization.initialize import initialize
from monoglot.initialization.methods.wechsel import Wechsel
from monoglot.initialization.transfer import Transfer
from monoglot.maths.mixture import Provenance
from monoglot.maths.pursuit import matching_pursuit
from monoglot.tokenization.vocabulary import Vocabulary
from tests.fixtures.tokenizers import sample, unigram

TOLERANCE = 1e-4
TIE = 1e-5
"""Cosines of the tenth and eleventh neighbor that are nearer than this: either may be taken."""
SEED = 42
TARGETS, ATOMS = 300, 2_000
EMBEDDINGS = "embeddings.word_embeddings.weight"


def main() -> None:
    """Compare both methods; exit with an error if one differs."""
    parser = head.parser(__doc__)
    parser.add_argument("--environment", type=Path, default=Path("build/methods"))
    parser.add_argument("--model", type=Path, help="folder of a BERT, such as models/e5-small")
    arguments = head.parse(parser)
    python = arguments.environment / "bin" / "python"
    if not python.exists():
        sys.exit(f"there is no environment {arguments.environment}: make one as said by --help")
    found = {"wechsel": compare_wechsel(python)}
    generator = torch.Generator().manual_seed(SEED)
    drawn = torch.randn(TARGETS + ATOMS, 96, generator=generator)
    for k in (1, 8, 64):
        found[f"omp, drawn, k={k}"] = compare_omp(python, drawn[:TARGETS], drawn[TARGETS:], k)
    if arguments.model:
        rows = _some_rows(arguments.model / "model.safetensors")
        for k in (8, 64):
            found[f"omp, {arguments.model.name}, k={k}"] = compare_omp(
                python, rows[:TARGETS], rows[TARGETS:], k
            )
    head.save("method_agreement", {"seed": SEED, "tolerance": TOLERANCE, "cases": found})
    for name, figures in found.items():
        print(f"{name}: {figures}")
    if worse := [name for name, figures in found.items() if not figures["difference"] <= TOLERANCE]:
        sys.exit(f"not equal to {TOLERANCE}: {', '.join(worse)}")


def compare_wechsel(python: Path) -> dict[str, float]:
    """Compute the rows of missing tokens on both sides."""
    with tempfile.TemporaryDirectory() as name:
        given = Path(name)
        tokenizers = {}
        for side, lines in (("source", sample("de")[::2]), ("target", sample("de")[1::2])):
            tokenizers[side] = unigram(lines)
            tokenizers[side].save_pretrained(given / side)
            (given / f"{side}.txt").write_text("\n".join(lines), encoding="utf-8")
            train_words(given / f"{side}.txt", given / f"{side}.bin")
        pairs = "".join(f"{word}\t{word}\n" for word in frequent_words())
        (given / "dictionary.tsv").write_text(pairs, encoding="utf-8")
        old = Vocabulary.of(tokenizers["source"])
        embeddings = torch.randn(old.size, 24, generator=torch.Generator().manual_seed(SEED))
        save_file({"embeddings": embeddings}, given / "input.safetensors")
        answer = call(python, "wechsel", given)
        method = Wechsel(*(str(given / file) for file in ("dictionary.tsv", "source.bin", "target.bin")))
        transfer = Transfer.of(tokenizers["source"], tokenizers["target"])
        mixture = initialize(transfer, method)
    rows = mixture.where(Provenance.METHOD)
    differences = (mixture.apply(embeddings)[rows] - answer["matrix"][rows].float()).abs().amax(dim=1)
    is_tied = answer["gap"][rows] < TIE
    return {
        "rows": len(rows),
        "missing": len(transfer.overlap.missing),
        "tied": int(is_tied.sum()),
        "different_and_tied": int((differences[is_tied] > TOLERANCE).sum()),
        "difference": float(differences[~is_tied].amax()),
    }


def frequent_words(most: int = 400) -> list[str]:
    """The most frequent words of the sample text."""
    counts = Counter(word for line in sample("de") for word in line.split())
    return [word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]]


def train_words(text: Path, file: Path) -> None:
    """Train a small fastText model."""
    arguments = fasttext_pybind.args()
    arguments.input, arguments.dim, arguments.bucket, arguments.thread = str(text), 12, 2_000, 1
    arguments.minCount, arguments.minn, arguments.maxn, arguments.verbose = 2, 2, 4, 0
    arguments.epoch = 50
    arguments.model, arguments.loss = fasttext_pybind.model_name.cbow, fasttext_pybind.loss_name.ns
    model = fasttext_pybind.fasttext()
    fasttext_pybind.train(model, arguments)
    model.saveModel(str(file))


def compare_omp(python: Path, targets: Tensor, atoms: Tensor, k: int) -> dict[str, float]:
    """Compute the coefficients on both sides."""
    ours = torch.zeros(len(targets), len(atoms), dtype=torch.float64)
    rows = matching_pursuit(targets, atoms, k)
    ours[np.repeat(np.arange(len(rows)), rows.lengths), rows.indices] = torch.from_numpy(
        rows.weights
    ).double()
    with tempfile.TemporaryDirectory() as name:
        given = Path(name)
        save_file({"targets": targets.contiguous(), "atoms": atoms.contiguous()}, given / "input.safetensors")
        (given / "settings.json").write_text(f'{{"k": {k}}}')
        answer = call(python, "omp", given)
    theirs = torch.zeros_like(ours).scatter_(1, answer["chosen"], answer["weights"])
    return {"rows": len(targets), "dim": targets.shape[1], "difference": float((ours - theirs).abs().amax())}


def call(python: Path, command: str, given: Path) -> Mapping[str, Tensor]:
    """Run the oracle."""
    oracle, offline = Path(__file__).parent / "method_oracle.py", {**os.environ, "HF_HUB_OFFLINE": "1"}
    subprocess.run([python, "-W", "ignore", oracle, command, given, given], check=True, env=offline)
    return load_file(given / "output.safetensors")


def _some_rows(file: Path) -> Tensor:
    """Rows of a model's embeddings, drawn from a seed."""
    with safe_open(file, framework="pt") as tensors:
        table = tensors.get_tensor(next(name for name in tensors.keys() if name.endswith(EMBEDDINGS)))  # noqa: SIM118 - no mapping
    chosen = torch.randperm(len(table), generator=torch.Generator().manual_seed(SEED))[: TARGETS + ATOMS]
    return table[chosen].float()


if __name__ == "__main__":
    main()
