"""How often the rules of the overlap audit agree with labels given by hand.

    python -m benchmarks.audit_agreement --data ../shared/data --models /root/models

200 tokens that XLM-R and the FOCUS authors' German Unigram tokenizer share (`labels/overlap_de.tsv`). Counts
come from the German corpus and the English text of the data folder. Writes `results/audit_agreement.json`
and the agreement in `docs/matching.md`.
"""

from __future__ import annotations

import csv
import gzip
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks import head, known_tokenizers, pages
from monoglot.tokenization.audit import Breakdown, audit
from monoglot.tokenization.encoding import encode_corpus
from monoglot.tokenization.kinds import Evidence, Kind, TextCounts, count_inner_words, kinds_of
from monoglot.tokenization.overlap import match
from monoglot.tokenization.scripts import script_of
from monoglot.tokenization.vocabulary import Vocabulary

LABELS = Path(__file__).parent / "labels" / "overlap_de.tsv"
KINDS = [kind for kind in Kind if kind is not Kind.SPECIAL]
Pairs = list[tuple[str, str]]
"""Label and answer of each token."""


def main() -> None:
    """Audit the overlap and compare the kinds with the labels."""
    parser = head.parser(__doc__, "data", "models")
    arguments = head.parse(parser)
    folders = known_tokenizers.folders(arguments.data, arguments.models)
    texts = {language: arguments.data / language / "corpus.txt.gz" for language in ("de", "en")}
    needed = [folders["XLM-R"] / "tokenizer.json", folders["de Unigram"] / "tokenizer.json", *texts.values()]
    absent = [str(path) for path in needed if not path.exists()]
    if absent:
        print(f"these files are absent: {', '.join(absent)}", file=sys.stderr)
        sys.exit(2)
    tokenizer = known_tokenizers.load(folders["de Unigram"])
    source, target = Vocabulary.of(known_tokenizers.load(folders["XLM-R"])), Vocabulary.of(tokenizer)
    evidence = Evidence(*(read(tokenizer, path, target.size) for path in texts.values()))
    answers = dict(zip((token.text for token in target.tokens), kinds_of(target, evidence), strict=True))
    with LABELS.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    pairs = [(row["kind"], answers[row["token"]].value) for row in rows]
    latin = [pair for pair, row in zip(pairs, rows, strict=True) if script_of(row["token"]) == "Latin"]
    content = {
        "all": agreement(pairs),
        "latin": agreement(latin),
        "disagreements": [
            [row["token"], row["kind"], answers[row["token"]].value]
            for row in rows
            if row["kind"] != answers[row["token"]]
        ],
        "audit": audit(match(source, target), source, target, evidence).to_dict(),
    }
    head.save("audit_agreement", content)
    breakdown = audit(match(source, target), source, target, evidence).matched
    print(pages.fill("matching.md", "agreement", page(content, pairs, latin, breakdown)))


def read(tokenizer: Any, path: Path, size: int) -> TextCounts:
    """Count the tokens and words of a text."""
    with gzip.open(path, "rt", encoding="utf-8") as text:
        lines = text.read().splitlines()
    with tempfile.TemporaryDirectory() as folder:
        tokens = encode_corpus(tokenizer, lines, Path(folder), threads=2).counts(size).copy()
    return TextCounts(tokens, count_inner_words(lines))


def agreement(pairs: Pairs) -> dict[str, float]:
    """Share of equal answers, and Cohen's kappa, which takes off what chance would give."""
    n = len(pairs)
    observed = sum(label == answer for label, answer in pairs) / n
    labels, answers = (Counter(pair[side] for pair in pairs) for side in (0, 1))
    expected = sum(labels[kind] * answers[kind] for kind in KINDS) / n**2
    return {"tokens": n, "agreement": observed, "kappa": (observed - expected) / (1 - expected)}


def page(content: dict[str, Any], pairs: Pairs, latin: Pairs, breakdown: Breakdown) -> str:
    """Write the agreement, who took what for what, and the shares."""
    lines = [
        f"{name}: {figures['agreement']:.0%} of {figures['tokens']} tokens, kappa {figures['kappa']:.2f}.  "
        for name, figures in (("All", content["all"]), ("Latin script only", content["latin"]))
    ]
    seen = Counter(pairs)
    confusion = [[f"**{label}**", *(seen[label, answer] for answer in KINDS)] for label in KINDS]
    labeled = Counter(label for label, _ in pairs)
    shares = [
        [group.name, group.tokens, f"{group.share:.0%}", f"{labeled[group.name] / len(pairs):.0%}",
         f"{group.corpus_share or 0:.1%}", " ".join(f"`{example}`" for example in group.examples[:6])]
        for group in breakdown.by_kind
    ]  # fmt: skip
    return "\n\n".join(
        [
            "\n".join(lines),
            "Labels in rows, the rules' answers in columns:",
            pages.table(["", *KINDS], confusion),
            "The whole overlap by the rules (and the share in the labeled sample):",
            pages.table(
                ["kind", "tokens", "share", "in the sample", "share of the corpus", "examples"], shares
            ),
        ]
    )


if __name__ == "__main__":
    main()
