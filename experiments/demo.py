"""`make demo`: the whole job on a model small enough to be made on the spot.

    python experiments/demo.py [--output demo-output]

Until a pretrained demo model ships with monoglot, this builds a tiny XLM-R with *random*
weights and a tokenizer for five languages from the sample texts in `tests/data`, then specialises it for
German. It shows what happens and what is written, not how good the result is.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaForMaskedLM

from monoglot.cli import main

DATA = Path(__file__).parent.parent / "tests" / "data"
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def tokenizer_for(files: list[Path], size: int) -> PreTrainedTokenizerFast:
    """Train a Unigram tokenizer like XLM-R's."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=size, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False
    )
    tokenizer.train([str(file) for file in files], trainer)
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
    )


def build_source(folder: Path) -> None:
    """Write a tiny multilingual model with random weights."""
    tokenizer = tokenizer_for(sorted(DATA.glob("*.txt")), 6000)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        max_position_embeddings=514,
        pad_token_id=1,
    )
    torch.manual_seed(42)
    XLMRobertaForMaskedLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=Path("demo-output"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "tiny-xlm-r"
        print("No pretrained demo model ships with monoglot yet: building a tiny one with random weights …")
        build_source(source)
        command = ["specialize", str(source), str(DATA / "de.txt"), "--output", str(arguments.output)]
        command += ["--vocabulary-size", "3000", "--overwrite"]
        print("\n$ monoglot", " ".join(command), "\n", flush=True)
        raise SystemExit(main(command))
