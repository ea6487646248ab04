"""Position tables that start after the pad token's id, as in RoBERTa: how they move with a new pad id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import PreTrainedModel

from monoglot.errors import ModelError

LENGTH_FIELD = "max_position_embeddings"


@dataclass(frozen=True)
class PositionShift:
    """By how many rows position tables move because the pad token's id changes.

    RoBERTa gives the k-th token of a text, counted from 0, the position ``pad_token_id + 1 + k``: with
    another pad id, the same token would read another row.

    Attributes:
        names: Names of the position tables; none if positions don't depend on the pad id, or it stays.
        old_pad: The pad id of the source.
        new_pad: The pad id of the target.
    """

    names: tuple[str, ...] = ()
    old_pad: int = 0
    new_pad: int = 0

    @property
    def rows(self) -> int:
        """Number of rows by which the tables move; negative toward the start."""
        return self.new_pad - self.old_pad

    def apply(self, table: Float[Tensor, "positions dim"]) -> Float[Tensor, "shifted_positions dim"]:
        """Move a table so that each position reads the row it read before; earlier rows are never read."""
        if self.rows <= 0:
            return table[-self.rows :].clone()
        return torch.cat([table.new_zeros(self.rows, table.shape[1]), table])

    def check(self, after: PreTrainedModel) -> None:
        """Check that the model's class counts positions from the new pad id when it is built again.

        Args:
            after: The structure that the new configuration gives.

        Raises:
            ModelError: If it counts from an id that is a constant of the class.
        """
        for name in self.names:
            if _owner(after, name).padding_idx != self.new_pad:
                raise _immovable(after, name, self.old_pad, self.new_pad)


def position_shift(
    model: PreTrainedModel, vocabulary_names: Iterable[str], old_pad: int | None, new_pad: int | None
) -> PositionShift:
    """Find the position tables that depend on the pad token's id, and by how many rows they move.

    Args:
        model: The source model.
        vocabulary_names: Names of its vocabulary-sized tables.
        old_pad: The model's ``pad_token_id``.
        new_pad: The id of the target tokenizer's pad token.

    Raises:
        ModelError: If the tables can't be moved as needed.
    """
    names = coupled_tables(model, frozenset(vocabulary_names))
    if not names or old_pad == new_pad:
        return PositionShift()
    if old_pad is None or new_pad is None:
        raise _immovable(model, names[0], old_pad, new_pad)
    length: int = getattr(model.config, LENGTH_FIELD, 0)
    for name in names:
        owner = _owner(model, name)
        if not isinstance(owner, nn.Embedding) or owner.num_embeddings != length or new_pad > length:
            raise _immovable(model, name, old_pad, new_pad)
    return PositionShift(names, old_pad, new_pad)


def _owner(model: PreTrainedModel, name: str) -> nn.Module:
    return model.get_submodule(name.rpartition(".")[0])


def _immovable(model: PreTrainedModel, name: str, old_pad: int | None, new_pad: int | None) -> ModelError:
    wanted = "a target tokenizer without pad token" if new_pad is None else f"the id {new_pad}"
    return ModelError(
        f"Positions in {name} of {type(model).__name__} are counted from the pad token's id {old_pad} "
        f"and can't be moved to {wanted}: give the pad token the id {old_pad} in the target tokenizer."
    )


def coupled_tables(model: PreTrainedModel, vocabulary_names: frozenset[str]) -> tuple[str, ...]:
    """Find the tables in modules with a ``padding_idx`` that are not token embeddings."""
    return tuple(
        f"{path}.{name}"
        for path, module in model.named_modules()
        if getattr(module, "padding_idx", None) is not None
        for name, tensor in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
        if tensor.ndim == 2 and tensor.is_floating_point() and f"{path}.{name}" not in vocabulary_names
    )


def resized_default(buffer: Tensor, like: Tensor) -> Tensor | None:
    """Make a buffer whose content is a default, ``0, 1, 2 …`` or ``0, 0, 0 …``, in another length.

    Args:
        buffer: The source model's buffer.
        like: A tensor of the wanted shape, without values.

    Returns:
        The new buffer; ``None`` if the old one holds neither default.
    """
    counting = torch.arange(max(buffer.shape[-1], like.shape[-1]), dtype=buffer.dtype, device=buffer.device)
    for default in (counting, torch.zeros_like(counting)):
        if torch.equal(buffer, default[: buffer.shape[-1]].expand(buffer.shape)):
            return default[: like.shape[-1]].expand(like.shape).clone()
    return None
