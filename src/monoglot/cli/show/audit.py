"""What is wrong with a vocabulary?"""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import shorten
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table

from monoglot.visible import escape

if TYPE_CHECKING:  # takes a second to import, which no other command should wait for
    from monoglot.pipeline.vocabulary_audit import VocabularyAudit

EXAMPLES_WIDTH = 45
MOST_EXAMPLES = 8
"""Tokens shown of each kind; all are in the JSON."""


def audit_tables(audit: VocabularyAudit) -> Iterator[RenderableType]:
    """Show an audit."""
    yield (
        f"{audit.tokens:,} tokens, {audit.resegmented + audit.changed:,} that no text is segmented into "
        f"({audit.named:,} special or added tokens and {audit.byte_tokens:,} bytes were not tried)"
    )
    kinds = dict.fromkeys(token.fault for token in audit.faults)
    if kinds:
        table = Table(box=None, pad_edge=False)
        table.add_column("", min_width=max(map(len, kinds)))
        table.add_column("tokens", justify="right")
        table.add_column("for instance", no_wrap=True, overflow="ellipsis")
        for kind in kinds:
            texts = [token.text for token in audit.faults if token.fault == kind]
            table.add_row(
                kind,
                f"{len(texts):,}",
                escape(shorten("  ".join(texts[:MOST_EXAMPLES]), EXAMPLES_WIDTH, placeholder=" …")),
            )
        yield table
    if audit.empty_rows is None:
        yield "This is a tokenizer without a model, so rows were not checked."
    elif audit.empty_rows:
        yield f"{audit.empty_rows:,} rows of the embeddings have no token."
