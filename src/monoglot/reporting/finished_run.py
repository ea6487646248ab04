"""The one reader of a run folder: each artifact is read when it is first asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from jaxtyping import Float, Int64, UInt8
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from monoglot.errors import InputError, ModelError, OutputError
from monoglot.evaluation.quality import Quality
from monoglot.maths.mixture import Mixture
from monoglot.model.checkpoint import Checkpoint
from monoglot.model.side_files import transformer_folder
from monoglot.model.source import Source, open_recorded, open_source
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.reporting.summary import Scores
from monoglot.reporting.wording import readable
from monoglot.run import file_hash, read_json, recorded_name
from monoglot.run.layout import LAYOUT
from monoglot.run.output import check_finished
from monoglot.tokenization.encoding import TokenizedCorpus
from monoglot.tokenization.overlap import Overlap
from monoglot.tokenization.parts import Parts
from monoglot.tokenization.vocabulary import Vocabulary, backend_of
from monoglot.vectors.engine import TokenVectors


class FinishedRun:
    """The artifacts of an output folder; where `adapt` made it, also those of the run that made its model.

    Attributes:
        output: The output folder.
        place: Where that folder is, or will be when it has been published.
        trust_remote_code: Whether code that comes with the models may run.
        folders: The folders with artifacts, that of the last run first.
    """

    def __init__(self, output: Path, place: Path | None = None, *, trust_remote_code: bool = False) -> None:
        self.trust_remote_code = trust_remote_code
        self.output, self.place = output, place or output
        self.folders = [output / LAYOUT.home]
        check_finished(output)
        earlier = self.model_name
        if earlier is not None and _same_tokenizer(Path(earlier).expanduser(), output):
            self.folders.append(Path(earlier).expanduser() / LAYOUT.home)

    def find(self, name: PurePath | str) -> Path | None:
        """Give the path of an artifact such as ``LAYOUT.mixture``, if a run made it."""
        return next((home / name for home in self.folders if (home / name).exists()), None)

    def read(self, name: PurePath | str) -> Any:
        """The content of a JSON artifact; an empty dictionary if there is none."""
        path = self.find(name)
        return read_json(path) if path else {}

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The manifest of the last run."""
        content: dict[str, Any] = read_json(self.folders[0] / LAYOUT.manifest)
        return content

    @cached_property
    def model_name(self) -> str | None:
        """The model that `adapt` trained, as it is found from here; ``None`` if another command was run."""
        return _recorded(self.manifest, "model", self.folders[0])

    @cached_property
    def _origin(self) -> tuple[dict[str, Any], Path]:
        """The manifest of the run that changed the vocabulary, and its folder."""
        manifests = ((read_json(home / LAYOUT.manifest), home) for home in self.folders)
        return next((found for found in manifests if "mixture" in found[0]["stages"]), ({}, self.folders[0]))

    @property
    def origin(self) -> dict[str, Any]:
        """The manifest of the run that changed the vocabulary; empty if none did."""
        return self._origin[0]

    @cached_property
    def source_name(self) -> str | None:
        """The source model of that run, as it is found from here; ``None`` if it is not recorded."""
        return _recorded(self.origin, "source", self._origin[1])

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """The settings of the run that changed the vocabulary; empty if none did."""
        found: Mapping[str, Any] = self.origin.get("settings", {}).get("Settings", {})
        return found

    @cached_property
    def scores(self) -> Scores | None:
        """Size and fit before and after; ``None`` if no run changed the vocabulary."""
        content = self.read(LAYOUT.scores)
        return Scores.from_dict(content) if content else None

    @cached_property
    def quality(self) -> Quality | None:
        """The model beside its original; ``None`` if that was not measured when the last run ended."""
        path = self.folders[0] / LAYOUT.quality
        return Quality.from_dict(read_json(path)) if path.is_file() else None

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """The target tokenizer."""
        return load_tokenizer(self.output)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The target vocabulary."""
        return Vocabulary.of(self.tokenizer)

    @cached_property
    def embeddings(self) -> Float[Tensor, "rows dim"]:
        """The embeddings of the output, mapped from their file."""
        checkpoint = Checkpoint.open(self.output, trust_remote_code=self.trust_remote_code)
        return checkpoint.read(checkpoint.tables.input.names[0])

    @cached_property
    def mixture(self) -> Mixture | None:
        """Where the target rows come from."""
        path = self.find(LAYOUT.mixture)
        return Mixture.load(path) if path else None

    @cached_property
    def overlap(self) -> Overlap | None:
        """Which tokens both vocabularies have."""
        path = self.find(LAYOUT.overlap)
        return Overlap.load(path) if path else None

    @cached_property
    def reasons(self) -> UInt8[np.ndarray, " kept"]:
        """Why each of the first target tokens was kept (`Reason`); empty where that was not recorded."""
        path = self.find(LAYOUT.reasons)
        return np.load(path) if path else np.zeros(0, np.uint8)

    @cached_property
    def savings(self) -> dict[str, tuple[int, int]]:
        """Of each new token of a graft: how often the text has it, and how many tokens it saves."""
        new = self.read(LAYOUT.new_tokens).get("new", ())
        return {token["text"]: (token["count"], token["saved_tokens"]) for token in new}

    @cached_property
    def vectors(self) -> TokenVectors | None:
        """The auxiliary vectors, if they are kept; in mode ``extend`` they are of another vocabulary."""
        path = self.find(LAYOUT.vectors)
        return TokenVectors.load(path) if path and self.settings.get("mode") != "extend" else None

    @cached_property
    def counts(self) -> Int64[np.ndarray, " target"]:
        """How often the corpus has each target id; zeros if its tokens were not kept."""
        # A graft counts source tokens to choose from; the corpus in its own tokens is what counts afterwards.
        files = (LAYOUT.ids, LAYOUT.usage) if self.find(LAYOUT.new_tokens) else (LAYOUT.usage, LAYOUT.ids)
        counted = self.find(files[0]) or self.find(files[1])
        tokenizer = self.find(LAYOUT.tokenizer)
        if counted is None:
            return np.zeros(self.vocabulary.size, np.int64)
        return token_counts(counted.parent, tokenizer or self.output, self.vocabulary.size)

    @cached_property
    def heldout(self) -> list[str]:
        """The held-out lines."""
        path = self.find(LAYOUT.heldout)
        return path.read_text(encoding="utf-8").split("\n")[:-1] if path else []

    @cached_property
    def metrics(self) -> Sequence[Mapping[str, float]]:
        """What was measured during training; nothing without one."""
        path = self.folders[0] / LAYOUT.metrics
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        return [json.loads(line) for line in lines]

    @property
    def is_comparison(self) -> bool:
        """Whether `compare` made it, so that there is no model."""
        return "CompareSettings" in self.manifest.get("settings", {})

    def check_model(self) -> None:
        """Refuse an output without a model.

        Raises:
            OutputError: If `compare` made it.
        """
        if self.is_comparison:
            raise OutputError(
                f"{self.place} is a comparison and holds no model: give the folder that specialize or adapt "
                "wrote."
            )

    @cached_property
    def comparison(self) -> dict[str, Any]:
        """What `compare` found, if its file has been put beside the model; empty if not."""
        path = self.output / LAYOUT.comparison
        return read_json(path) if path.is_file() else {}

    @property
    def evaluation(self) -> dict[str, Any]:
        """Quality and speed beside those of the source; empty if nobody asked for them."""
        path = self.folders[0] / LAYOUT.evaluation
        return read_json(path) if path.is_file() else {}

    @property
    def training(self) -> dict[str, Any]:
        """Steps and tokens of the training; empty without one."""
        path = self.folders[0] / LAYOUT.training
        return read_json(path) if path.is_file() else {}


def _same_tokenizer(folder: Path, output: Path) -> bool:
    """Whether a folder is a run's output with the same tokenizer, so that what is known of it holds."""
    if not (folder / LAYOUT.home / LAYOUT.manifest).is_file():
        return False
    files = [transformer_folder(each) / "tokenizer.json" for each in (folder, output)]
    return all(file.is_file() for file in files) and file_hash(files[0]) == file_hash(files[1])


