"""Summary, scores and warnings of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from textwrap import shorten
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from jaxtyping import Int64
from safetensors import safe_open

from monoglot.evaluation.quality import Quality
from monoglot.maths.mixture import Mixture, Provenance
from monoglot.model.side_files import transformer_folder
from monoglot.model.stored_tensors import weight_files
from monoglot.reporting.verdict import Answer, answers
from monoglot.reporting.wording import counted
from monoglot.result import Highlight, Result, Row


@dataclass(frozen=True)
class Share:
    """The tokens of one provenance.

    Attributes:
        tokens: Their number.
        vocabulary_share: Their share of the vocabulary.
        corpus_share: Their share of the running text.
    """

    tokens: int
    vocabulary_share: float
    corpus_share: float


NO_TOKENS = Share(0, 0.0, 0.0)


@dataclass(frozen=True)
class Scores:
    """The content of ``scores.json``: size and fit before and after, and where the target rows come from.

    Attributes:
        parameters: Parameters of source and target model.
        vocabulary: Tokens of source and target.
        tokenizers: Scores of both tokenizers on held-out text (see ``TokenizerScores``).
        provenance: How many target tokens have which provenance.
        warnings: Reasons to doubt the new embeddings, a sentence each.
    """

    parameters: tuple[int, int]
    vocabulary: tuple[int, int]
    tokenizers: tuple[Mapping[str, float], Mapping[str, float]]
    provenance: Mapping[str, Share]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "parameters": list(self.parameters),
            "vocabulary": list(self.vocabulary),
            "tokenizers": list(self.tokenizers),
            "provenance": {name: asdict(share) for name, share in self.provenance.items()},
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` gave."""
        shares = {name: Share(**share) for name, share in content["provenance"].items()}
        pairs = {name: tuple(content[name]) for name in ("parameters", "vocabulary", "tokenizers")}
        return cls(**pairs, provenance=shares, warnings=tuple(content["warnings"]))


@dataclass(frozen=True)
class ModelFigures:
    """Size of a model, and how its tokenizer fits the held-out text.

    Attributes:
        parameters: Its parameters.
        vocabulary: Tokens of its vocabulary.
        tokenizer: Scores of its tokenizer (see ``TokenizerScores``).
    """

    parameters: int
    vocabulary: int
    tokenizer: Mapping[str, float]

    @property
    def tokens_per_word(self) -> float:
        """Tokens per word of held-out text."""
        return self.tokenizer["fertility"]

    @property
    def bytes_per_token(self) -> float:
        """Bytes per token of held-out text."""
        return self.tokenizer["bytes_per_token"]

    @property
    def unknown_share(self) -> float:
        """Share of held-out text that is lost as unknown tokens."""
        return self.tokenizer["unknown_share"]


COMPARED = ("parameters", "vocabulary", "tokens_per_word", "bytes_per_token", "unknown_share")
"""What `Summary.rows` has of both models."""


