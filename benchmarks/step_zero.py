"""Quality of multilingual-e5-small with a new vocabulary before any training: spaces and methods compared.

    python -m benchmarks.step_zero --data ../shared/data --models /root/models --language de

The vocabulary is that of the FOCUS authors for de, ar and sw, else one trained on the corpus. Against the
original model (see `benchmarks.sentences`): mean cosine to its sentence vectors on held-out lines, P@1 of
finding the English translation (embedded by the original) in Tatoeba and NTREX, Spearman on STS; the spread
is over three splits of the lines and pairs. `deepfocus` is the reference's matching, anchors and noise on
fastText vectors: what the package gives, see `benchmarks.equivalence`. The model runs in bfloat16. What has
been measured is kept in `results/step_zero_<language>.json` and not measured again; the tables of all
languages go into docs/methods.md.
"""

from __future__ import annotations

import copy
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from transformers import PreTrainedModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from benchmarks import head, pages
from benchmarks.vectors_proxy import load_tokenizers
from monoglot.corpus import open_corpus
from monoglot.evaluation.sentences import embed
from monoglot.initialization.initialize import initialize
from monoglot.initialization.registry import get_method
from monoglot.initialization.transfer import Transfer
from monoglot.maths.mixture import Mixture
from monoglot.model.folder import load_model
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.reporting.summary import provenance_shares
from monoglot.tokenization.encoding import TokenizedCorpus, encode_corpus
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.engine import TokenVectors
from monoglot.vectors.registry import get_engine

HELDOUT_LINES, PAIRS, SPLITS = 300, 500, 3


@dataclass(frozen=True)
class Recipe:
    """A way to initialize: method, its options, and the space it works in."""

    method: str
    vectors: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    calibration: float = 0.0


MEAN = {"weighting": "mean"}
RECIPES = {
    "random": Recipe("random"),
    "subword, mean": Recipe("subword", None, MEAN),
    "subword, by length": Recipe("subword"),
    "deepfocus": Recipe("focus-reference", "fasttext"),
    "focus, fasttext": Recipe("focus", "fasttext"),
    "focus, characters": Recipe("focus", "characters"),
    "focus, cooccurrence": Recipe("focus", "cooccurrence"),
    "focus, fasttext, anchors ≥ .6": Recipe("focus", "fasttext", {"min_reliability": 0.6}),
    "focus, cooccurrence, anchors ≥ .6": Recipe("focus", "cooccurrence", {"min_reliability": 0.6}),
    "blend .3 mean, fasttext": Recipe("blend", "fasttext", {"second_share": 0.3, "second_options": MEAN}),
    "blend .3 mean": Recipe("blend", "cooccurrence", {"second_share": 0.3, "second_options": MEAN}),
    "blend .3 mean, norms .4": Recipe(
        "blend", "cooccurrence", {"second_share": 0.3, "second_options": MEAN}, 0.4
    ),
    "blend .3": Recipe("blend", "cooccurrence", {"second_share": 0.3}),
    "blend (default)": Recipe("blend", "cooccurrence"),
}


def mix(
    recipe: Recipe,
    model: PreTrainedModel,
    original: PreTrainedTokenizerFast,
    tokenizer: PreTrainedTokenizerFast,
    vectors: TokenVectors | None,
) -> Mixture:
    """The initialization of a recipe.

    Args:
        recipe: Method and options.
        model: The source model.
        original: Its tokenizer.
        tokenizer: The target tokenizer.
        vectors: Of the target tokens, if the recipe asks for them.
    """
    method = get_method(recipe.method, recipe.options)
    table = model.get_input_embeddings().weight.detach()
    transfer = Transfer.of(original, tokenizer, matching=method.matching, embeddings=table, vectors=vectors)
    return initialize(transfer, method, calibration=recipe.calibration)


