"""What one writes without a tool: a trim and an extension with `transformers` and `tokenizers` alone.

    python -m benchmarks.plain_recipes trim SOURCE CORPUS SIZE OUTPUT
    python -m benchmarks.plain_recipes add-tokens SOURCE WORDS OUTPUT [--whole-words]

``trim`` counts the tokens of the text, keeps the most frequent beside the special ones, and slices the
vocabulary in `tokenizer.json` and the rows of the embeddings, as guides to trimming do (Hugging Face's blog,
"Introduction to Trimming", 2026). ``add-tokens`` adds words by ``tokenizer.add_tokens``, each with the mean
of its pieces' rows. `benchmarks.rivals` runs both beside monoglot; nothing of monoglot is imported here.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import torch
import transformers as hf
from tokenizers import AddedToken

BATCH_LINES = 1000
ROLES = ("bos_token_id", "eos_token_id", "pad_token_id")


def trim(source: Path, corpus: Path, size: int, output: Path) -> None:
    """Keep the most frequent tokens of a text.

    Args:
        source: The model.
        corpus: A text, one line each.
        size: How many tokens to keep at most, special ones included.
        output: The folder to write.
    """
    tokenizer = hf.AutoTokenizer.from_pretrained(source)
    document = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
    kept = tokens_to_keep(tokenizer, document, corpus, size)
    model = load(source)
    old = [parameter.detach()[kept].clone() for parameter in tables(model)]
    model.resize_token_embeddings(len(kept))
    with torch.no_grad():
        for parameter, rows in zip(tables(model), old, strict=True):
            parameter.copy_(rows)
    new_of = {old: new for new, old in enumerate(kept)}
    for role in ROLES:
        old = getattr(model.config, role, None)
        setattr(model.config, role, new_of.get(old) if isinstance(old, int) else old)
    model.save_pretrained(output)
    text = json.dumps(sliced(document, kept), ensure_ascii=False)
    (output / "tokenizer.json").write_text(text, encoding="utf-8")
    shutil.copy(source / "tokenizer_config.json", output)


def tokens_to_keep(
    tokenizer: hf.PreTrainedTokenizerFast, document: dict[str, Any], corpus: Path, size: int
) -> list[int]:
    """The ids of added and byte tokens, and of the most frequent ones, in the order of the source."""
    counts: Counter[int] = Counter()
    lines = corpus.read_text(encoding="utf-8").split("\n")
    for start in range(0, len(lines), BATCH_LINES):
        for ids in tokenizer(lines[start : start + BATCH_LINES], add_special_tokens=False)["input_ids"]:
            counts.update(ids)
    byte_tokens = [tokenizer.convert_tokens_to_ids(f"<0x{byte:02X}>") for byte in range(256)]
    special = {token["id"] for token in document["added_tokens"]}
    if document["model"].get("byte_fallback"):
        special.update(byte_tokens)
    frequent = [id for id, _ in counts.most_common() if id not in special]
    return sorted([*special, *frequent[: size - len(special)]])


def sliced(document: dict[str, Any], kept: list[int]) -> dict[str, Any]:
    """A `tokenizer.json` with these tokens, numbered anew; merges of others are dropped."""
    new_of = {old: new for new, old in enumerate(kept)}
    model = dict(document["model"])
    if model["type"] == "Unigram":
        model["vocab"] = [model["vocab"][id] for id in kept]
        model["unk_id"] = new_of[model["unk_id"]]
    else:
        model["vocab"] = {token: new_of[id] for token, id in model["vocab"].items() if id in new_of}
        model["merges"] = [
            pair
            for pair in model["merges"]
            if {*pair, "".join(pair)} <= model["vocab"].keys()
        ]  # fmt: skip
    added = [{**token, "id": new_of[token["id"]]} for token in document["added_tokens"]]
    processor = document["post_processor"]
    for token in (processor or {}).get("special_tokens", {}).values():
        token["ids"] = [new_of[id] for id in token["ids"]]
    return {**document, "model": model, "added_tokens": added, "post_processor": processor}


def add_tokens(source: Path, words: list[str], output: Path, *, whole_words: bool) -> None:
    """Add words to a model's vocabulary, each with the mean of its pieces' rows.

    Args:
        source: The model.
        words: New tokens, as SentencePiece spells them.
        output: The folder to write.
        whole_words: Add only what begins a word, to be found only as a whole word with the space before it;
            otherwise every token is found wherever its letters are, as ``add_tokens`` does by default.
    """
    tokenizer = hf.AutoTokenizer.from_pretrained(source)
    known = tokenizer.get_vocab()
    chosen = [word for word in words if word.startswith("▁") or not whole_words]
    # A text that is a token already would take that token's id, and its row.
    texts = [text for text in dict.fromkeys(spelled(word) for word in chosen) if text not in known]
    pieces = dict(zip(texts, tokenizer(texts, add_special_tokens=False)["input_ids"], strict=True))
    tokenizer.add_tokens([AddedToken(text, single_word=whole_words, lstrip=whole_words) for text in texts])
    model = load(source)
    rows = model.get_input_embeddings().weight.detach().clone()
    model.resize_token_embeddings(max(len(tokenizer), len(rows)), mean_resizing=False)
    with torch.no_grad():
        for text in texts:
            id = tokenizer.convert_tokens_to_ids(text)
            model.get_input_embeddings().weight[id] = rows[pieces[text]].mean(0)
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)


def tables(model: hf.PreTrainedModel) -> list[torch.Tensor]:
    """What has a row, or a number, for each token: embeddings, and a head with its bias."""
    head = model.get_output_embeddings()
    found = [model.get_input_embeddings().weight]
    if head is not None:
        found += [each for each in (head.weight, head.bias) if each is not None]
    return found


def spelled(token: str) -> str:
    """The text of a token of SentencePiece, without the space before it."""
    return token.replace("▁", " ").strip()


def load(source: Path) -> hf.PreTrainedModel:
    """The model of a folder, as the class that its configuration names."""
    architecture = hf.AutoConfig.from_pretrained(source).architectures[0]
    return getattr(hf, architecture).from_pretrained(source)


def main() -> None:
    """Run one of the recipes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    recipes = parser.add_subparsers(dest="recipe", required=True)
    for name in ("trim", "add-tokens"):
        recipe = recipes.add_parser(name)
        recipe.add_argument("source", type=Path)
        recipe.add_argument("text", type=Path, help="the corpus; for add-tokens, one token per line")
        if name == "trim":
            recipe.add_argument("size", type=int)
        else:
            recipe.add_argument("--whole-words", action="store_true")
        recipe.add_argument("output", type=Path)
    given = parser.parse_args()
    if given.recipe == "trim":
        trim(given.source, given.text, given.size, given.output)
    else:
        words = given.text.read_text(encoding="utf-8").splitlines()
        add_tokens(given.source, words, given.output, whole_words=given.whole_words)


if __name__ == "__main__":
    main()