@dataclass(frozen=True)
class FoundSource:
    """A source model, or the reason why there is none.

    Attributes:
        model: The model, if it was found.
        reason: Why not; empty if it was.
    """

    model: Source | None
    reason: str = ""


def _recorded(manifest: Mapping[str, Any], role: str, home: Path) -> str | None:
    """The name that a manifest gives a model, as it is found from here."""
    name = manifest.get("names", {}).get(role)
    return None if name is None else recorded_name(home, name)


def find_source(run: FinishedRun, name: str | None = None) -> FoundSource:
    """Open the source model of a run.

    Args:
        run: What the run left behind.
        name: Folder or hub name, if it is elsewhere than it was.

    Raises:
        ModelError: If the user named a model, and it can't be used or is not the one.
    """
    recorded = run.source_name
    if name is None and recorded is None:
        return FoundSource(None, "the run has not recorded its name; give it with --source")
    try:
        opened = open_recorded if name is None else open_source
        source = opened(name or str(recorded), trust_remote_code=run.trust_remote_code)
        _ = source.embeddings  # what can't be read is noticed here
        _check_same(run, source)
        return FoundSource(source)
    except InputError as error:
        if name is not None:
            raise
        return FoundSource(None, f"{error}; if it is elsewhere, say so with --source")


def compared_with(run: FinishedRun, found: FoundSource, given: str | Source | None) -> Source:
    """Open the model to compare with: the source, or the trained model if the vocabulary did not change.

    Raises:
        ModelError: If it is not available.
    """
    if found.model is not None:
        return found.model
    recorded = run.model_name
    if run.mixture is not None or not (isinstance(given, str) or recorded):
        raise ModelError(f"there is no source model to measure against ({found.reason})")
    if isinstance(given, str):
        return open_source(given, trust_remote_code=run.trust_remote_code)
    return open_recorded(str(recorded), trust_remote_code=run.trust_remote_code)


