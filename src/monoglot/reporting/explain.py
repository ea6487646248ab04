"""`explain`: the pieces of words before and after, and what the rows of their tokens are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

import numpy as np
import torch
from jaxtyping import Int64
from transformers import PreTrainedTokenizerFast

from monoglot.device import limited_threads
from monoglot.errors import SettingError, UnknownTokenError, did_you_mean
from monoglot.keywords import explains_keywords
from monoglot.maths.mixture import Mixture, Provenance
from monoglot.maths.similarity import cosines_to, nearest_rows
from monoglot.model.source import Source
from monoglot.reporting.finished_run import FinishedRun, find_source, token_namer
from monoglot.reporting.wording import provenance_name, readable
from monoglot.result import Highlight, Made, Result, Row, folder_of
from monoglot.settings import RunSettings
from monoglot.settings.described import check_words
from monoglot.tokenization.kept_reasons import Reason
from monoglot.tokenization.parts import Family, Parts, Role
from monoglot.tokenization.pieces import make_segmenter
from monoglot.tokenization.vocabulary import Vocabulary, backend_of


@dataclass(frozen=True)
class Parent:
    """A source token in the mixture of a row.

    Attributes:
        token: As it is shown to people; its number if the source tokenizer is not available.
        weight: Its share.
        cosine: Of its embedding and the row's; ``None`` without the source model.
        auxiliary_cosine: Of the auxiliary vectors of both; ``None`` where one has none.
    """

    token: str
    weight: float
    cosine: float | None
    auxiliary_cosine: float | None


@dataclass(frozen=True)
class Neighbor:
    """A token near another in some space.

    Attributes:
        token: As it is shown to people.
        cosine: How near.
    """

    token: str
    cosine: float


@dataclass(frozen=True)
class TokenExplanation:
    """Everything that is known of one target token.

    Attributes:
        token: As it is shown to people.
        id: Its row.
        provenance: Where the row comes from, for people.
        count: How often the corpus has it.
        reason: Why it is in the vocabulary, in words; ``None`` where that was not recorded.
        parents: What its row was made of before any training, the heaviest first.
        correction: How long what was added to that is, relative to the row; ``None`` if nothing was added.
        near_new: The nearest tokens in the output's embeddings.
        near_old: The source tokens whose embeddings are nearest to the row; ``None`` without the source.
        near_auxiliary: The nearest tokens in the auxiliary space; ``None`` if it is not kept, or the token
            has no vector.
    """

    token: str
    id: int
    provenance: str
    count: int
    reason: str | None
    parents: tuple[Parent, ...]
    correction: float | None
    near_new: tuple[Neighbor, ...]
    near_old: tuple[Neighbor, ...] | None
    near_auxiliary: tuple[Neighbor, ...] | None


@dataclass(frozen=True)
class WordExplanation:
    """The pieces of a word before and after.

    Attributes:
        text: The word.
        before: Its pieces by the source tokenizer; ``None`` if that is not available.
        after: Its pieces by the target tokenizer.
        unknown: Whether it has characters that the target tokenizer does not know.
    """

    text: str
    before: tuple[str, ...] | None
    after: tuple[str, ...]
    unknown: bool


@dataclass(frozen=True, repr=False)
class Explanation(Result):
    """Result of `explain`.

    Attributes:
        words: The words asked for; not those that were given as a single token.
        tokens: The tokens asked for and those of the words, each once.
        notes: What is not known, and why.
    """

    words: tuple[WordExplanation, ...]
    tokens: tuple[TokenExplanation, ...]
    notes: tuple[str, ...]

    def __getitem__(self, token: str) -> TokenExplanation:
        """Give the explanation of one token, named as it is shown.

        Raises:
            UnknownTokenError: If it is none of those that were explained.
        """
        found = {each.token: each for each in self.tokens}
        if token not in found:
            raise UnknownTokenError(f"'{token}' was not explained: {did_you_mean(token, found)}")
        return found[token]

    def highlights(self) -> Iterator[Highlight]:
        """Give the pieces of each word before and after, and where each token comes from."""
        for word in self.words:
            before = "" if word.before is None else f"{' '.join(word.before)} → "
            yield word.text, f"{before}{' '.join(word.after)}"
        for token in self.tokens:
            parents = shorten(" + ".join(f"{one.weight:.2f} {one.token}" for one in token.parents), 60)
            yield token.token, f"{token.provenance}, {token.count:,} times{parents and f': {parents}'}"

    def rows(self) -> list[Row]:
        """Give a row for each token; its parents and nearest tokens are in the fields."""
        return [
            {name: getattr(token, name) for name in ("token", "id", "provenance", "count", "reason")}
            | {"parents": " + ".join(f"{parent.weight:.2f} {parent.token}" for parent in token.parents)}
            | {"nearest": " ".join(near.token for near in token.near_new)}
            for token in self.tokens
        ]


MARKS = ("▁", "Ġ", "##")
"""Marks of tokens; no word is written with them."""


class WordLookup:
    """Finds the words and tokens that a user asks for.

    Attributes:
        shown: Each target id as it is shown to people.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        target: PreTrainedTokenizerFast,
        source: PreTrainedTokenizerFast | None,
        name_source: Callable[[int], str],
    ) -> None:
        byte_level = vocabulary.family is Family.BYTE_LEVEL_BPE
        self.shown = {token.id: readable(token.text, byte_level=byte_level) for token in vocabulary.tokens}
        self._vocabulary, self._target, self._source = vocabulary, target, source
        self._name_source = name_source
        self._ids = {text: id for id, text in self.shown.items()}
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
            UnknownTokenError: If a marked text is no token.
        """
        words: list[WordExplanation] = []
        ids: list[int] = []
        for text in (text for text in asked if text.strip()):
            id = self._ids.get(text)
            if id is not None and (text.startswith(MARKS) or self._vocabulary.by_id[id].roles):
                ids.append(id)
                continue
            if text.startswith(MARKS) and text not in MARKS:
                raise UnknownTokenError(
                    f"'{text}' is not a token of the new vocabulary; give the word without its mark to see "
                    "what it is segmented into"
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
        after = tuple(self.shown[id] for id in ids)
        is_unknown = not ids or (unknown is not None and unknown.id in ids)
        return WordExplanation(text, before, after, is_unknown), ids


@dataclass(frozen=True)
class _Explainer:
    """Explains single tokens."""

    run: FinishedRun
    mixture: Mixture
    source: Source | None
    shown: dict[int, str]
    name_source: Callable[[int], str]
    neighbors: int

    def token(self, id: int) -> TokenExplanation:
        """Explain a target id."""
        provenance = Provenance(self.mixture.provenance[id]).name.lower()
        return TokenExplanation(
            token=self.shown[id],
            id=id,
            provenance=provenance_name(provenance, self.run.settings["method"]),
            count=int(self.run.counts[id]),
            reason=self._reason(id),
            parents=self._parents(id),
            correction=self._correction(id),
            near_new=self._near_new(id),
            near_old=self._near_old(id),
            near_auxiliary=self._near_auxiliary(id),
        )

    def _reason(self, id: int) -> str | None:
        """Why a token was kept, or what a new one saves."""
        reasons = self.run.reasons
        if id < len(reasons):
            return f"kept because {Reason(reasons[id]).words}"
        saving = self.run.savings.get(self.run.vocabulary.by_id[id].text)
        if saving is None:
            return None
        count, saved = saving
        return f"new: occurs {count:,} times in the text's words, and saves {saved:,} tokens"

    def _parents(self, id: int) -> tuple[Parent, ...]:
        entries = self.mixture.explain(id)
        ids = np.array([parent for parent, _ in entries], np.int64)
        cosines: list[float | None] = [None] * len(ids)
        if self.source is not None and len(ids):
            cosines = list(cosines_to(self.run.embeddings[id], self.source.embeddings, ids))
        auxiliary = self._auxiliary_cosines(id, ids)
        return tuple(
            Parent(self.name_source(parent), weight, cosine, other)
            for (parent, weight), cosine, other in zip(entries, cosines, auxiliary, strict=True)
        )

    def _correction(self, id: int) -> float | None:
        added = self.mixture.correction
        if added is None or id not in added.ids:
            return None
        length = float(np.linalg.norm(added.at(np.array([id]))))
        return length / max(float(self.run.embeddings[id].float().norm()), 1e-12)

    def _auxiliary_cosines(self, id: int, parents: Int64[np.ndarray, " ids"]) -> list[float | None]:
        """How alike the auxiliary vectors of a token and of its parents are, where both have one."""
        vectors, overlap = self.run.vectors, self.run.overlap
        if vectors is None or overlap is None or not vectors.usable[id]:
            return [None] * len(parents)
        target_of = dict(zip(overlap.source_ids.tolist(), overlap.target_ids.tolist(), strict=True))
        partners = [target_of.get(parent) for parent in parents.tolist()]
        matrix = torch.from_numpy(vectors.matrix)
        return [
            cosines_to(matrix[id], matrix, np.array([partner]))[0]
            if partner is not None and vectors.usable[partner]
            else None
            for partner in partners
        ]

    def _near_new(self, id: int) -> tuple[Neighbor, ...]:
        table = self.run.embeddings
        allowed = np.zeros(self.mixture.n_target, bool)
        allowed[self.run.vocabulary.ids] = True
        allowed[id] = False
        found = nearest_rows(table[id], table, allowed, self.neighbors)
        return tuple(Neighbor(self.shown[row], cosine) for row, cosine in found)

    def _near_old(self, id: int) -> tuple[Neighbor, ...] | None:
        """The nearest rows of the source that were trained; not the very row that was copied."""
        if self.source is None:
            return None
        allowed = self.mixture.trained.copy()
        if self.mixture.provenance[id] == Provenance.COPIED:
            allowed[self.mixture.rows.row(id)[0]] = False
        found = nearest_rows(self.run.embeddings[id], self.source.embeddings, allowed, self.neighbors)
        return tuple(Neighbor(self.name_source(row), cosine) for row, cosine in found)

    def _near_auxiliary(self, id: int) -> tuple[Neighbor, ...] | None:
        vectors = self.run.vectors
        if vectors is None or not vectors.usable[id]:
            return None
        allowed = vectors.usable.copy()
        allowed[id] = False
        matrix = torch.from_numpy(vectors.matrix)
        found = nearest_rows(matrix[id], matrix, allowed, self.neighbors)
        return tuple(Neighbor(self.shown[row], cosine) for row, cosine in found)


NEIGHBORS = 8


@explains_keywords()
def explain(
    output: str | Path | Made,
    words: str | Sequence[str],
    *,
    source: str | None = None,
    neighbors: int = NEIGHBORS,
    threads: int | None = None,
    trust_remote_code: bool = False,
) -> Explanation:
    """Explain the segmentation of words before and after, and the rows of their tokens.

    Args:
        output: Folder that `specialize`, or `adapt` after it, wrote, or what that function gave back.
        words: A word (``Haus``) or a token (``▁Haus``), or several.
        source: The source model, if it is elsewhere than it was.
        neighbors: How many nearest tokens to find in each space.
        threads: Number of threads; by default the number of cores.
        trust_remote_code: Whether code that comes with the models may run.

    Raises:
        OutputError: If monoglot did not make the folder.
        ModelError: If a source is named that can't be used, or is not the one.
        SettingError: If the run changed no vocabulary, or a word is no text.
        UnknownTokenError: If a token is asked for by name (``▁Haus``) that the vocabulary does not have.
    """
    output = folder_of(output)
    check_words([words] if isinstance(words, str) else words)
    run = FinishedRun(output, trust_remote_code=trust_remote_code)
    run.check_model()
    mixture = run.mixture
    if mixture is None:
        raise SettingError(
            f"{output} has the vocabulary of the model it was trained from: give the output of specialize, "
            "or of adapt after it"
        )
    found = find_source(run, source)
    name_source = token_namer(found.model)
    old = found.model.tokenizer if found.model else None
    lookup = WordLookup(run.vocabulary, run.tokenizer, old, name_source)
    cut, ids = lookup.find([words] if isinstance(words, str) else words)
    explainer = _Explainer(run, mixture, found.model, lookup.shown, name_source, neighbors)
    notes = [
        f"'{word.text}' contains characters that the new tokenizer does not know"
        for word in cut
        if word.unknown
    ]
    if found.model is None:
        notes.append(
            "without the source model its tokens are shown as numbers, and nearest neighbors in its "
            f"embeddings are not available ({found.reason})"
        )
    with limited_threads(RunSettings(threads=threads).n_threads):
        return Explanation(tuple(cut), tuple(map(explainer.token, ids)), tuple(notes))


def cut_text(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    """Segment a text as in the middle of a line, after a space."""
    backend = backend_of(tokenizer)
    return make_segmenter(backend, Parts.of(backend))([f" {text}"])[0]
