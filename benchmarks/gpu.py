"""Continued pretraining on a GPU: tokens per second and memory by precision, device tokens and other options.

    python -m benchmarks.gpu FOLDER

Models with random weights (they cost the same), in the shape of XLM-R base (12 layers, 768 wide) and of a
decoder as large, with the tokenizer and the German text of the demo. Each is trained by `adapt`; the first
steps are not counted, and rows that were measured before on such a GPU are kept. Of a trained encoder, bits
per byte of the held-out text are computed on the GPU and on the processor. The table of `docs/gpu.md` is
written from the result.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
    XLMRobertaModel,
)

from benchmarks import head, pages
from benchmarks.decoder_graft import StepClock
from monoglot import AdaptSettings, EvaluateSettings, Interrupted, TrainingSettings, adapt, evaluate
from monoglot.demo import heldout_path, model_path, sample_path

SHAPE = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}
UNCOUNTED = 4
"""Steps at the beginning, in which kernels are chosen and memory is taken."""
BATCH_TOKENS = 65_536
TOKENS = 16 * BATCH_TOKENS
VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "float32": {"precision": "float32"},
    "16k device tokens": {"device_tokens": 16_384},
    "64k device tokens": {"device_tokens": 65_536},
    "64k device tokens, gradient checkpointing": {"device_tokens": 65_536, "gradient_checkpointing": True},
    "16k device tokens, compiled": {"device_tokens": 16_384, "compile": True},
}


FEW = ("default", "float32")


def models() -> dict[str, PreTrainedModel]:
    """Random models for the demo's tokenizer, by what they learn."""
    tokenizer = AutoTokenizer.from_pretrained(model_path())
    ids = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    common = {**SHAPE, **ids, "vocab_size": len(tokenizer)}
    torch.manual_seed(42)
    encoder = XLMRobertaConfig(**common, max_position_embeddings=514)
    return {
        "mlm": XLMRobertaForMaskedLM(encoder),
        "clm": LlamaForCausalLM(LlamaConfig(**common, max_position_embeddings=512)),
        "distill": XLMRobertaModel(encoder, add_pooling_layer=False),
    }


def measure(source: Path, output: Path, objective: str, options: dict[str, Any]) -> dict[str, Any]:
    """Train once; what it took, or why it could not be done."""
    recipe = {"tokens": TOKENS, "batch_tokens": BATCH_TOKENS, "checks": 1, **options}
    teaching = {"teacher": str(source), "objective_options": {"pooling": "mean"}}
    adapting = AdaptSettings(heldout=str(heldout_path("de")), **(teaching if objective == "distill" else {}))
    clock = StepClock(time.perf_counter)
    torch.cuda.reset_peak_memory_stats()
    try:
        done = adapt(source, sample_path("de"), output, adapting, TrainingSettings(**recipe), progress=clock)
    except Interrupted:
        raise
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}"[:300]}
    assert done is not None
    seconds = clock.readings[-1] - clock.readings[UNCOUNTED]
    return {
        "tokens_per_second": (len(clock.readings) - 1 - UNCOUNTED) * BATCH_TOKENS / seconds,
        "peak_gpu_memory_bytes": torch.cuda.max_memory_allocated(),
        "loss": done.loss,
        "documents_apart_by": done.record["documents_apart_by"],
        "warnings": done.record["warnings"],
    }


def agreement(folder: Path) -> dict[str, dict[str, float]]:
    """Bits per byte and seconds of the same text on the GPU and on the processor."""
    found = {}
    for device in ("cpu", "cuda"):
        start = time.perf_counter()
        settings = EvaluateSettings(lines=60, word_share=0.3, device=device)
        (scores,) = evaluate(folder, heldout_path("de"), settings=settings).text
        assert scores.language is not None
        bits = scores.language.bits_per_byte
        found[device] = {"bits_per_byte": bits, "seconds": time.perf_counter() - start}
    return found


def table(content: Mapping[str, Any]) -> str:
    """Speed and memory, a row each training."""
    rows = [
        [name, _speeds(row), f"{row['peak_gpu_memory_bytes'] / 2**30:.1f}"]
        for name, row in content["rows"].items()
        if "failed" not in row
    ]
    return pages.table(["", "tokens per second, each run", "peak GPU memory, GiB"], rows)


def _speeds(row: Mapping[str, Any]) -> str:
    """The speed of each time that a row was measured."""
    runs = [row, *([row["again"]] if "again" in row else [])]
    return "; ".join(f"{run['tokens_per_second']:,.0f}" for run in runs)


def done_before(gpu: str) -> dict[str, Any]:
    """Rows of an earlier run on the same kind of GPU, which are not measured again."""
    file = head.FOLDER / "gpu.json"
    before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    same = before.get("gpu") == gpu and before.get("batch_tokens") == BATCH_TOKENS
    return dict(before["rows"]) if same else {}


def main() -> None:
    """Make the models, train, save."""
    parser = head.parser(__doc__)
    parser.add_argument("folder", type=Path, help="folder for models")
    folder = head.parse(parser).folder
    gpu = torch.cuda.get_device_name()
    rows = done_before(gpu)
    content = {"gpu": gpu, "tokens": TOKENS, "batch_tokens": BATCH_TOKENS, "rows": rows}
    for objective, model in models().items():
        source = folder / objective
        model.save_pretrained(source)
        AutoTokenizer.from_pretrained(model_path()).save_pretrained(source)
        del model
        chosen = VARIANTS if objective == "mlm" else {name: VARIANTS[name] for name in FEW}
        for name, options in chosen.items():
            row = f"{objective}, {name}"
            if row not in rows:
                output = folder / f"{objective}-{len(rows)}"
                rows[row] = measure(source, output, objective, options) | {"commit": head.commit()}
                print(row, rows[row])
                head.save("gpu", content)
    print(measure(folder / "mlm", folder / "scored", "mlm", VARIANTS["64k device tokens"]))
    content["scored"] = agreement(folder / "scored")
    print(content["scored"])
    print(head.save("gpu", content))
    print(pages.fill("gpu.md", "gpu", table(content)))


if __name__ == "__main__":
    main()
