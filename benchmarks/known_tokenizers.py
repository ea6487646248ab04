"""The published tokenizers that the benchmarks read from local folders."""

from __future__ import annotations

from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

MODELS = {"XLM-R": "e5-small", "Gemma 3": "gemma-270m"}
TOKENIZERS = {
    "mBERT": "mbert-cased-tydiqa",
    "GPT-2": "gpt2",
    "Qwen 3": "qwen3",
    **{
        f"{language} {kind}": f"focus-{language}-{folder}-50k"
        for language in ("de", "ar", "sw")
        for kind, folder in (("Unigram", "xlmr-unigram"), ("BPE", "bpe"))
    },
}
SOURCES = ("XLM-R", "mBERT", "GPT-2", "Qwen 3", "Gemma 3")


def folders(data: Path, models: Path) -> dict[str, Path]:
    """Where each tokenizer lies."""
    return {name: models / folder for name, folder in MODELS.items()} | {
        name: data / "tokenizers" / folder for name, folder in TOKENIZERS.items()
    }


def load(folder: Path) -> PreTrainedTokenizerBase:
    """Load a tokenizer; the authors' BPE files need the plain class (their configuration has an old form)."""
    if folder.name.endswith("-bpe-50k"):
        return PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
    return tokenizer
