"""How many tokens of one tokenizer exist in another: monoglot's exact matching beside the reference's.

    python -m benchmarks.matching --data ../shared/data --models /root/models

Reads published tokenizers of every family; writes `results/matching.json` and the tables of
`docs/matching.md`. The reference is our own canonicalisation after `deepfocus` 1.0.1 (strategy `reference`).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import head, known_tokenizers, pages
from monoglot.tokenization.overlap import MatchKind, Overlap, collisions, match
from monoglot.tokenization.vocabulary import Role, Vocabulary

Row = dict[str, Any]
EXAMPLES = 8


def main() -> None:
    """Match every source with every target, and write what came of it."""
    parser = head.parser(__doc__, "data", "models")
    arguments = head.parse(parser)
    folders = known_tokenizers.folders(arguments.data, arguments.models)
    absent = [str(folder) for folder in folders.values() if not (folder / "tokenizer.json").exists()]
    if absent:
        print(f"these tokenizers are absent: {', '.join(absent)}", file=sys.stderr)
        sys.exit(2)
    exact, reference, seconds = read(folders)
    rows = list(compare(exact, reference))
    head.save("matching", {"read_cpu_seconds": seconds, "rows": rows})
    print(pages.fill("matching.md", "matching", page(rows, seconds)))


def read(folders: dict[str, Path]) -> tuple[dict[str, Vocabulary], dict[str, Vocabulary], dict[str, float]]:
    """Read each tokenizer in both canonicalisations, and time the exact one."""
    exact, reference, seconds = {}, {}, {}
    for name, folder in folders.items():
        tokenizer = known_tokenizers.load(folder)
        if name == known_tokenizers.LLAMA_STYLE:
            tokenizer = known_tokenizers.as_llama(tokenizer)
        start = time.process_time()
        exact[name] = Vocabulary.of(tokenizer)
        seconds[name] = round(time.process_time() - start, 2)
        reference[name] = Vocabulary.of(tokenizer, canonicalization="reference")
        print(f"{name}: {len(exact[name]):,} tokens, {seconds[name]} s")
    return exact, reference, seconds


def compare(exact: dict[str, Vocabulary], reference: dict[str, Vocabulary]) -> Iterator[Row]:
    """Match each pair of tokenizers both ways."""
    for source in known_tokenizers.SOURCES:
        for target in exact:
            if source == target:
                continue
            start = time.process_time()
            ours = match(exact[source], exact[target])
            seconds = time.process_time() - start
            theirs = match(reference[source], reference[target], strategy="reference")
            yield {
                "source": source,
                "target": target,
                "tokens": len(exact[target]),
                "matched": len(ours),
                "ambiguous": ambiguous(ours, exact[source], exact[target]),
                "roles": [role_pairs(ours, exact[target]), len(named(exact[target]))],
                "bytes": ours.count(MatchKind.BYTE),
                "cpu_seconds": round(seconds, 2),
                "reference": len(theirs),
                "reference_ambiguous": ambiguous(theirs, reference[source], reference[target]),
                "reference_roles": role_pairs(theirs, exact[target]),
                **differences(ours, theirs, exact[source], exact[target]),
            }


def ambiguous(overlap: Overlap, source: Vocabulary, target: Vocabulary) -> int:
    """Count the pairs where several tokens of one vocabulary have the same form."""
    old = {token.id for group in collisions(source) for token in group}
    new = {token.id for group in collisions(target) for token in group}
    return sum(t in new or s in old for t, s in overlap.source_of.items())


def named(vocabulary: Vocabulary) -> list[int]:
    """The special tokens that serve more than control."""
    return [token.id for token in vocabulary.special if token.roles != {Role.CONTROL}]


def role_pairs(overlap: Overlap, target: Vocabulary) -> int:
    """Count the special tokens that found a partner."""
    return sum(id in overlap.source_of for id in named(target))


def differences(ours: Overlap, theirs: Overlap, source: Vocabulary, target: Vocabulary) -> Row:
    """Count and show the target tokens that one of the two leaves out, or that get another partner."""
    here, there = ours.source_of, theirs.source_of
    cases = {
        "only_exact": [t for t in here if t not in there],
        "only_reference": [t for t in there if t not in here],
        "other_partner": [t for t in here if t in there and here[t] != there[t]],
    }

    def example(target_id: int) -> list[str | None]:
        partners = [
            source.by_id[pairs[target_id]].text if target_id in pairs else None for pairs in (here, there)
        ]
        return [target.by_id[target_id].text, *partners]

    shown = {
        name: [example(id) for id in ids[:: max(1, len(ids) // EXAMPLES)][:EXAMPLES]]
        for name, ids in cases.items()
    }
    return {name: len(ids) for name, ids in cases.items()} | {"examples": shown}


def page(rows: list[Row], seconds: dict[str, float]) -> str:
    """Write the tables of the page."""
    head = (
        "target", "tokens", "matched", "ambiguous", "special", "by byte", "cpu s",
        "reference", "its ambiguous", "its special", "only exact", "only reference", "other partner",
    )  # fmt: skip
    tables = []
    for source in known_tokenizers.SOURCES:
        lines = [
            (
                *(row[name] for name in ("target", "tokens", "matched", "ambiguous")),
                f"{row['roles'][0]} of {row['roles'][1]}",
                *(row["bytes"], f"{row['cpu_seconds']:.2f}", row["reference"], row["reference_ambiguous"]),
                f"{row['reference_roles']} of {row['roles'][1]}",
                *(row[name] for name in ("only_exact", "only_reference", "other_partner")),
            )
            for row in rows
            if row["source"] == source
        ]
        tables.append(
            f"### Source: {source} (read in {seconds[source]:.1f} cpu s)\n\n{pages.table(head, lines)}"
        )
    return "\n\n".join(tables)


if __name__ == "__main__":
    main()
