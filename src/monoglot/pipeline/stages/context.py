"""What all stages of one run share, and how a stage is computed or found."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from monoglot.corpus import Corpus
from monoglot.initialization.initialize import Initializer
from monoglot.model.source import Source, open_source
from monoglot.pipeline.stages.retained import RetainedTexts, find_kept
from monoglot.progress import Progress
from monoglot.run import Artifact, Run
from monoglot.settings import RunSettings, Settings
from monoglot.tokenization.vocabulary import Canonicalization, Vocabulary
from monoglot.vectors.engine import Engine, ModelEngine


def return_memory() -> None:
    """Collect garbage, and have glibc return freed memory to the system.

    A tokenizer of 250,000 tokens is millions of small pieces of memory, which glibc keeps for later when
    they are freed; a stage that needs one large piece then pays for both. Where the C library is another
    one, this is a garbage collection and no more.
    """
    gc.collect()
    trim_heap()


def trim_heap() -> None:
    """Have glibc return freed memory, such as that of a tokenizer, to the system; takes up to 20 ms."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


VERSIONS = {"tokenizer": 7, "mixture": 5, "proof": 7, "adapted": 4, "probe": 3, "quality": 2, "comparison": 2}
"""Raised for a stage whose code comes to give something else for the same settings and inputs.

Of a stage for each seed, such as ``probe-42``, the name before the seed.
"""


def stage_version(name: str) -> int:
    """Give the version of a stage's code."""
    family, _, seed = name.rpartition("-")
    return VERSIONS.get(family if seed.isdigit() else name, 1)


@dataclass(frozen=True)
class RunContext:
    """What every stage of a run needs.

    Attributes:
        run: The run folder.
        source: The source model.
        corpus: The text.
        settings: Settings of the run.
        progress: Where to show how far the work is.
        branch: Prefix of the names of stages, for runs with several variants.
    """

    run: Run
    source: Source
    corpus: Corpus
    settings: RunSettings
    progress: Progress
    branch: str = ""

    def stage(
        self, name: str, compute: Callable[[Path], None], settings: object = None, **inputs: Artifact | str
    ) -> Artifact:
        """Compute a stage, or reuse the finished one.

        Args:
            name: Its name.
            compute: Writes its files into the folder it is given.
            settings: All settings that it depends on.
            inputs: Earlier stages, or content hashes of what the user gave.
        """
        version = stage_version(name)
        name = f"{self.branch}.{name}" if self.branch else name
        keys = {key: value.key if isinstance(value, Artifact) else value for key, value in inputs.items()}
        with self.progress.task(name):
            artifact = self.run.stage(name, compute, settings=settings, inputs=keys, version=version)
        trim_heap()
        seconds = f"{artifact.measured.seconds:.1f} s" if artifact.measured else ""
        self.progress.note(f"{name:<12} {'done before' if artifact.reused else seconds:>12}")
        return artifact


@dataclass(frozen=True)
class VocabularyContext(RunContext):
    """What the stages need that make a new vocabulary and its embeddings.

    Attributes:
        settings: Settings of the run.
        method: The initialization method.
        engine: The engine of auxiliary vectors.
    """

    settings: Settings
    method: Initializer = field(kw_only=True)
    engine: Engine = field(kw_only=True)
    _targets: dict[str, Source] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def kept(self) -> RetainedTexts:
        """Texts and tokens that are retained whatever the corpus."""
        settings = self.settings
        options = settings.adaptation[0].objective_options if settings.adaptation else {}
        prefix = str(options.get("prefix", ""))
        return find_kept(self.source, settings.keep_text, settings.keep_tokens, prefix=prefix)

    @cached_property
    def probed_model(self) -> Source | None:
        """Model that the engine of auxiliary vectors reads; ``None`` if the engine needs none.

        Raises:
            ModelError: If there is no such model.
        """
        if not isinstance(self.engine, ModelEngine):
            return None
        return (
            self.source
            if not self.engine.path
            else open_source(self.engine.path, trust_remote_code=self.settings.trust_remote_code)
        )

    def vocabularies(self, tokenizer: Artifact) -> tuple[Vocabulary, Vocabulary]:
        """Source and target vocabulary, in the form in which the method compares tokens."""
        canonicalization: Canonicalization = "reference" if self.method.matching == "reference" else "exact"
        both = self.source, self.target(tokenizer)
        if canonicalization == "exact":
            return both[0].vocabulary, both[1].vocabulary
        return (
            Vocabulary.of(both[0].tokenizer, canonicalization=canonicalization),
            Vocabulary.of(both[1].tokenizer, canonicalization=canonicalization),
        )

    def target(self, tokenizer: Artifact) -> Source:
        """What a stage that makes a tokenizer wrote, read once for all stages of the run."""
        if tokenizer.key not in self._targets:
            self._targets[tokenizer.key] = self.source.at(tokenizer.folder)
        return self._targets[tokenizer.key]

    def forget(self) -> None:
        """Free tokenizers, vocabularies and weights; they are loaded again when they are asked for."""
        self.source.forget()
        for target in self._targets.values():
            target.forget()
        return_memory()
