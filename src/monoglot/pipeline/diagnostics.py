"""Warnings about an initialisation: what looks wrong, what it leads to, what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from monoglot.pipeline.summary import Share

PLACE_EVERY_TOKEN = ("cooccurrence", "characters")
SMALL_OVERLAP, LOW_AGREEMENT, MUCH_WEAK, MUCH_UNKNOWN = 0.3, 0.7, 0.1, 0.01


def diagnose(
    provenance: Mapping[str, Share],
    anchors: Mapping[str, Any] | None,
    unknown_share: float = 0.0,
    settings: Mapping[str, Any] = MappingProxyType({}),
) -> Iterator[str]:
    """Give a sentence for each thing that makes the new embeddings doubtful.

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
            "the auxiliary vectors and the source embeddings agree little about which tokens are alike "
            f"({anchors['agreement']:.2f}; 0.5 is chance): mixtures may mislead; give more text, or "
            "compare with --method subword"
        )
    weak = sum(
        share.corpus_share for name, share in provenance.items() if name in ("noise", "mean", "script")
    )
    if weak > MUCH_WEAK:
        yield (
            f"{weak:.0%} of the running text is in tokens initialised without evidence: results will vary "
            "from seed to seed; "
            + (
                "give more text, so that its tokens occur more often"
                if settings.get("vectors") in PLACE_EVERY_TOKEN
                else "use --vectors cooccurrence or characters, which place every token"
            )
        )
