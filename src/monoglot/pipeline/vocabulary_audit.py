"""`audit`: which tokens of a model does no text become, and which have no trained row?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from monoglot.keywords import explains_keywords
from monoglot.model.find import find_folder
from monoglot.model.source import Source, open_source
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.progress import Progress, reporter
from monoglot.result import MOST_HIGHLIGHTS, Highlight, Result, Row
from monoglot.tokenization.reachability import UNREACHED, Reach, reachability
from monoglot.tokenization.vocabulary import Vocabulary

CONFIGURATION = "config.json"


@dataclass(frozen=True)
class AuditedToken:
    """A token that something is wrong with.

    Attributes:
        id: Its id.
        text: As the vocabulary writes it.
        fault: What is wrong.
    """

    id: int
    text: str
    fault: str


@dataclass(frozen=True, repr=False)
class VocabularyAudit(Result):
    """A vocabulary, token by token.

    Attributes:
        tokens: How many it has.
        named: Special and added tokens, which are not tried.
        byte_tokens: Tokens that stand for bytes, which are not tried.
        resegmented: Tokens whose own text the tokenizer's model always segments otherwise.
        changed: Tokens whose characters the normalizer changes or the pre-tokenizer splits.
        untrained: Tokens without a trained row: there is none, it is zero, or another token has the same;
            ``None`` where only a tokenizer was given.
        empty_rows: Rows of the embeddings that no token has; ``None`` where only a tokenizer was given.
        faults: All tokens that are out of reach or untrained, by id.
    """

    tokens: int
    named: int
    byte_tokens: int
    resegmented: int
    changed: int
    untrained: int | None
    empty_rows: int | None
    faults: tuple[AuditedToken, ...]

    def highlights(self) -> Iterator[Highlight]:
        """Give how many tokens have which fault, and the first of them."""
        yield "tokens", f"{self.tokens:,}"
        yield "never produced", f"{self.resegmented:,} segmented otherwise, {self.changed:,} changed before"
        if self.untrained is not None:
            yield "untrained", f"{self.untrained:,} tokens; {self.empty_rows or 0:,} rows without a token"
        for token in self.faults[:MOST_HIGHLIGHTS]:
            yield token.text, token.fault
        if len(self.faults) > MOST_HIGHLIGHTS:
            yield "", f"and {len(self.faults) - MOST_HIGHLIGHTS:,} more"

    def rows(self) -> list[Row]:
        """Give a row for each token that something is wrong with."""
        return [asdict(token) for token in self.faults]


@explains_keywords()
def audit(
    model: str | Path, *, trust_remote_code: bool = False, progress: Progress | bool = False
) -> VocabularyAudit:
    """Find the tokens of a model, or of a tokenizer alone, that no text becomes or whose row is not trained.

    Args:
        model: Folder or hub name of a model or a tokenizer.
        trust_remote_code: Whether code that comes with the model may run.
        progress: Whether to show how far it is, or where.

    Raises:
        InputError: If there is no such model.
    """
    progress, folder = reporter(progress), find_folder(str(model))
    source = None
    if (folder / CONFIGURATION).is_file():
        source = open_source(str(model), trust_remote_code=trust_remote_code)
    tokenizer = source.tokenizer if source else load_tokenizer(folder)
    vocabulary = source.vocabulary if source else Vocabulary.of(tokenizer)
    found = reachability(tokenizer, vocabulary, progress)
    faults = [
        AuditedToken(token.id, token.text, str(reach)) for reach in UNREACHED for token in found.of(reach)
    ]
    untrained, empty = _rows(source, vocabulary) if source else (None, None)
    faults += untrained or ()
    return VocabularyAudit(
        tokens=len(vocabulary.tokens),
        named=len(found.of(Reach.NAMED)),
        byte_tokens=len(found.of(Reach.BYTE)),
        resegmented=len(found.of(Reach.RESEGMENTED)),
        changed=len(found.of(Reach.CHANGED)),
        untrained=None if untrained is None else len(untrained),
        empty_rows=empty,
        faults=tuple(sorted(faults, key=lambda token: token.id)),
    )


def _rows(source: Source, vocabulary: Vocabulary) -> tuple[list[AuditedToken], int]:
    """The tokens without a trained row, and how many rows have no token."""
    trained = source.trained
    untrained = [
        AuditedToken(token.id, token.text, "row not trained")
        for token in vocabulary.tokens
        if not trained[token.id]
    ]
    with_row = sum(token.id < source.checkpoint.tables.rows for token in vocabulary.tokens)
    return untrained, source.checkpoint.tables.rows - with_row