class Case:
    """One language: source model, target vocabulary, texts."""

    def __init__(self, data: Path, models: Path, language: str, scratch: Path) -> None:
        self.folder, self.scratch, self.language = data / language, scratch / language, language
        self.scratch.mkdir(parents=True, exist_ok=True)
        self.corpus = str(self.folder / "corpus.txt.gz")
        self.model = load_model(models / "e5-small")
        self.original = load_tokenizer(models / "e5-small")
        self.tokenizer, _ = load_tokenizers(data, models, language, Path(self.corpus))
        self.target = Vocabulary.of(self.tokenizer)
        lines = (self.folder / "heldout.txt").read_text(encoding="utf-8").split("\n")
        self.heldout = [line for line in lines if line][:HELDOUT_LINES]
        self.pairs = {
            path.name.split("_")[0]: [json.loads(line) for line in path.open(encoding="utf-8")][:PAIRS]
            for path in sorted((self.folder / "bitext").glob("*_eng.jsonl"))
        }
        sts = self.folder / "sts" / "test.jsonl"
        self.sts = [json.loads(line) for line in sts.open(encoding="utf-8")] if sts.exists() else []

    @cached_property
    def references(self) -> dict[str, np.ndarray]:
        """The original's vectors of the held-out lines, and of the English sides."""
        file = self.scratch / "references.npz"
        if not file.exists():
            texts = {name: [pair["eng"] for pair in pairs] for name, pairs in self.pairs.items()}
            texts["heldout"] = self.heldout
            vectors = {name: self._embed(self.model, self.original, t) for name, t in texts.items()}
            np.savez(file, **vectors)
        return dict(np.load(file))

    def vectors(self, name: str) -> tuple[TokenVectors, float]:
        """Vectors of an engine, and the cpu seconds that they took; trained once."""
        file, cost = self.scratch / f"{name}.safetensors", self.scratch / f"{name}.cost"
        if not file.exists():
            tokens = self.scratch / "tokens"
            if not tokens.exists():
                tokens.mkdir()
                encode_corpus(self.tokenizer, open_corpus([self.corpus]).lines(), tokens, threads=1)
            start = time.process_time()
            engine = get_engine(name)
            engine.train(TokenizedCorpus.open(tokens), self.target, seed=42, threads=1).save(file)
            cost.write_text(str(time.process_time() - start))
        return TokenVectors.load(file), float(cost.read_text()) if cost.exists() else float("nan")

    def mixture(self, recipe: Recipe) -> Mixture:
        """The initialization of a recipe."""
        vectors = self.vectors(recipe.vectors)[0] if recipe.vectors else None
        return mix(recipe, self.model, self.original, self.tokenizer, vectors)

    def score(self, mixture: Mixture) -> dict[str, list[float]]:
        """Each figure over all texts, then over each split."""
        model = copy.deepcopy(self.model)
        table = mixture.apply(model.get_input_embeddings().weight)
        model.set_input_embeddings(torch.nn.Embedding.from_pretrained(table))
        encode = lambda texts: self._embed(model, self.tokenizer, texts)  # noqa: E731
        figures = {"cosine": (encode(self.heldout) * self.references["heldout"]).sum(axis=1)}
        for name, pairs in self.pairs.items():
            nearest = (encode([pair["src"] for pair in pairs]) @ self.references[name].T).argmax(axis=1)
            figures[name] = (nearest == np.arange(len(pairs))).astype(float)
        scores = {name: [float(v.mean()), *(float(v[i::SPLITS].mean()) for i in range(SPLITS))]
                  for name, v in figures.items()}  # fmt: skip
        if self.sts:
            first, second = (encode([pair[side] for pair in self.sts]) for side in ("s1", "s2"))
            cosines, truth = (first * second).sum(axis=1), np.array([pair["score"] for pair in self.sts])
            parts = [slice(None), *(slice(i, None, SPLITS) for i in range(SPLITS))]
            scores["sts"] = [spearman(cosines[part], truth[part]) for part in parts]
        return scores

    @staticmethod
    def _embed(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> np.ndarray:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return embed(model, tokenizer, texts, prefix="query: ")


def spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Rank correlation."""
    return float(spearmanr(first, second).statistic)


def main() -> None:
    """Measure what is not in the results yet; print the table."""
    parser = head.parser(__doc__, "data", "models", language=head.MUST_BE_GIVEN)
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--scratch", type=Path, default=Path("build/step_zero"))
    arguments = head.parse(parser)
    if not (arguments.data / arguments.language / "heldout.txt").exists():
        sys.exit(f"no data: there is no {arguments.data / arguments.language / 'heldout.txt'}; give --data")
    name = f"step_zero_{arguments.language}"
    file = head.FOLDER / f"{name}.json"
    found = json.loads(file.read_text())["recipes"] if file.exists() else {}
    case = Case(arguments.data, arguments.models, arguments.language, arguments.scratch)
    for recipe in arguments.recipes:
        if recipe not in found:
            mixture = case.mixture(RECIPES[recipe])
            engine = RECIPES[recipe].vectors
            vectors, cost = case.vectors(engine) if engine else (None, 0.0)
            shares = provenance_shares(mixture, vectors.counts) if vectors else {}
            found[recipe] = {
                "provenance": {name: asdict(share) for name, share in shares.items()},
                "vectors_cpu_seconds": cost,
                "scores": case.score(mixture),
            }
            content = {"language": arguments.language, "seed": 42, "splits": SPLITS, "recipes": found}
            head.save(name, content)
            print(recipe, {k: round(v[0], 4) for k, v in found[recipe]["scores"].items()}, flush=True)
    print(pages.fill("methods.md", "step-zero", "\n\n".join(tables())))


def tables() -> list[str]:
    """A table for each language that has been measured."""
    texts = []
    for file in sorted(head.FOLDER.glob("step_zero_??.json")):
        content = json.loads(file.read_text())
        found = {recipe: content["recipes"][recipe] for recipe in RECIPES if recipe in content["recipes"]}
        columns = list(next(iter(found.values()))["scores"])
        rows = [
            [
                recipe,
                *(f"{line['scores'][c][0]:.3f} ± {np.std(line['scores'][c][1:]):.3f}" for c in columns),
                f"{line['vectors_cpu_seconds']:.0f}" if line["vectors_cpu_seconds"] > 0 else "–",
            ]
            for recipe, line in found.items()
        ]
        texts.append(pages.table([content["language"], *columns, "vectors, cpu s"], rows))
    return texts


if __name__ == "__main__":
    main()
