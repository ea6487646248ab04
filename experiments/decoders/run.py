"""Which vocabulary, and which initialization of a new one, gives a decoder the fewest bits per byte?

    python -m experiments.decoders.run --data ../shared/data --models models --language sw

gemma-3-270m keeps its vocabulary, or gets one from the first megabytes of a corpus: trim, a graft of 2,000
new tokens, replacement. The replacement is also initialized by other methods and in other auxiliary spaces,
and, as a trial, with an output head of its own, which is no longer tied: embeddings are those of the default,
a row of the head is that of the token's first piece, or the mean of its pieces. Bits per byte of held-out
lines before training, and after `clm` with the recipe of `benchmarks.decoder`. Trim is trained on the budget,
each other one on as many tokens as cost as many operations.

Small: 6 MB, 90 lines, 50,000 tokens, and only original, trim, graft and the default replacement are trained;
paper: the whole corpus, 300 lines, 5 million tokens, and all trained whose head is tied. A run that was
stopped resumes. The result is `<scale>_<language>.json`; what is made is in ``--work``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import stdev
from typing import Any

import numpy as np

from benchmarks import head, pages
from benchmarks.decoder_graft import slug
from experiments.decoder import REPLACE, Decoder, rates
from experiments.experiment import Dot, Results, budget, cell, gap, parser, picture
from experiments.spaces import BYTES, CONTEXTUAL, READ_TOKENS
from monoglot.run import read_json

HERE = Path(__file__).parent
TOKENS = {"small": 50_000, "paper": 5_000_000}
VOCABULARIES = ("original", "trim", "graft +2,000", REPLACE)


@dataclass(frozen=True)
class Start:
    """How a replacement is initialized.

    Attributes:
        method: The method.
        space: Its auxiliary vectors, one of `experiments.spaces.SPACES`.
        options: Its options.
        head: How pieces are weighted in an output head of its own; by default the head is tied.
    """

    method: str
    space: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    head: str | None = None


FASTTEXT = "fastText, 300 dimensions"
STARTS = {
    "replace, focus": Start("focus", "cooccurrence"),
    "replace, focus, contextual states": Start("focus", CONTEXTUAL),
    "replace, focus, fastText": Start("focus", FASTTEXT),
    "replace, blend, contextual states": Start("blend", CONTEXTUAL),
    "replace, omp, k = 8": Start("omp", "cooccurrence", {"k": 8}),
    "replace, subword": Start("subword"),
    "replace, subword, equal weights": Start("subword", options={"weighting": "mean"}),
    "replace, random": Start("random"),
    "replace, own head of first pieces": Start("blend", "cooccurrence", head="first"),
    "replace, own head of all pieces": Start("blend", "cooccurrence", head="length"),
}
"""All but the default, which is `blend` with cooccurrence vectors."""
TRAINED = {
    "small": VOCABULARIES,
    "paper": (*VOCABULARIES, *(name for name, start in STARTS.items() if start.head is None)),
}


@dataclass(frozen=True)
class Trainings(Decoder):
    """The models of one language, each made once, and scores before and after training.

    Attributes:
        read_tokens: How much text the source reads for its contextual states.
    """

    read_tokens: int = READ_TOKENS["small"]

    def started(self, start: Start) -> Any:
        """The model of a replacement."""
        vectors = self.spaces.named(start.space, self.read_tokens, self.seed) if start.space else None
        mixture = self.mixture(start.method, start.options, vectors)
        own = self.mixture("subword", {"weighting": start.head}, None) if start.head else None
        return self.changed(mixture, own)

    def made(self, name: str) -> Path:
        """The folder of a vocabulary or of an initialization, which is made unless it is there."""
        if name not in STARTS:
            return super().made(name)
        output = self.model(name)
        if not output.exists():
            unfinished = output.with_name(f"{output.name}.unfinished")
            self.started(STARTS[name]).save_pretrained(unfinished)
            self.tokenizer.save_pretrained(unfinished)
            unfinished.rename(output)
        return output

    def before(self, name: str) -> dict[str, Any]:
        """Scores without training; a replacement that is not trained is not written."""
        if name in STARTS and not self.model(name).exists():
            return self.row_of(self.started(STARTS[name]))
        return self.untrained_row(name)

    def after(self, name: str, tokens: int) -> dict[str, Any]:
        """Scores after a training with as many operations as trim has on so many tokens."""
        self.train(name, tokens)
        output = self.folder / f"{slug(name)}-{tokens}"
        training = read_json(self.folder / f"{output.name}.training.json")
        line_bits = np.array(read_json(self.folder / f"{output.name}.json")["line_bits"])
        return {
            "after": rates(line_bits, self.line_bytes), "trained_tokens": training["tokens"],
            "device": training["device"], "cpu_seconds_per_step": training["cpu_seconds_per_step"],
        }  # fmt: skip


def against(rows: Mapping[str, Any], name: str, reference: str, key: str) -> str:
    """By how much a row is above another, if both were measured."""
    both = [rows.get(one, {}).get(key) for one in (name, reference)]
    return gap(both[0], both[1], 3) if all(both) and name != reference else "–"


def shown(content: Mapping[str, Any]) -> str:
    """A line for each vocabulary and initialization."""
    rows, lines = content["rows"], []
    for name, row in rows.items():
        saved = 1 - row["tokens"] / rows["original"]["tokens"]
        lines.append([
            name, f"{row['vocabulary']:,}", f"{row['parameters'] / 1e6:.1f}M",
            f"{saved:.1%}".replace("-", "−").replace("−0.0%", "0.0%"), cell(row["bits_per_byte"], 3),
            against(rows, name, REPLACE, "bits_per_byte"),
            f"{row['trained_tokens']:,}" if "after" in row else "–",
            cell(row["after"], 3) if "after" in row else "–", against(rows, name, "trim", "after"),
        ])  # fmt: skip
    heads = ["", "vocabulary", "parameters", "tokens saved", "bits per byte, untrained", "against replace",
             "trained on tokens", "bits per byte, trained", "against trim"]  # fmt: skip
    return pages.table(heads, lines) + f"\n\n{budget(content)}."


def chart(rows: Mapping[str, Any]) -> str:
    """The picture: bits per byte before and after training."""
    dots = []
    for name, row in rows.items():
        for key, label in (("bits_per_byte", name), ("after", f"{name}, trained")):
            if key in row:
                dots.append(Dot(label, row[key][0], stdev(row[key][1:])))
    return picture("Bits per byte (less is better); ± is the deviation over three draws of lines", dots)


def measure(case: Trainings, results: Results, about: Mapping[str, Any], trained: tuple[str, ...]) -> None:
    """Make, train and score what is not in the result yet."""

    def row(name: str) -> dict[str, Any]:
        after = case.after(name, about["tokens"]) if name in trained else {}
        return case.before(name) | after

    results.measure(about, (*VOCABULARIES, *STARTS), row)


def main() -> None:
    """Measure one language; write table and picture."""
    arguments = head.parse(parser(__doc__, "data", "models", language=head.MUST_BE_GIVEN))
    scale = arguments.scale
    results = Results(HERE, f"{scale}_{arguments.language}")
    case = Trainings.of(arguments, BYTES[scale], read_tokens=READ_TOKENS[scale])
    about = {
        "question": "which vocabulary and initialization gives a decoder the fewest bits per byte?",
        "language": arguments.language, "corpus_bytes": case.corpus_bytes, "lines": case.n_lines,
        "tokens": TOKENS[scale], "read_tokens": case.read_tokens, "seed": arguments.seed,
    }  # fmt: skip
    if not arguments.table:
        measure(case, results, about, TRAINED[scale])
    results.conclude(shown, chart)


if __name__ == "__main__":
    main()
