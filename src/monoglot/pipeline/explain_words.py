"""What the words of `explain` stand for: single tokens, or texts to be cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from transformers import PreTrainedTokenizerFast

from monoglot.errors import SettingError
from monoglot.report.explanation import WordExplanation
from monoglot.report.spelling import readable
from monoglot.tokenization.parts import Family, Parts, Role
from monoglot.tokenization.pieces import make_cut
from monoglot.tokenization.vocabulary import Vocabulary, backend_of

MARKS = ("▁", "Ġ", "##")
"""What tells that a token is meant: no word is written so."""


class Words:
    """Looks up what a user asks for.

    Attributes:
        spelling: How each target id is spelled, for people.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        target: PreTrainedTokenizerFast,
        source: PreTrainedTokenizerFast | None,
        name_source: Callable[[int], str],
    ) -> None:
        byte_level = vocabulary.family is Family.BYTE_LEVEL_BPE
        self.spelling = {token.id: readable(token.text, byte_level=byte_level) for token in vocabulary.tokens}
        self._vocabulary, self._target, self._source = vocabulary, target, source
        self._name_source = name_source
        self._ids = {text: id for id, text in self.spelling.items()}
        self._ids |= {token.text: token.id for token in vocabulary.tokens}

    def find(self, asked: Sequence[str]) -> tuple[list[WordExplanation], list[int]]:
        """Tell words from tokens.

        A text with the mark of a word start or of a continuation, and a special token, is a token. Any other
        is a word; if it is a token besides (``en``), the inside of a word, that is told of, too.

        Args:
            asked: What the user wrote.

        Returns:
            The words, and the ids of all tokens to be explained, each once.

        Raises:
            SettingError: If nothing was asked for, or a marked text is no token.
        """
        if not any(text.strip() for text in asked):
            raise SettingError("nothing was asked for; give words such as Haus, or tokens such as ▁Haus")
        words: list[WordExplanation] = []
        ids: list[int] = []
        for text in (text for text in asked if text.strip()):
            id = self._ids.get(text)
            if id is not None and (text.startswith(MARKS) or self._vocabulary.by_id[id].roles):
                ids.append(id)
                continue
            if text.startswith(MARKS) and text not in MARKS:
                raise SettingError(
                    f"'{text}' is no token of the new vocabulary; give the word without its mark to see what "
                    "it is cut into"
                )
            word, pieces = self._cut(text)
            words.append(word)
            ids += pieces if id is None else [*pieces, id]
        return words, list(dict.fromkeys(ids))

    def _cut(self, text: str) -> tuple[WordExplanation, list[int]]:
        ids = cut_text(self._target, text)
        unknown = self._vocabulary.by_role.get(Role.UNK)
        before = None
        if self._source is not None:
            before = tuple(map(self._name_source, cut_text(self._source, text)))
        after = tuple(self.spelling[id] for id in ids)
        is_unknown = not ids or (unknown is not None and unknown.id in ids)
        return WordExplanation(text, before, after, is_unknown), ids


def cut_text(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    """The tokens of a text that stands in the middle of a line, after a space."""
    backend = backend_of(tokenizer)
    return make_cut(backend, Parts.of(backend))([f" {text}"])[0]
