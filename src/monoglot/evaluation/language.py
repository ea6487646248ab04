"""How well a language model predicts a text: bits a byte, comparable between vocabularies."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.errors import CorpusError, ModelError
from monoglot.evaluation.causal import CausalQuestions
from monoglot.evaluation.limits import longest_input_tokens
from monoglot.evaluation.masked import MaskedQuestions
from monoglot.evaluation.settings import LanguageSettings
from monoglot.evaluation.token_scores import TokenScorer
from monoglot.evaluation.tokenized_text import TokenizedText
from monoglot.progress import SILENT, Progress

__all__ = ["LanguageScore", "LanguageSettings", "evaluating", "score_language"]

LONGEST_WINDOW_TOKENS = 1024
MASKED_CLASSES = ("ForMaskedLM", "ForPreTraining")


@dataclass(frozen=True)
class LanguageScore:
    """The (pseudo-)likelihood of a text, each line on its own.

    Bytes and characters are those of the raw text. What a tokenizer does away with (case, accents, doubled
    spaces) or turns into the unknown token is not paid for, so the figures of such a tokenizer are too good.

    Attributes:
        kind: ``causal`` (exact) or ``masked`` (pseudo-log-likelihood, whole words masked).
        start: The token that stands before each line; ``None`` if there is none, and the first token is
            taken to be as likely as any other.
        lines: Lines of the text.
        bytes: UTF-8 bytes, line ends not counted.
        characters: Unicode code points.
        tokens: Tokens, without special ones.
        unknown_tokens: How many of them are the unknown token.
        asked_tokens: How many of them the model was asked for: all, or those of the words drawn.
        standard_error: Of the bits a byte, because only some words were drawn; 0 if all were.
        line_bits: Bits of each line.
        line_bytes: UTF-8 bytes of each line.
    """

    kind: str
    start: str | None
    lines: int
    bytes: int
    characters: int
    tokens: int
    unknown_tokens: int
    asked_tokens: int
    standard_error: float
    line_bits: Float64[np.ndarray, " lines"] = field(repr=False, compare=False)
    line_bytes: Int64[np.ndarray, " lines"] = field(repr=False, compare=False)

    @property
    def bits(self) -> float:
        """Bits of the whole text."""
        return float(self.line_bits.sum())

    @property
    def bits_per_byte(self) -> float:
        """Bits a byte of raw text."""
        return self.bits / self.bytes

    @property
    def bits_per_character(self) -> float:
        """Bits a character of raw text."""
        return self.bits / self.characters

    def as_dict(self) -> dict[str, Any]:
        """Figures and counts, for JSON; not those of single lines."""
        figures = {name: getattr(self, name) for name in ("bits_per_byte", "bits_per_character", "bits")}
        return figures | {k: v for k, v in vars(self).items() if not k.startswith("line_")}


def score_language(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    lines: Sequence[str],
    settings: LanguageSettings | None = None,
    *,
    allowed_ids: Int64[np.ndarray, " allowed"] | None = None,
    progress: Progress = SILENT,
) -> LanguageScore:
    """Compute the bits a byte of a text under a causal or masked language model.

    A causal model is asked for each token after the start token that its tokenizer puts in front of texts
    (if it puts none there: its bos, else its eos token). A masked model is asked for each word given all
    others of the line.

    Args:
        model: A language model; it is put into evaluation mode meanwhile.
        tokenizer: Its tokenizer.
        lines: The text.
        settings: How to score it.
        allowed_ids: Restricts the softmax to these tokens, as if the vocabulary had no others.
        progress: Where to show how far it is.

    Raises:
        CorpusError: If there is no text.
        ModelError: If the model has no head over its vocabulary, or is an encoder-decoder.
    """
    settings = settings or LanguageSettings()
    if not any(lines):
        raise CorpusError("there is no text to score: expected at least one line that is not empty.")
    if model.config.is_encoder_decoder:
        raise ModelError(
            f"{type(model).__name__} is an encoder-decoder, which gives a text no probability of its own: "
            "expected a causal or masked language model."
        )
    text = TokenizedText.of(tokenizer, lines)
    bits: list[dict[int, float]] = [{} for _ in lines]
    asked_tokens = 0
    with evaluating(model), progress.task("Scoring text", len(lines)) as advance:
        scorer = TokenScorer(model, tokenizer.pad_token_id or 0, allowed_ids)
        questions = _questions(scorer, tokenizer, text, settings)
        for row, log_probability in scorer.score(questions.rows()):
            advance(not bits[row.line])
            words = bits[row.line]
            words[row.word] = words.get(row.word, 0.0) - log_probability / math.log(2)
            asked_tokens += len(row.targets)
    estimates = [questions.line_bits(line, list(words.values())) for line, words in enumerate(bits)]
    line_bytes = np.array([len(line.encode()) for line in lines])
    start = questions.start_ids if isinstance(questions, CausalQuestions) else text.before
    return LanguageScore(
        kind="causal" if isinstance(questions, CausalQuestions) else "masked",
        start=" ".join(tokenizer.convert_ids_to_tokens(start.tolist())) or None,
        lines=len(lines),
        bytes=int(line_bytes.sum()),
        characters=sum(map(len, lines)),
        tokens=sum(map(len, text.ids)),
        unknown_tokens=sum(int((ids == tokenizer.unk_token_id).sum()) for ids in text.ids),
        asked_tokens=asked_tokens,
        standard_error=math.sqrt(sum(variance for _, variance in estimates)) / int(line_bytes.sum()),
        line_bits=np.array([bits for bits, _ in estimates]),
        line_bytes=line_bytes,
    )


def _questions(
    scorer: TokenScorer,
    tokenizer: PreTrainedTokenizerFast,
    text: TokenizedText,
    settings: LanguageSettings,
) -> CausalQuestions | MaskedQuestions:
    """What to ask a model, by its kind."""
    longest = longest_input_tokens(scorer.model, tokenizer)
    window_tokens = min(settings.window_tokens or LONGEST_WINDOW_TOKENS, longest)
    if type(scorer.model).__name__.endswith(MASKED_CLASSES):
        if tokenizer.mask_token_id is None:
            raise ModelError(
                f"{type(scorer.model).__name__} is a masked language model, but its tokenizer has no mask "
                "token: expected one that says which it is in tokenizer_config.json."
            )
        return MaskedQuestions(
            text, tokenizer.mask_token_id, window_tokens, settings.word_share, settings.seed
        )
    start = text.before
    if not len(start):
        ids = (tokenizer.bos_token_id, tokenizer.eos_token_id)
        start = np.array([id for id in ids if id is not None][:1], np.int64)
    return CausalQuestions(text, start, window_tokens, scorer.n_logits)


@contextmanager
def evaluating(model: PreTrainedModel) -> Iterator[None]:
    """Put a model into evaluation mode for a while."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