@dataclass(frozen=True, repr=False)
class Summary(Result):
    """Result of `specialize`.

    Attributes:
        output: The folder of the new model.
        method: The initialization method.
        before: Figures of the source model.
        after: Figures of the new model.
        provenance: Where the target rows come from.
        warnings: What makes the new embeddings doubtful, a sentence each.
        proof: Of a trimmed model: lines compared, lines segmented alike, largest difference of outputs.
        kept: What was kept beside what the corpus asks for, in a sentence; empty if nothing was.
        next_command: The command that trains the new rows; empty where there are none, or they were trained.
        seconds: Seconds of each stage, when it was computed.
        peak_memory_bytes: The most memory that a stage needed.
        quality: The new model beside its original on held-out lines.
    """

    output: str
    method: str
    before: ModelFigures
    after: ModelFigures
    provenance: Mapping[str, Share]
    warnings: Sequence[str]
    proof: Mapping[str, Any] | None
    kept: str
    seconds: Mapping[str, float]
    peak_memory_bytes: int
    next_command: str = ""
    quality: Quality | None = None

    @property
    def verdict(self) -> tuple[Answer, ...]:
        """Size, tokens per word and quality, before and after."""
        both = (self.before, self.after)
        return tuple(
            answers(
                (both[0].parameters, both[1].parameters),
                (both[0].tokens_per_word, both[1].tokens_per_word),
                self.quality,
                trained="adapted" in self.seconds,
            )
        )

    @property
    def new_share(self) -> float:
        """Share of the corpus' tokens whose rows are new."""
        return sum(share.corpus_share for name, share in self.provenance.items() if name != "copied")

    def highlights(self) -> Iterator[Highlight]:
        """Give the folder, size, tokens per word, quality, warnings and the next command."""
        yield "model", self.output
        for answer in self.verdict:
            yield answer.name, answer.line
        for warning in self.warnings:
            yield "warning", warning
        if self.next_command:
            yield "next", self.next_command

    def rows(self) -> list[Row]:
        """Give size and fit of both models, a figure in each row."""
        return [
            {"figure": name, "before": getattr(self.before, name), "after": getattr(self.after, name)}
            for name in COMPARED
        ]


def provenance_shares(mixture: Mixture, counts: Int64[np.ndarray, " target"]) -> dict[str, Share]:
    """Count target tokens by provenance, also weighted by how often the corpus uses them.

    Args:
        mixture: Where the rows come from.
        counts: Occurrences of each target id in the corpus.
    """
    shares = {}
    for provenance in Provenance:
        ids = mixture.where(provenance)
        if len(ids):
            occurrences = float(counts[ids].sum()) / max(1, int(counts.sum()))
            shares[provenance.name.lower()] = Share(len(ids), len(ids) / mixture.n_target, occurrences)
    return shares


def count_parameters(folder: Path) -> int:
    """Count the parameters stored in a folder, tied ones once, from the headers of its files."""
    total = 0
    for path in weight_files(transformer_folder(folder)):
        with safe_open(path, framework="numpy") as file:
            slices = (file.get_slice(name) for name in file.offset_keys())
            # Integers are buffers such as position ids.
            total += sum(int(np.prod(s.get_shape())) for s in slices if "F" in s.get_dtype())
    return total


PLACE_EVERY_TOKEN = ("cooccurrence", "characters")


SMALL_OVERLAP, LOW_AGREEMENT, MUCH_WEAK, MUCH_UNKNOWN = 0.3, 0.7, 0.1, 0.01


def diagnose(
    provenance: Mapping[str, Share],
    anchors: Mapping[str, Any] | None,
    unknown_share: float = 0.0,
    settings: Mapping[str, Any] = MappingProxyType({}),
) -> Iterator[str]:
    """Give a warning for each reason to doubt the new embeddings.

    What they lead to is what the FOCUS paper reports of poor starts: slow convergence, runs that differ much
    by seed, a good loss but poor tasks.

    Args:
        provenance: How much of the vocabulary and the text has which provenance.
        anchors: An ``AnchorReport`` as plain values, if the method mixed anchors.
        unknown_share: Share of the text's bytes that the new tokenizer turns into its unknown token.
        settings: Those of the run; nothing is advised that it does already.
    """
    if unknown_share > MUCH_UNKNOWN:
        yield (
            f"{unknown_share:.1%} of the held-out text is lost as unknown tokens: the vocabulary lacks its "
            "characters, or the tokenizer gives up on long words; give a text with all characters of the "
            "language, or split words by spaces"
        )
    copied = provenance["copied"].corpus_share if "copied" in provenance else 0.0
    if copied < SMALL_OVERLAP:
        yield (
            f"only {copied:.0%} of the running text is in tokens that the source knows: expect slow "
            "convergence; train longer"
            + (
                ""
                if settings.get("mode") == "extend"
                else ", or keep more of the vocabulary with --mode extend"
            )
        )
    if anchors and anchors["agreement"] < LOW_AGREEMENT:
        yield (
            "the auxiliary vectors and the source embeddings agree little about which tokens are similar "
            f"({anchors['agreement']:.2f}; 0.5 is chance): mixtures may mislead; give more text, or "
            "compare with --method subword"
        )
    weak = sum(
        share.corpus_share for name, share in provenance.items() if name in ("noise", "mean", "script")
    )
    if weak > MUCH_WEAK:
        yield (
            f"{weak:.0%} of the running text is in tokens initialized without evidence: results will vary "
            "from seed to seed; "
            + (
                "give more text, so that its tokens occur more often"
                if settings.get("vectors") in PLACE_EVERY_TOKEN
                else "use --vectors cooccurrence or characters, which give every token a vector"
            )
        )