def token_namer(source: Source | None) -> Callable[[int], str]:
    """Give the function that writes source ids for people; numbers if the source is not available."""
    if source is None:
        return "#{}".format
    backend = backend_of(source.tokenizer)
    byte_level = Parts.of(backend).has("ByteLevel")

    def shown(id: int) -> str:
        text = backend.id_to_token(id)
        return f"#{id}" if text is None else readable(text, byte_level=byte_level)

    return shown


def _check_same(run: FinishedRun, source: Source) -> None:
    expected = run.origin["stages"]["overlap"]["inputs"]["source"]
    if source.tokenizer_key != expected:
        raise ModelError(
            f"the tokenizer of '{source.name}' is not the one that {run.place} was made from: give "
            "the model that specialize was given"
        )


def token_counts(counted: Path, tokenizer: Path, size: int) -> Int64[np.ndarray, " target"]:
    """Count how often the corpus uses each target token.

    Args:
        counted: Folder of stage ``tokens``, or of ``usage``, which counts source tokens.
        tokenizer: Folder of the target tokenizer, which in the latter case keeps some of these.
        size: Number of target ids.
    """
    if (counted / LAYOUT.usage.name).exists():
        used: np.ndarray = np.load(counted / LAYOUT.usage.name).sum(axis=0)
        kept: np.ndarray = np.load(tokenizer / LAYOUT.source_ids.name)
        return np.asarray(used[kept])
    return TokenizedCorpus.open(counted).counts(size)
