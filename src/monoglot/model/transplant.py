"""A model with another vocabulary: every table from one mixture, everything else unchanged.

`plan_transplant` works out what changes, and refuses what can't be done, before any table is touched. It
finds all tensors with a vocabulary dimension (`tables.find_tables`): input embeddings, output head and
**output bias**. `TransplantPlan.change` applies the same mixture to each of them, and that is the one
place where the output bias moves: it is a table with one number for each token. `transplant` does this in
memory, `checkpoint.transplant_checkpoint` file by file.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.errors import ModelError
from monoglot.maths.mixture import Mixture, Provenance
from monoglot.maths.sparse import SparseRows
from monoglot.model.positions import LENGTH_FIELD, PositionShift, position_shift, resized_default
from monoglot.model.stored_rows import StoredRows
from monoglot.model.tables import (
    VocabularyTables,
    build_on_meta,
    check_finite,
    find_tables,
    named_tensors,
    nested_configs,
    storage,
)
from monoglot.model.token_ids import Renumbering, renumber
from monoglot.tokenization.vocabulary import id_rows


@dataclass(frozen=True)
class TransplantPlan:
    """Everything that a change of vocabulary changes in a model.

    Attributes:
        tables: The tensors with a vocabulary dimension: embeddings, output head, output bias.
        mixture: The weights over source rows that make each new row.
        shift: By how many rows position tables move.
        new_settings: New configurations by the ``id`` of the objects they replace.
        before: The source model's structure, without weights.
        after: The new model's structure, without weights.
    """

    tables: VocabularyTables
    mixture: Mixture
    shift: PositionShift
    new_settings: dict[int, Any]
    before: PreTrainedModel
    after: PreTrainedModel

    def change(self, name: str, tensor: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Compute the new content of one tensor of the source model.

        Args:
            name: Its name in the model.
            tensor: Its content.

        Returns:
            The mixed table, the moved position table, or the tensor itself if it stays as it is.

        Raises:
            ModelError: If a table holds NaN or infinity.
        """
        if name in self.shift.names:
            return self.shift.apply(tensor.detach())
        axis = self.tables.axes.get(name)
        if axis is None:
            return tensor
        table = tensor.detach().movedim(axis, 0)
        check_finite(name, table)
        # Embeddings, output head, and here the output bias too: it is a table with one number for each token.
        new = self.mixture.apply(table, is_input=name in self.tables.input.names)
        return new.movedim(0, axis).contiguous()

    def only_copies(self, name: str) -> bool:
        """Whether a tensor is a table of which every new row is a copy, as when a vocabulary is trimmed."""
        is_table = self.tables.axes.get(name) == 0 and name not in self.shift.names
        return is_table and bool((self.mixture.provenance == Provenance.COPIED).all())

    def copied(self, name: str, rows: StoredRows) -> Float[Tensor, "..."]:
        """Do what ``change`` does with a table of which every new row is a copy, and read only those.

        Raises:
            ModelError: If one of them holds NaN or infinity.
        """
        taken = rows.take(self.mixture.rows.indices[self.mixture.rows.indptr[:-1]])
        check_finite(name, taken)
        return taken

    def new_tensors(self, model: PreTrainedModel) -> dict[int, Tensor]:
        """Make the new parameters and buffers, by the ``id`` of those they replace; ties are kept."""
        contents: dict[object, Tensor] = {}
        replaced: dict[int, Tensor] = {}
        for name, tensor in named_tensors(model).items():
            if id(tensor) in replaced or (name not in self.tables.axes and name not in self.shift.names):
                continue
            if (key := storage(tensor)) not in contents:
                contents[key] = self.change(name, tensor)
            is_parameter = isinstance(tensor, nn.Parameter)
            replaced[id(tensor)] = (
                nn.Parameter(contents[key], requires_grad=tensor.requires_grad)
                if is_parameter
                else contents[key]
            )
        return replaced

    def finish(self, changed: PreTrainedModel) -> None:
        """Give the modules of the new model the sizes and pad ids that its new configuration implies.

        Raises:
            ModelError: If a buffer changes its shape whose content is no known default.
        """
        before, after = dict(self.before.named_modules()), dict(self.after.named_modules())
        for path, module in changed.named_modules():
            if path in before and path in after:
                _update_sizes(module, before[path], after[path])
        shapes_before, shapes_after = named_tensors(self.before), named_tensors(self.after)
        for name, tensor in named_tensors(changed).items():
            if name in shapes_after and tensor.shape == shapes_before[name].shape != shapes_after[name].shape:
                new = resized_default(tensor, shapes_after[name])
                if new is None:
                    raise ModelError(
                        f"{name} of {type(changed).__name__} would go from shape {tuple(tensor.shape)} to "
                        f"{tuple(shapes_after[name].shape)}; expected a default that can be recreated."
                    )
                path, _, attribute = name.rpartition(".")
                setattr(changed.get_submodule(path), attribute, new)


