"""What a reader of the output needs to know to make it again, and what making it cost."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version

from monoglot.run.content import Json, canonical
from monoglot.run.stage import Record

PACKAGES = (
    "monoglot",
    "torch",
    "transformers",
    "tokenizers",
    "sentencepiece",
    "fasttext-community",
    "datasets",
    "safetensors",
    "numpy",
)


def manifest(
    records: Iterable[Record],
    published: Iterable[str],
    settings: object,
    inputs: Mapping[str, str],
    seed: int,
    proof: Mapping[str, Json] | None = None,
    names: Mapping[str, Json] | None = None,
    kept: Mapping[str, Json] | None = None,
) -> dict[str, Json]:
    """Describe a run: the same for two runs of the same thing on the same machine.

    Args:
        records: The finished stages, in the order in which they were asked for.
        published: Names of the stages whose files lie at the root of the output.
        settings: The settings of the whole run.
        inputs: Content hash of each of the user's inputs.
        seed: The seed of the run.
        proof: What shows that the output does what it is said to do, if the run has proved it.
        names: What the user called each input.
        kept: What was kept beside what the corpus asks for, and why, if anything was.

    Returns:
        The content of ``manifest.json``.

    Raises:
        TypeError: If the settings hold something without a canonical form, such as a path.
    """
    parts = {"proof": proof, "kept": kept}
    shown = {name: dict(part) for name, part in parts.items() if part is not None}
    return {
        "settings": canonical(settings),
        "inputs": dict(inputs),
        "names": dict(names or {}),
        "seed": seed,
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
        "platform": platform.platform(),
        "published": list(published),
        **shown,
        "stages": {record.recipe.stage: record.to_json() for record in records},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
