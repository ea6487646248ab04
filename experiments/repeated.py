"""Does an experiment give the same figures again?

    git clone REPOSITORY fresh && cd fresh
    rm experiments/anchors_swahili/small.json    # what a result has is not measured again
    python -m experiments.anchors_swahili.run --data ../shared/data --models models
    python -m experiments.repeated experiments/anchors_swahili/small.json --into REPOSITORY

Compares each result file with the one of the last commit, figure by figure: equal, within the spread that the
committed one states (the standard deviation over draws or seeds), or beyond it. A figure without a spread
counts as within it only if it is equal. Times and figures of single lines are not compared. Writes
`experiments/results/repeated.json` into the repository that `--into` names.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from benchmarks import head

OUTPUT = Path("experiments/results")
NOT_FIGURES = ("seconds", "seed")
"""Parts of the names of numbers that are no result."""
ROUNDING = 1e-9


@dataclass(frozen=True)
class Figure:
    """A figure of a result.

    Attributes:
        value: The figure; the mean, if there is one for each seed or draw.
        spread: The standard deviation over seeds or draws; 0 if there are none.
    """

    value: float
    spread: float = 0.0


@dataclass(frozen=True)
class Difference:
    """A figure that came out otherwise.

    Attributes:
        name: Its place in the result.
        before: The committed figure.
        after: The new one.
        spread: The spread that the committed result states.
    """

    name: str
    before: float
    after: float
    spread: float

    @property
    def is_within(self) -> bool:
        """Whether the difference is no larger than the spread."""
        return abs(self.after - self.before) <= self.spread


def figures(content: Any, name: str = "") -> Iterator[tuple[str, Figure]]:
    """Give the figures of the rows of a result, with their places.

    Args:
        content: A part of the result.
        name: Its place.
    """
    if any(part in name.rpartition("/")[2] for part in NOT_FIGURES):
        return
    if isinstance(content, Mapping):
        for key, part in content.items():
            yield from figures(part, f"{name}/{key}" if name else str(key))
    elif isinstance(content, list) and content and all(_is_number(one) for one in content):
        yield name, Figure(fmean(content), stdev(content) if len(content) > 1 else 0.0)
    elif _is_number(content):
        yield name, Figure(float(content))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Compare two results of an experiment.

    Args:
        before: The committed result.
        after: The new one.

    Returns:
        How many figures there are, how many are equal, how many of the others are within the spread, which
        are beyond it, and the rows that only one of the two has.
    """
    old, new = dict(figures(before["rows"])), dict(figures(after["rows"]))
    differences = [
        Difference(name, old[name].value, new[name].value, old[name].spread)
        for name in old.keys() & new.keys()
        if abs(old[name].value - new[name].value) > ROUNDING * max(1.0, abs(old[name].value))
    ]
    beyond = sorted((one for one in differences if not one.is_within), key=lambda one: one.name)
    return {
        "command": after["command"],
        "commits": [before["commit"], after["commit"]],
        "figures": len(old.keys() & new.keys()),
        "equal": len(old.keys() & new.keys()) - len(differences),
        "within_spread": len(differences) - len(beyond),
        "beyond": [asdict(one) for one in beyond],
        "not_repeated": sorted(before["rows"].keys() ^ after["rows"].keys()),
    }


def check_repeated(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Refuse a result that is the committed one: a comparison with itself shows nothing.

    Raises:
        SystemExit: If it is.
    """
    if all(before.get(part) == after.get(part) for part in ("commit", "date", "command", "rows")):
        raise SystemExit(f"{name} is as it was committed: remove it and run its experiment again")


def committed(file: Path) -> dict[str, Any]:
    """The result that the last commit has."""
    shown = subprocess.run(["git", "show", f"HEAD:{file}"], capture_output=True, text=True, check=True)
    content: dict[str, Any] = json.loads(shown.stdout)
    return content


def main() -> None:
    """Compare result files with the committed ones and save what came out."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("files", nargs="+", type=Path, help="result files, relative to the repository")
    made.add_argument("--into", type=Path, default=head.ROOT, help="repository to write the result into")
    arguments = made.parse_args()
    folder = arguments.into / OUTPUT
    known = folder / "repeated.json"
    rows = json.loads(known.read_text(encoding="utf-8"))["rows"] if known.exists() else {}
    for file in arguments.files:
        before, after = committed(file), json.loads(file.read_text(encoding="utf-8"))
        check_repeated(str(file), before, after)
        rows[str(file)] = compare(before, after)
        print(file, {name: value for name, value in rows[str(file)].items() if name != "command"})
    head.save("repeated", {"rows": rows}, folder)


if __name__ == "__main__":
    main()
