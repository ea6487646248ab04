"""Datasets of the Hugging Face hub, streamed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from monoglot.errors import CorpusError, first_line
from monoglot.offline import offline_switch
from monoglot.progress import Advance

BATCH_ROWS = 1000


@dataclass(frozen=True)
class HubDataset:
    """One split of a hub dataset, fixed to the revision that was current when it was opened.

    Attributes:
        path: The dataset's name on the hub, ``owner/name``.
        config: Which of its configurations, if it has several.
        split: Which of its splits.
        column: The column that holds the text.
        revision: The commit that is read.
    """

    path: str
    config: str | None
    split: str
    column: str
    revision: str

    @classmethod
    def open(cls, given: str, column: str) -> HubDataset:
        """Look a dataset up on the hub.

        Args:
            given: ``owner/name``, ``owner/name:config`` or ``owner/name:config:split``.
            column: The column that holds the text.

        Raises:
            CorpusError: No such dataset, or no connection to the hub.
        """
        from huggingface_hub import HfApi

        path, config, split = (*given.split(":"), "", "")[:3]
        try:
            revision = HfApi().dataset_info(path).sha
        except Exception as error:  # the hub's client raises a dozen unrelated kinds
            raise _unreachable(given, error) from None
        return cls(path, config or None, split or "train", column, str(revision))

    @property
    def name(self) -> str:
        """The dataset as the user would name it in full."""
        return ":".join(part for part in (self.path, self.config or "", self.split) if part)

    @property
    def size_bytes(self) -> None:
        """Unknown: a stream has no length."""
        return None

    def texts(self, advance: Advance) -> Iterator[str]:
        """Stream the texts.

        Raises:
            CorpusError: No such configuration, split or column, or the connection broke.
        """
        import pyarrow as pa

        rows = iter(self._stream().with_format("arrow").iter(batch_size=BATCH_ROWS))
        while True:
            try:
                table: Any = next(rows, None)
            except Exception as error:  # whatever the connection or one of many file formats raises
                raise _unreachable(self.name, error) from None
            if table is None:
                return
            if self.column not in table.column_names:
                columns = ", ".join(f"'{name}'" for name in table.column_names)
                raise CorpusError(
                    f"the dataset {self.name} has no column '{self.column}'; it has {columns}: name the one "
                    "that holds the text with --column."
                )
            column = table[self.column]
            if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
                raise CorpusError(
                    f"the column '{self.column}' of {self.name} holds {column.type}; expected text: name the "
                    "column that holds it with --column."
                )
            for text in column.to_pylist():
                yield text or ""

    def fingerprint(self) -> str:
        """The dataset, its revision and the column."""
        return f"{self.name}@{self.revision}#{self.column}"

    def _stream(self) -> Any:
        import datasets

        try:
            return datasets.load_dataset(
                self.path, self.config, split=self.split, revision=self.revision, streaming=True
            )
        except Exception as error:  # ValueError, ConnectionError, DatasetNotFoundError, …
            raise _unreachable(self.name, error) from None


def _unreachable(given: str, error: Exception) -> CorpusError:
    from huggingface_hub.errors import OfflineModeIsEnabled

    if isinstance(error, OfflineModeIsEnabled) and (switch := offline_switch()):
        return CorpusError(
            f"'{given}' is not a file here, and {switch} keeps monoglot from looking for it on the Hugging "
            f"Face hub: unset {switch}, or give a file."
        )
    reason = first_line(error)
    return CorpusError(
        f"'{given}' is not a file here, and can't be read as a Hugging Face hub dataset either ({reason})."
    )
