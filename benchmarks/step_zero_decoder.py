"""Bits per byte of gemma-3-270m with a German vocabulary before any training: methods compared.

    python -m benchmarks.step_zero_decoder --data ../shared/data --models models --scratch build/decoder

A run of `specialize` (kept in the scratch folder) trains a vocabulary of 50,048 tokens and fastText's vectors
on the corpus; each recipe then fills the table anew. Scored are the first 60 held-out lines of at least 200
characters, each on its own, with whole lines as samples of a bootstrap: the spread is the deviation of the
text's bits per byte over 1,000 draws. Saved recipe by recipe in `results/step_zero_decoder.json`, and in
docs/methods.md.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from benchmarks import head, pages
from benchmarks.step_zero import MEAN, Recipe, mix
from monoglot.evaluation.bits_per_byte import LanguageScore, score_language
from monoglot.model.folder import load_model
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.model.transplant import transplant
from monoglot.pipeline.specialize import specialize
from monoglot.progress import Terminal
from monoglot.settings import Settings
from monoglot.tokenization.encoding import TokenizedCorpus
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.engine import TokenVectors
from monoglot.vectors.registry import get_engine

NAME = "step_zero_decoder"
LINES, LEAST_CHARACTERS, DRAWS = 60, 200, 1_000
RECIPES = {
    "random": Recipe("random"),
    "subword, mean": Recipe("subword", None, MEAN),
    "subword, by length": Recipe("subword"),
    "deepfocus": Recipe("focus-reference", "fasttext"),
    "focus, cooccurrence": Recipe("focus", "cooccurrence"),
    "blend .5 mean, fasttext": Recipe("blend", "fasttext", {"second_options": MEAN}),
    "blend (default)": Recipe("blend", "cooccurrence"),
    "blend (default), norms .4": Recipe("blend", "cooccurrence", {}, 0.4),
}


class Case:
    """The source model, the target vocabulary, and what is known of them."""

    def __init__(self, source: Path, corpus: Path, run: Path, scratch: Path) -> None:
        if not run.exists():
            specialize(
                source,
                corpus,
                run,
                Settings(mode="replace", method="focus", vectors="fasttext"),
                progress=Terminal(),
            )
        self.scratch, self.run = scratch, run / "monoglot"
        self.model, self.original = load_model(source), load_tokenizer(source)
        self.tokenizer = load_tokenizer(run)

    def vectors(self, engine: str) -> TokenVectors:
        """Vectors of an engine, trained on the run's tokens; those of fastText are the run's."""
        if engine == "fasttext":
            return TokenVectors.load(self.run / "vectors" / "vectors.safetensors")
        file = self.scratch / f"{engine}.safetensors"
        if not file.exists():
            tokens = TokenizedCorpus.open(self.run / "tokens")
            get_engine(engine).train(tokens, Vocabulary.of(self.tokenizer), seed=42).save(file)
        return TokenVectors.load(file)

    def score(self, recipe: Recipe, lines: list[str]) -> LanguageScore:
        """Initialize, and score."""
        vectors = self.vectors(recipe.vectors) if recipe.vectors else None
        mixture = mix(recipe, self.model, self.original, self.tokenizer, vectors)
        model = transplant(self.model, mixture, self.tokenizer, source_tokenizer=self.original)
        return score_language(model, self.tokenizer, lines, progress=Terminal())


def figures(score: LanguageScore, line_bytes: np.ndarray) -> dict[str, float]:
    """Bits per byte, and its deviation over draws of the lines."""
    draws = np.random.default_rng(42).integers(0, len(line_bytes), (DRAWS, len(line_bytes)))
    drawn = score.line_bits[draws].sum(axis=1) / line_bytes[draws].sum(axis=1)
    return {"bits_per_byte": score.bits_per_byte, "deviation": float(drawn.std()), "tokens": score.tokens}


def main() -> None:
    """Score what is not in the results yet; print the table."""
    parser = head.parser(__doc__, "data", "models", language="de")
    parser.add_argument("--scratch", type=Path, default=Path("build/decoder"))
    parser.add_argument(
        "--run", type=Path, help="a run of specialize with fastText's vectors, if there is one"
    )
    arguments = head.parse(parser)
    folder, source = arguments.data / arguments.language, arguments.models / "gemma-270m"
    if absent := [path for path in (folder / "heldout.txt", source) if not path.exists()]:
        sys.exit(f"there is no {absent[0]}: say where models and data are with --models and --data")
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    case = Case(
        source, folder / "corpus.txt.gz", arguments.run or arguments.scratch / "run", arguments.scratch
    )
    text = (folder / "heldout.txt").read_text(encoding="utf-8").split("\n")
    lines = [line for line in text if len(line) >= LEAST_CHARACTERS][:LINES]
    line_bytes = np.array([len(line.encode()) for line in lines])
    file = head.FOLDER / f"{NAME}.json"
    found = json.loads(file.read_text())["recipes"] if file.exists() else {}
    for name in ("original", *RECIPES):
        if name in found:
            continue
        score = (
            score_language(case.model, case.original, lines, progress=Terminal())
            if name == "original"
            else case.score(RECIPES[name], lines)
        )
        found[name] = figures(score, line_bytes)
        print(f"{name:<36}{found[name]['bits_per_byte']:.3f}", flush=True)
        head.save(
            NAME, {"language": arguments.language, "lines": LINES, "bytes": int(line_bytes.sum()),
                   "seed": 42, "recipes": found}
        )  # fmt: skip
    rows = [[name, f"{one['bits_per_byte']:.3f} ± {one['deviation']:.3f}"] for name, one in found.items()]
    print(pages.fill("methods.md", "step-zero-decoder", pages.table(["", "bits per byte"], rows)))


if __name__ == "__main__":
    main()