MOST_SHOWN, LONGEST_SHOWN = 3, 60


REASONS = {
    "structure": "the model or its tokenizer needs",
    "requested": "prompts, templates or options name",
    "text": "the text uses",
    "script": "belong to a script that is kept entirely",
    "language": "the text does not use but that look like its language",
    "part": "are parts of other kept tokens",
}
"""What completes "so many that …", by the names of `monoglot.tokenization.kept_reasons.Reason`."""


def reason_words(reasons: Mapping[str, int]) -> str:
    """Say in one sentence why tokens of the source were kept; empty where nothing was recorded."""
    if not reasons:
        return ""
    parts = [f"{n:,} that {REASONS[name]}" for name, n in reasons.items()]
    return f"Kept from the source: {sum(reasons.values()):,} tokens, {', '.join(parts)}."


def kept_words(kept: dict[str, Any]) -> str:
    """Describe what was retained and why; empty if nothing is known."""
    return " ".join(
        sentence for sentence in (reason_words(kept.get("reasons", {})), _texts(kept)) if sentence
    )


def _texts(kept: dict[str, Any]) -> str:
    """Describe in one sentence what was retained whatever the corpus; empty if nothing was."""
    texts, named = kept["texts"], kept["named"]
    if kept["taken"] or not (texts or named):
        return ""
    parts = []
    if texts:
        parts.append(f"{counted(len(texts), 'text')} that the model receives ({_shown(texts)})")
    if named:
        parts.append(f"{len(named):,} tokens or texts of --keep-tokens")
    changed = (
        f" {len(kept['changed']):,} texts are segmented into different tokens." if kept["changed"] else ""
    )
    return f"Kept: the {kept['tokens']:,} tokens of {' and of '.join(parts)}.{changed}"


def kept_warnings(kept: dict[str, Any]) -> tuple[str, ...]:
    """Give a warning for each text or template that the new tokenizer can't handle as the source does."""
    changed = set(kept["changed"])
    warnings = tuple(kept["lost_templates"])
    if kept["taken"] and changed:
        texts = [text for text in kept["texts"] if text["text"] in changed]
        texts += [{"text": text, "origin": "--keep-tokens"} for text in kept["named"] if text in changed]
        total = len(kept["texts"]) + len(kept["named"])
        warnings += (
            f"--target-tokenizer segments {len(texts):,} of the {total:,} texts that the model receives "
            f"differently from the source ({_shown(texts)})",
        )
    return warnings


def _shown(texts: list[dict[str, str]]) -> str:
    """The first few texts and their origins."""
    origins = list(dict.fromkeys(text["origin"] for text in texts))
    shown = ", ".join(shorten(repr(text["text"]), LONGEST_SHOWN) for text in texts[:MOST_SHOWN])
    more = f" and {len(texts) - MOST_SHOWN:,} more" if len(texts) > MOST_SHOWN else ""
    places = f" and {len(origins) - 2} more places" if len(origins) > 2 else ""
    return f"{shown}{more}; from {', '.join(origins[:2])}{places}"
