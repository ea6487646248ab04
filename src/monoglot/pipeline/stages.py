"""The stages of `specialize`: what each is made from, and what it writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from monoglot.corpus import Corpus, CorpusStatistics
from monoglot.evaluation.tokenizer import score_tokenizer
from monoglot.initialization.base import Initializer, Transfer, initialize
from monoglot.maths.mixture import Mixture
from monoglot.model.folder import load_tokenizer, save
from monoglot.model.trained import trained_rows
from monoglot.model.transplant import transplant
from monoglot.pipeline.settings import Settings
from monoglot.pipeline.source import Source, open_source
from monoglot.pipeline.summary import Share, Summary, count_parameters, provenance_shares
from monoglot.progress import Progress
from monoglot.run import Artifact, Run, atomic_write, read_json, write_json
from monoglot.tokenization.encoding import encode_corpus
from monoglot.tokenization.overlap import Overlap, match
from monoglot.tokenization.pieces import source_pieces
from monoglot.tokenization.tokenized_corpus import TokenizedCorpus
from monoglot.tokenization.train import TokenizerSettings, train_tokenizer
from monoglot.tokenization.vocabulary import Canonicalization, Vocabulary
from monoglot.vectors.base import Engine, TokenVectors


@dataclass(frozen=True)
class Walk:
    """One walk through the stages; each method makes one stage, or finds it made.

    Attributes:
        run: The run folder.
        source: The source model.
        corpus: The text.
        method: The initialisation method.
        engine: What makes the auxiliary vectors.
        settings: All settings.
        progress: Where to show how far the work is.
    """

    run: Run
    source: Source
    corpus: Corpus
    method: Initializer
    engine: Engine
    settings: Settings
    progress: Progress

    def survey(self) -> Artifact:
        """Count the corpus and set text aside: ``corpus.json``, ``heldout.txt``."""

        def compute(folder: Path) -> None:
            statistics = self.corpus.survey(self.progress)
            content = {"fingerprint": self.corpus.fingerprint(), "statistics": asdict(statistics)}
            write_json(folder / "corpus.json", content)
            with atomic_write(folder / "heldout.txt") as file:
                file.writelines(f"{line}\n" for line in self.corpus.heldout_lines())

        artifact = self._stage("corpus", compute, corpus=self.corpus.fingerprint())
        statistics = read_json(artifact.folder / "corpus.json")["statistics"]
        self.corpus.remember(CorpusStatistics(**statistics))
        return artifact

    def tokenizer(self, survey: Artifact) -> Artifact:
        """Train the target tokenizer, or take the user's: a tokenizer folder."""
        settings = TokenizerSettings(vocabulary_size=self.settings.vocabulary_size)
        given = self.settings.target_tokenizer

        def train(folder: Path) -> None:
            train_tokenizer(
                self.source.tokenizer, self.corpus.lines(), settings, progress=self.progress
            ).save_pretrained(folder)

        def take(folder: Path) -> None:
            load_tokenizer(Path(given or "")).save_pretrained(folder)

        if given is None:
            return self._stage("tokenizer", train, settings, text=survey, source=self.source.tokenizer_key)
        return self._stage("tokenizer", take, given=open_source(given).tokenizer_key)

    def overlap(self, tokenizer: Artifact) -> Artifact:
        """Find the tokens that both vocabularies have: ``overlap.safetensors``."""

        def compute(folder: Path) -> None:
            old, new = self._vocabularies(tokenizer)
            match(old, new, strategy=self.method.matching).save(folder / "overlap.safetensors")

        settings = {"matching": self.method.matching}
        return self._stage(
            "overlap", compute, settings, source=self.source.tokenizer_key, tokenizer=tokenizer
        )

    def tokens(self, survey: Artifact, tokenizer: Artifact) -> Artifact:
        """Cut the corpus into target tokens, once for all who need them: memory-mapped ids."""

        def compute(folder: Path) -> None:
            target = load_tokenizer(tokenizer.folder)
            total_lines = self.corpus.survey().lines
            encode_corpus(
                target,
                self.corpus.lines(),
                folder,
                threads=self.settings.n_threads,
                total_lines=total_lines,
                progress=self.progress,
            )

        return self._stage("tokens", compute, text=survey, tokenizer=tokenizer)

    def vectors(self, tokenizer: Artifact, tokens: Artifact) -> Artifact:
        """Train static vectors of the target tokens: ``vectors.safetensors``."""

        def compute(folder: Path) -> None:
            vocabulary = Vocabulary.of(load_tokenizer(tokenizer.folder))
            vectors = self.engine.train(
                TokenizedCorpus.open(tokens.folder),
                vocabulary,
                seed=self.settings.seed,
                threads=self.settings.n_threads,
                progress=self.progress,
            )
            vectors.save(folder / "vectors.safetensors")

        settings = {"engine": self.settings.vectors, "options": self.engine, "seed": self.settings.seed}
        return self._stage("vectors", compute, settings, tokens=tokens, tokenizer=tokenizer)

    def mixture(self, tokenizer: Artifact, overlap: Artifact, vectors: Artifact | None) -> Artifact:
        """Say what each target row is made of: ``mixture.safetensors``."""

        def compute(folder: Path) -> None:
            old, new = self._vocabularies(tokenizer)
            pairs = Overlap.load(overlap.folder / "overlap.safetensors")
            exact = Vocabulary.of(load_tokenizer(tokenizer.folder))
            transfer = Transfer(
                old,
                new,
                pairs,
                source_pieces(self.source.tokenizer, exact, pairs.missing),
                trained_rows(self.source.embeddings, old),
                TokenVectors.load(vectors.folder / "vectors.safetensors") if vectors else None,
                device="cuda" if torch.cuda.is_available() else "cpu",
            )
            mixture = initialize(transfer, self.method, seed=self.settings.seed, progress=self.progress)
            mixture.save(folder / "mixture.safetensors")

        settings = {"method": self.settings.method, "options": self.method, "seed": self.settings.seed}
        inputs = {"tokenizer": tokenizer, "overlap": overlap} | ({"vectors": vectors} if vectors else {})
        return self._stage("mixture", compute, settings, source=self.source.key, **inputs)

    def model(self, tokenizer: Artifact, mixture: Artifact) -> Artifact:
        """Carry the model over to the new vocabulary: the files of a Hugging Face folder."""

        def compute(folder: Path) -> None:
            target = load_tokenizer(tokenizer.folder)
            rows = Mixture.load(mixture.folder / "mixture.safetensors")
            model = transplant(self.source.model, rows, target, source_tokenizer=self.source.tokenizer)
            save(model, target, self.source.folder, folder)

        return self._stage("model", compute, source=self.source.key, tokenizer=tokenizer, mixture=mixture)

    def scores(
        self, survey: Artifact, tokenizer: Artifact, tokens: Artifact, mixture: Artifact, model: Artifact
    ) -> Artifact:
        """Compare before and after: ``scores.json``."""

        def compute(folder: Path) -> None:
            target = load_tokenizer(tokenizer.folder)
            heldout = (survey.folder / "heldout.txt").read_text(encoding="utf-8").split("\n")[:-1]
            rows = Mixture.load(mixture.folder / "mixture.safetensors")
            counts = TokenizedCorpus.open(tokens.folder).counts(rows.n_target)
            both = (self.source.tokenizer, target)
            scores = {
                "parameters": [count_parameters(self.source.folder), count_parameters(model.folder)],
                "vocabulary": [len(tokenizer) for tokenizer in both],
                "tokenizers": [score_tokenizer(tokenizer, heldout).as_dict() for tokenizer in both],
                "provenance": {
                    name: asdict(share) for name, share in provenance_shares(rows, counts).items()
                },
            }
            write_json(folder / "scores.json", scores)

        inputs = {
            "text": survey,
            "tokenizer": tokenizer,
            "tokens": tokens,
            "mixture": mixture,
            "model": model,
        }
        return self._stage("scores", compute, source=self.source.key, **inputs)

    def summary(self, scores: Artifact) -> Summary:
        """The run in figures, once it is published."""
        figures = read_json(self.run.output / "monoglot" / scores.name / "scores.json")
        figures |= {name: tuple(figures[name]) for name in ("parameters", "vocabulary", "tokenizers")}
        figures["provenance"] = {name: Share(**share) for name, share in figures["provenance"].items()}
        costs = {
            name: artifact.measured for name, artifact in self.run.artifacts.items() if artifact.measured
        }
        return Summary(
            output=str(self.run.output),
            method=self.settings.method,
            seconds={name: cost.seconds for name, cost in costs.items()},
            peak_memory_bytes=max((cost.peak_memory_bytes for cost in costs.values()), default=0),
            **figures,
        )

    def _stage(
        self, name: str, compute: Callable[[Path], None], settings: object = None, **inputs: Artifact | str
    ) -> Artifact:
        """Compute or reuse a stage; its inputs are earlier stages, or hashes of what the user gave."""
        keys = {key: value.key if isinstance(value, Artifact) else value for key, value in inputs.items()}
        with self.progress.task(name):
            artifact = self.run.stage(name, compute, settings=settings, inputs=keys)
        cost = (
            "done before"
            if artifact.reused
            else f"{artifact.measured.seconds:.1f} s"
            if artifact.measured
            else ""
        )
        self.progress.note(f"{name:<10} {cost:>12}")
        return artifact

    def _vocabularies(self, tokenizer: Artifact) -> tuple[Vocabulary, Vocabulary]:
        """Source and target vocabulary, spelled as the method wants them compared."""
        canonicalization: Canonicalization = "reference" if self.method.matching == "reference" else "exact"
        target = load_tokenizer(tokenizer.folder)
        return (
            Vocabulary.of(self.source.tokenizer, canonicalization=canonicalization),
            Vocabulary.of(target, canonicalization=canonicalization),
        )
