"""The published tokenizers that the benchmarks read from local folders."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer, decoders, normalizers
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

MODELS = {"XLM-R": "e5-small", "Gemma 3": "gemma-270m", "Llama-style": "gemma-270m"}
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
LLAMA_STYLE = "Llama-style"
"""Gemma's vocabulary with the steps of Llama 2 around it, whose own files may not be passed on."""
SOURCES = ("XLM-R", "mBERT", "GPT-2", "Qwen 3", "Gemma 3", LLAMA_STYLE)


def folders(data: Path, models: Path) -> dict[str, Path]:
    """Where each tokenizer lies."""
    return {name: models / folder for name, folder in MODELS.items()} | {
        name: data / "tokenizers" / folder for name, folder in TOKENIZERS.items()
    }


def as_llama(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    """A SentencePiece BPE tokenizer that puts a space before each text, and takes it away when it decodes."""
    spaced = [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    back = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    backend = Tokenizer(tokenizer.backend_tokenizer.model)
    backend.normalizer, backend.decoder = normalizers.Sequence(spaced), decoders.Sequence(back)
    backend.add_special_tokens([token for token in tokenizer.added_tokens_decoder.values() if token.special])
    return PreTrainedTokenizerFast(tokenizer_object=backend, **tokenizer.special_tokens_map)


def load(folder: Path) -> PreTrainedTokenizerBase:
    """Load a tokenizer; the authors' BPE files need the plain class (their configuration has an old form)."""
    if folder.name.endswith("-bpe-50k"):
        return PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
    return tokenizer
