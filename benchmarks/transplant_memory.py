"""Peak memory of a transplant shard by shard, on a checkpoint made on the spot.

    python benchmarks/transplant_memory.py [--tied] [--target-rows 250000] [--in-memory]

Prints what the process needed above the interpreter with its libraries and tokenizers, beside the bound:
1.5 times the vocabulary tables, old and new, plus the largest shard.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from benchmarks import head
from monoglot.maths.mixture import Mixture, Provenance
from monoglot.maths.sparse import SparseRows
from monoglot.model.checkpoint import Checkpoint, transplant_checkpoint
from monoglot.model.folder import load_model, save
from monoglot.model.transplant import transplant

MIB = 2**20


def numbered_tokens(count: int) -> PreTrainedTokenizerFast:
    """A tokenizer of so many tokens."""
    vocabulary = {f"t{i}": i for i in range(count)}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="t0"))
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="t0", bos_token="t1", eos_token="t2")


def make_checkpoint(folder: Path, rows: int, dim: int, *, tied: bool) -> None:
    """Write a bfloat16 model in shards, its embeddings being most of it."""
    layers = {"num_hidden_layers": 8, "num_attention_heads": 8, "intermediate_size": 4 * dim}
    ids = {"bos_token_id": 1, "eos_token_id": 2}
    config = LlamaConfig(vocab_size=rows, hidden_size=dim, tie_word_embeddings=tied, **layers, **ids)
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(folder, max_shard_size=model.model.embed_tokens.weight.nbytes + MIB)


class Watch:
    """Samples the resident memory of this process."""

    def __init__(self) -> None:
        self.peak_bytes = self.base_bytes = resident_bytes()
        self.running = True
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        """Sample until told to stop."""
        while self.running:
            self.peak_bytes = max(self.peak_bytes, resident_bytes())
            time.sleep(0.005)

    def __enter__(self) -> Watch:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.running = False
        self.thread.join()


def resident_bytes() -> int:
    """Resident memory, pages mapped from files included."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Make the checkpoint, transplant it, print the figures."""
    arguments = head.parser(__doc__)
    arguments.add_argument("--rows", type=int, default=250_000)
    arguments.add_argument("--target-rows", type=int, default=50_000)
    arguments.add_argument("--dim", type=int, default=1024)
    arguments.add_argument("--tied", action="store_true")
    arguments.add_argument("--in-memory", action="store_true", help="the ordinary path, for comparison")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        source, out = Path(scratch, "source"), Path(scratch, "out")
        if (child := os.fork()) == 0:  # so that making the model leaves no trace in this process
            make_checkpoint(source, given.rows, given.dim, tied=given.tied)
            os._exit(0)
        os.waitpid(child, 0)
        old, new = numbered_tokens(given.rows), numbered_tokens(given.target_rows)
        parents = np.random.default_rng(0).permutation(given.rows)[: given.target_rows]
        provenance = np.full(given.target_rows, Provenance.COPIED, dtype=np.uint8)
        mixture = Mixture(SparseRows.single(parents), provenance, np.ones(given.rows, dtype=bool))
        start = time.perf_counter()
        with Watch() as watch:
            if given.in_memory:
                save(transplant(load_model(source), mixture, new, source_tokenizer=old), new, source, out)
            else:
                transplant_checkpoint(Checkpoint.open(source), mixture, new, out, source_tokenizer=old)
        seconds = time.perf_counter() - start
        table_bytes = (given.rows + given.target_rows) * given.dim * 2 * (1 if given.tied else 2)
        shard_bytes = max(file.stat().st_size for file in source.glob("*.safetensors"))
        bound = (1.5 * table_bytes + shard_bytes) / MIB
        needed = (watch.peak_bytes - watch.base_bytes) / MIB
        print(f"needed {needed:.0f} MiB, bound {bound:.0f} MiB ({table_bytes / MIB:.0f} MiB of tables, "
              f"shard of {shard_bytes / MIB:.0f} MiB), {seconds:.1f} s")  # fmt: skip


if __name__ == "__main__":
    main()
