"""What a source model is like: its family, roles, tables, and what has to be watched when it is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from monoglot.model.positions import coupled_tables
from monoglot.model.source import Source
from monoglot.model.tables import TableKind, VocabularyTables, named_tensors, trained_rows


@dataclass(frozen=True)
class Inspection:
    """A source model.

    Attributes:
        architecture: Class of the model.
        family: Family of the tokenizer.
        roles: The token that serves each role.
        vocabulary: Tokens of the tokenizer.
        rows: Rows of the vocabulary-sized tables.
        parameters: Parameters, tied ones once.
        row_parameters: Parameters that one token more would add.
        tables: Each vocabulary-sized table, with its kind.
        hazards: What a careless change of the vocabulary would break.
    """

    architecture: str
    family: str
    roles: Mapping[str, str]
    vocabulary: int
    rows: int
    parameters: int
    row_parameters: int
    tables: Mapping[str, str]
    hazards: tuple[str, ...]

    def parameters_with(self, vocabulary: int) -> int:
        """Parameters of the model with another number of tokens."""
        return self.parameters + (vocabulary - self.rows) * self.row_parameters


def inspect(source: Source) -> Inspection:
    """Look at a model; nothing of it is changed.

    Raises:
        InputError: If the model or its tokenizer can't be used.
    """
    model, vocabulary, tables = source.checkpoint.structure, source.vocabulary, source.checkpoint.tables
    tensors = named_tensors(model)
    parameters = {id(parameter): parameter.numel() for parameter in model.parameters()}
    own = [table for table in tables.tables if id(tensors[table.names[0]]) in parameters]
    return Inspection(
        architecture=type(model).__name__,
        family=str(vocabulary.family),
        roles={str(role): token.text for role, token in vocabulary.by_role.items()},
        vocabulary=len(vocabulary),
        rows=tables.rows,
        parameters=sum(parameters.values()),
        row_parameters=sum(tensors[table.names[0]].numel() for table in own) // tables.rows,
        tables={" = ".join(table.names): str(table.kind) for table in tables.tables},
        hazards=tuple(_hazards(source, tables)),
    )


def _hazards(source: Source, tables: VocabularyTables) -> Iterator[str]:
    """What has to be watched; monoglot takes care of each."""
    model, vocabulary = source.checkpoint.structure, source.vocabulary
    if names := coupled_tables(model, frozenset(tables.axes)):
        yield f"positions are counted from the pad token's id ({', '.join(names)}): it must stay"
    if any(len(table.names) > 1 for table in tables.tables):
        yield "input embeddings and output head are one table, and have to stay one"
    if any(table.kind is TableKind.OUTPUT for table in tables.tables):
        yield "the output head is a table of its own, and needs rows of its own"
    if biases := [table.names[0] for table in tables.tables if table.kind is TableKind.BIAS]:
        yield f"each token has an output bias that has to move with it ({', '.join(biases)})"
    if tables.rows != vocabulary.size:
        yield f"the tables have {tables.rows:,} rows, the tokenizer has ids up to {vocabulary.size - 1:,}"
    untrained = int((~trained_rows(source.embeddings, vocabulary)).sum())
    if untrained:
        yield f"{untrained:,} rows were never trained, and must not shape new ones"
    if len(vocabulary) < vocabulary.size:
        gaps = vocabulary.size - len(np.unique(vocabulary.ids))
        yield f"{gaps:,} ids below the highest have no token"
