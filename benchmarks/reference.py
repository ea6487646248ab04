"""The reference implementation of FOCUS, PyPI `deepfocus` 1.0.1, in an environment of its own.

    python -m benchmarks.reference --environment build/reference

makes that environment; the other benchmarks and `pytest -m oracle` make it when they need it. No compiler is
needed: fastText is left out, for the oracle is always given its vectors.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from benchmarks import head

ROOT = Path(__file__).parent.parent
DEFAULT = ROOT / "build" / "reference"
PACKAGE = "deepfocus==1.0.1"
NEEDS = (
    "torch transformers datasets safetensors numpy entmax fastdist numba scipy tqdm print-on-steroids "
    "regex requests"
)


def ensure(environment: Path) -> Path:
    """Make the environment if it is not there.

    Args:
        environment: Its folder.

    Returns:
        Its Python interpreter.
    """
    python = environment / "bin" / "python"
    if _runs(python):
        return python
    print(
        f"Making an environment for {PACKAGE} in {environment} (a few minutes)", file=sys.stderr, flush=True
    )
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    constraints = ["-c", ROOT / "constraints.txt"]
    subprocess.run([*pip, *constraints, f"torch=={torch.__version__}"], check=True)
    subprocess.run([*pip, *constraints, *NEEDS.split()], check=True)
    subprocess.run([*pip, "--no-deps", PACKAGE], check=True)
    if not _runs(python):
        raise SystemExit(
            f"{environment} was made, but deepfocus can't be imported there: remove it and try again"
        )
    return python


def call(environment: Path, command: str, given: Path, result: Path) -> None:
    """Run a command of `oracle` in the environment."""
    oracle = Path(__file__).parent / "oracle.py"
    offline = {**os.environ, "HF_HUB_OFFLINE": "1"}
    subprocess.run(
        [ensure(environment), "-W", "ignore", oracle, command, given, result], check=True, env=offline
    )


def reference_rows(
    environment: Path,
    source: PreTrainedTokenizerBase,
    target: PreTrainedTokenizerBase,
    embeddings: Tensor,
    vectors: Tensor,
    usable: Tensor,
) -> Mapping[str, Tensor]:
    """Compute the reference's target matrix.

    Args:
        environment: Where the reference is, or shall be, installed.
        source: Source tokenizer.
        target: Target tokenizer.
        embeddings: Source embeddings.
        vectors: Auxiliary vector of each target id.
        usable: Which target ids have one.

    Returns:
        ``matrix``, and ``pairs`` of source and target ids that were taken for the same token.
    """
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder)
        source.save_pretrained(given / "source")
        target.save_pretrained(given / "target")
        tensors = {"embeddings": embeddings, "vectors": vectors, "usable": usable}
        save_file(
            {name: tensor.contiguous() for name, tensor in tensors.items()}, given / "input.safetensors"
        )
        call(environment, "rows", given, given)
        return load_file(given / "rows.safetensors")


def _runs(python: Path) -> bool:
    program = "import sys, types; sys.modules['fasttext'] = types.ModuleType('fasttext'); import deepfocus"
    command = [python, "-W", "ignore", "-c", program]
    return python.exists() and subprocess.run(command, check=False, capture_output=True).returncode == 0


if __name__ == "__main__":
    parser = head.parser(__doc__)
    parser.add_argument("--environment", type=Path, default=DEFAULT)
    print(ensure(parser.parse_args().environment))