def transplant(
    model: PreTrainedModel,
    mixture: Mixture,
    tokenizer: PreTrainedTokenizerFast,
    *,
    source_tokenizer: PreTrainedTokenizerFast,
    pad_to_multiple_of: int = 1,
) -> PreTrainedModel:
    """Build a model of the same class whose vocabulary is the target tokenizer's.

    Embeddings, output head and output bias get their rows from the same mixture. Ties, dtypes, task heads,
    frozen parameters and train or eval mode stay. Ids in the configurations are renumbered.

    Args:
        model: The source model; it is not changed.
        mixture: The weights over source rows that make each target row.
        tokenizer: The target tokenizer.
        source_tokenizer: The source model's own tokenizer.
        pad_to_multiple_of: Add unused rows up to a multiple of this number.

    Returns:
        A new model that shares no memory with the source.

    Raises:
        ModelError: If tokenizers, mixture and model don't fit each other, a table holds NaN or infinity, or
            the model has vocabulary-sized parameters of an unknown kind.
    """
    plan = plan_transplant(model, mixture, tokenizer, source_tokenizer, pad_to_multiple_of)
    # deepcopy takes what is in the memo instead of copying it: no vocabulary table is ever copied.
    changed: PreTrainedModel = copy.deepcopy(model, {**plan.new_settings, **plan.new_tensors(model)})
    plan.finish(changed)
    return changed


def plan_transplant(
    model: PreTrainedModel,
    mixture: Mixture,
    tokenizer: PreTrainedTokenizerFast,
    source_tokenizer: PreTrainedTokenizerFast,
    pad_to_multiple_of: int = 1,
) -> TransplantPlan:
    """Work out what changes, and refuse what can't be done, before any table is touched.

    Args:
        model: The source model, or only its structure on the meta device.
        mixture: The weights over source rows that make each target row.
        tokenizer: The target tokenizer.
        source_tokenizer: The source model's own tokenizer.
        pad_to_multiple_of: Add unused rows up to a multiple of this number.

    Raises:
        ModelError: As for ``transplant``.
    """
    tables = find_tables(model)
    mixture = with_unused_rows(
        checked_mixture(mixture, tables.rows, tokenizer, source_tokenizer), pad_to_multiple_of
    )
    ids = Renumbering(source_tokenizer, tokenizer)
    text_config = model.config.get_text_config()
    old_pad = getattr(text_config, "pad_token_id", None)
    new_pad = None if old_pad is None else ids.new_id(old_pad, "pad_token")
    shift = position_shift(model, tables.axes, old_pad, new_pad)
    new_settings = _new_settings(model, tables, mixture.n_target, shift, ids)
    after = build_on_meta(type(model), new_settings[id(model.config)])
    shift.check(after)
    return TransplantPlan(
        tables, mixture, shift, new_settings, build_on_meta(type(model), model.config), after
    )


