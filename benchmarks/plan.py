"""What it costs that `plan` measures vocabularies, and whether what it estimates is what would be measured.

    python -m benchmarks.plan --models models --data ../shared/data --language de OUT

Does what `monoglot plan` does with multilingual-e5-small and the first 12 MB of a language's corpus, in one
process: tries the vocabularies without measuring, then with, and then measures those too that it estimates.
"""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks import head
from benchmarks.graft import CORPUS_BYTES, first_bytes
from monoglot.corpus import open_corpus
from monoglot.model.source import open_source
from monoglot.pipeline.plan import inspect, sampled
from monoglot.pipeline.plan_options import Option, fit_law, try_options, with_estimates
from monoglot.pipeline.stages.retained import find_kept
from monoglot.pipeline.step_zero import StepZero
from monoglot.progress import SILENT


def main() -> None:
    """Read the command line, measure, save."""
    made = head.parser(__doc__, "data", "models", language="de")
    made.add_argument("output", type=Path, help="folder for the text; made if it is not there")
    made.add_argument("--model", default="e5-small", help="name of a folder of the models")
    arguments = head.parse(made, checked=False)
    arguments.output.mkdir(parents=True, exist_ok=True)
    text = first_bytes(
        arguments.data / arguments.language / "corpus.txt.gz",
        CORPUS_BYTES,
        arguments.output / f"{arguments.language}.txt",
    )
    source, corpus = open_source(str(arguments.models / arguments.model)), open_corpus([str(text)])
    inspection, keep = inspect(source), find_kept(source, (), None).of(source)
    sample, heldout = sampled(corpus, corpus.statistics().bytes), list(corpus.heldout_lines())
    source.model.eval()  # read before the clock starts

    def tried(*, measuring: bool, everything: bool = False) -> tuple[list[Option], float]:
        began = time.process_time()
        step_zero = StepZero(source, sample, heldout) if measuring else None
        options = try_options(
            source, inspection.parameters_with, keep, sample, heldout, step_zero, SILENT,
            everything=everything,
        )  # fmt: skip
        return list(options), time.process_time() - began

    _, plain_seconds = tried(measuring=False)
    measured, seconds = tried(measuring=True)
    law = fit_law(measured)
    estimated = with_estimates(measured, law, of_vectors=True)
    everything, _ = tried(measuring=True, everything=True)
    rows = {
        option.name: {
            "saved": 1 - option.relative_tokens,
            "new": option.new_share,
            "distance": option.distance,
            "margin": option.margin,
            "estimate": guess.estimate,
        }
        for option, guess in zip(everything, estimated, strict=True)
    }
    for name, row in rows.items():
        print(name, row)
    content = {
        "question": "what does measuring cost plan, and are its estimates right?",
        "model": arguments.model,
        "language": arguments.language,
        "cpu_seconds_without_measuring": plain_seconds,
        "cpu_seconds": seconds,
        "law": None if law is None else vars(law),
        "options": rows,
    }
    print(f"{plain_seconds:.1f} CPU seconds, {seconds:.1f} with measuring")
    print(head.save(f"plan_{arguments.model}_{arguments.language}", content))


if __name__ == "__main__":
    main()
