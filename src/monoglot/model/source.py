"""A model folder, read piece by piece as stages need it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.errors import ModelError
from monoglot.model.checkpoint import Checkpoint
from monoglot.model.find import find_folder, find_here
from monoglot.model.folder import check_stored, load_model
from monoglot.model.given_text import GivenText, given_texts
from monoglot.model.piece_states import states_of_pieces
from monoglot.model.side_files import transformer_folder
from monoglot.model.side_modules import check_kind
from monoglot.model.stored_rows import StoredRows
from monoglot.model.tables import trained_rows
from monoglot.model.tokenizer_folder import load_tokenizer, warn_if_read_differently
from monoglot.model.transplant import check_rows
from monoglot.run import content_key, file_hash
from monoglot.tokenization.pieces import Pieces
from monoglot.tokenization.special_token_template import SpecialTokenTemplate
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.untrusted import refusing

TOKENIZER_FILES = ("tokenizer", "special_tokens_map", "added_tokens", "chat_template", "vocab", "merges")


class Source:
    """A model folder whose tokenizer and weights are loaded when they are first asked for.

    Attributes:
        name: What the user called it.
        folder: Where its files are.
    """

    def __init__(self, name: str, folder: Path, *, trust_remote_code: bool = False) -> None:
        self.name = name
        self.folder = folder
        self.trust_remote_code = trust_remote_code

    @property
    def on_hub(self) -> bool:
        """Whether it was named as on the hub, and not by a folder."""
        return not Path(self.name).expanduser().is_dir()

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """The source tokenizer."""
        return load_tokenizer(self.folder)

    @cached_property
    def model(self) -> PreTrainedModel:
        """The source model, in evaluation mode."""
        return load_model(self.folder, trust_remote_code=self.trust_remote_code)

    @property
    def is_loaded(self) -> bool:
        """Whether the weights are in memory."""
        return "model" in self.__dict__

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The source tokenizer's tokens."""
        return Vocabulary.of(self.tokenizer)

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """The model's structure, and its tensors to be read one at a time."""
        return Checkpoint.open(self.folder, trust_remote_code=self.trust_remote_code)

    @property
    def embeddings(self) -> Float[Tensor, "rows dim"]:
        """The table that token ids are looked up in, mapped from its file."""
        return self.checkpoint.read(self.checkpoint.tables.input.names[0])

    @property
    def rows(self) -> StoredRows:
        """The same table, of which memory holds only the rows in use."""
        return self.checkpoint.rows(self.checkpoint.tables.input.names[0])

    @cached_property
    def trained(self) -> Bool[np.ndarray, " source"]:
        """Which ids of the tokenizer have rows that were trained."""
        return trained_rows(self.rows, self.vocabulary)

    @cached_property
    def given_texts(self) -> tuple[GivenText, ...]:
        """The texts that the model is always given: prompts, prefixes, what chat templates write."""
        return given_texts(self.folder)

    @cached_property
    def why_unread(self) -> str | None:
        """Why no layer of the model can be read on a text of one token; ``None`` if it can.

        The weights stay in memory, see `forget_model`.
        """
        model = self.model
        template = SpecialTokenTemplate.of(self.tokenizer)
        some = next((token.id for token in self.vocabulary.tokens if not token.roles), 0)
        try:
            with refusing(ModelError, f"{self.name} can't be read on text", "give another model"):
                states_of_pieces(model, template, Pieces(np.array([0, 1]), np.array([some])), depth=0.5)
        except ModelError as error:
            return str(error)
        return None

    def at(self, folder: Path) -> Source:
        """Another model folder, such as one made from this; its code may run if that of this one may."""
        return Source(str(folder), folder, trust_remote_code=self.trust_remote_code)

    def check_stored(self) -> None:
        """Refuse weights that are not those of the model's class.

        Raises:
            ModelError: If stored tensors are missing, left over or of another shape.
        """
        check_stored(self.folder, trust_remote_code=self.trust_remote_code)

    def check(self) -> None:
        """Refuse a model that could not be specialized, before any long work.

        Raises:
            TokenizerError: If the tokenizer is missing, broken or of an unknown kind.
            ModelError: If the model is, it stores other tensors than its class has, or NaN, or the tokenizer
                is of another model.
        """
        check_kind(self.folder)
        warn_if_read_differently(transformer_folder(self.folder), self.tokenizer)
        # A tokenizer of an unknown kind is refused here, when AutoTokenizer's copy of it is gone.
        _ = self.vocabulary
        check_rows(self.tokenizer, self.checkpoint.tables.rows)
        self.check_stored()
        self.checkpoint.check_numbers()

    def forget(self) -> None:
        """Free tokenizer, vocabulary and weights; they are loaded again when they are asked for."""
        self.forget_model()
        for name in ("tokenizer", "vocabulary"):
            self.__dict__.pop(name, None)

    def forget_vocabulary(self) -> None:
        """Free the description of the tokens, half as large as the tokenizer; made again when asked for."""
        self.__dict__.pop("vocabulary", None)

    def forget_model(self) -> None:
        """Free the weights; they are loaded again when they are asked for."""
        self.__dict__.pop("model", None)

    @cached_property
    def tokenizer_key(self) -> str:
        """Content hash of the files that the tokenizer is read from."""
        return self._key([p for p in self._files if p.name.startswith(TOKENIZER_FILES)])

    @cached_property
    def key(self) -> str:
        """Content hash of all files of the model."""
        return self._key(self._files)

    @property
    def _files(self) -> list[Path]:
        """The files that a model is made of; not its card, nor what a run or version control left there."""
        paths = (p for p in self.folder.rglob("*") if p.is_file())
        beside = {"monoglot", "README.md", ".git", ".cache"}
        return sorted(p for p in paths if not beside & set(p.relative_to(self.folder).parts))

    def _key(self, paths: list[Path]) -> str:
        return content_key({p.relative_to(self.folder).as_posix(): file_hash(p) for p in paths})


def open_recorded(name: str, *, trust_remote_code: bool = False) -> Source:
    """Open a model that the files of another one name, which may be anybody's: nothing is downloaded.

    Raises:
        ModelError: If it is not on this machine.
    """
    return Source(name, find_here(name), trust_remote_code=trust_remote_code)


def open_source(name: str, *, trust_remote_code: bool = False) -> Source:
    """Find a model by folder, or by name on the Hugging Face hub.

    Raises:
        ModelError: If it is neither a folder nor a model that the hub gives.
    """
    return Source(name, find_folder(name), trust_remote_code=trust_remote_code)