def checked_mixture(
    mixture: Mixture, rows: int, tokenizer: PreTrainedTokenizerFast, source_tokenizer: PreTrainedTokenizerFast
) -> Mixture:
    """Check that tokenizers, mixture and model agree, and fit the mixture to the model's number of rows.

    Args:
        mixture: The weights over source rows that make each target row.
        rows: Rows of the source model's tables, which may be more or fewer than the source tokenizer's ids.
        tokenizer: The target tokenizer.
        source_tokenizer: The source tokenizer.

    Returns:
        The mixture, with ``trained`` shortened to the rows that the model has.

    Raises:
        ModelError: If a target id has no row in the mixture, or a source id none in the model.
    """
    target_ids = id_rows(tokenizer.backend_tokenizer)
    if target_ids > mixture.n_target:
        raise ModelError(
            f"The target tokenizer has {target_ids} ids but the mixture {mixture.n_target} rows; "
            "expected a row for each id: make the mixture for this tokenizer."
        )
    check_rows(source_tokenizer, rows, int(mixture.rows.indices.max(initial=-1)))
    return replace(mixture, trained=mixture.trained[:rows])


def check_rows(tokenizer: PreTrainedTokenizerFast, rows: int, highest_used: int = -1) -> None:
    """Check that each id of a source tokenizer has a row in the model.

    Args:
        tokenizer: The source tokenizer.
        rows: Number of rows of the source model's tables.
        highest_used: The highest source id that new rows are made of.

    Raises:
        ModelError: If an id has none.
    """
    beyond: list[int] = []
    if id_rows(tokenizer.backend_tokenizer) > rows:
        special = set(tokenizer.added_tokens_decoder)
        # The image token of Gemma lies beyond the rows of its text-only models; harmless while unused.
        beyond = [i for i in tokenizer.get_vocab().values() if i >= rows and i not in special]
    if beyond or highest_used >= rows:
        raise ModelError(
            f"The source tokenizer has the id {max([*beyond, highest_used])} but the embeddings have {rows} "
            "rows; expected a row for each id: give the tokenizer that belongs to the model."
        )


def with_unused_rows(mixture: Mixture, multiple: int) -> Mixture:
    """Add unused rows to a mixture up to a multiple of a number."""
    extra = -mixture.n_target % multiple
    if not extra:
        return mixture
    rows = mixture.rows
    indptr = np.concatenate([rows.indptr, np.full(extra, rows.indptr[-1])])
    provenance = np.concatenate([mixture.provenance, np.full(extra, Provenance.UNUSED, dtype=np.uint8)])
    return replace(mixture, rows=SparseRows(indptr, rows.indices, rows.weights), provenance=provenance)


def _new_settings(
    model: PreTrainedModel, tables: VocabularyTables, rows: int, shift: PositionShift, ids: Renumbering
) -> dict[int, Any]:
    """Change copies of all configurations in a model, by the ``id`` of the objects they replace.

    ``deepcopy`` fills the dictionary: its memo holds the copy of every object, inner configurations included.
    """
    memo: dict[int, Any] = {}
    sizes = {field.rpartition(".")[2] for field in tables.fields}
    modules = [module for module in model.modules() if isinstance(module, PreTrainedModel)]
    configs = {id(inner): inner for module in modules for _, inner in nested_configs(module.config)}
    # Encoders of sound and images have configurations, and vocabularies, of their own.
    with_text = {
        type(inner)
        for path, inner in nested_configs(model.config)
        if any(f"{path}{name}" in tables.fields for name in sizes)
    }
    for config in configs.values():
        new = copy.deepcopy(config, memo)
        own = type(config) not in with_text and sizes & vars(new).keys()
        for name in sizes & vars(new).keys() if not own else ():
            setattr(new, name, rows)
        if shift.rows:
            setattr(new, LENGTH_FIELD, getattr(new, LENGTH_FIELD) + shift.rows)
        if not own:
            renumber(new, ids)
    for module in modules:
        generation = getattr(module, "generation_config", None)
        if generation is not None and id(generation) not in memo:
            renumber(copy.deepcopy(generation, memo), ids)
    return memo


def _update_sizes(module: nn.Module, before: nn.Module, after: nn.Module) -> None:
    """Set the whole numbers of a module (sizes, ``padding_idx``) that differ between two structures."""
    for name, new in vars(after).items():
        if (new is None or type(new) is int) and new != vars(before).get(name, new):
            setattr(module, name, new)
