"""Bits per byte of a text under a causal or a masked language model.

Bits per byte = -sum(log2 p(token)) / bytes, summed over all lines, so that models with different
vocabularies can be compared. Bytes are the UTF-8 bytes of the raw lines, before any normalization by a
tokenizer; line ends are not counted.

- Causal model: p(token) is conditioned on the tokens before it in the line (exact likelihood).
- Masked model: pseudo-log-likelihood (Salazar et al. 2020, arXiv 1910.14659), word by word. All tokens of a
  word are replaced by the mask token in one pass, and p(token) is conditioned on the other words of the line.
  Masking the whole word, not one token of it or those to its right (Kauf & Ivanova 2023, arXiv 2305.10588),
  keeps the pieces of a rare word from predicting each other.

Special tokens are part of the input, and are never scored. With ``word_share`` below 1, a random sample of
the words of each line is scored, and the sum of the line is estimated from it, with its standard error.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.errors import CorpusError, ModelError
from monoglot.evaluation.settings import LanguageSettings
from monoglot.evaluation.token_scores import Row, TokenizedText, TokenScorer, word_bounds
from monoglot.model.longest_input import longest_input_tokens
from monoglot.progress import SILENT, Progress


@dataclass(frozen=True)
class MaskedQuestions:
    """Asks a masked model for each word of a line given all others (Salazar et al. 2020).

    All tokens of a word are masked together (Kauf & Ivanova 2023): else the pieces of a rare word would give
    each other away, and a tokenizer that segments words into many pieces would look better than it is.

    Attributes:
        text: The lines.
        mask_id: Id of the mask token.
        window_tokens: The most tokens that the model reads at once, special ones included.
        word_share: The share of words to ask for; ``None`` for all.
        seed: Which words these are; the same ones for every tokenizer, where words are divided by spaces.
    """

    text: TokenizedText
    mask_id: int
    window_tokens: int
    word_share: float | None
    seed: int

    @cached_property
    def bounds(self) -> list[Int64[np.ndarray, " words_and_one"]]:
        """Where the words of each line begin."""
        return [
            word_bounds(line, offsets)
            for line, offsets in zip(self.text.lines, self.text.offsets, strict=True)
        ]

    def rows(self) -> Iterator[Row]:
        """The questions, longest lines first."""
        for line in self.text.longest_first():
            words = self._drawn(line, len(self.bounds[line]) - 1)
            for word in words:
                yield from self._word_rows(line, int(word))

    def line_bits(self, line: int, words: list[float]) -> tuple[float, float]:
        """The bits of a line, estimated from those of the words drawn, and the variance of that."""
        return estimated_total(np.array(words), len(self.bounds[line]) - 1)

    def _drawn(self, line: int, n_words: int) -> Int64[np.ndarray, " drawn"]:
        """Draw words of a line without replacement, at least two."""
        if self.word_share is None:
            return np.arange(n_words)
        wanted = min(n_words, max(2, round(self.word_share * n_words)))
        return np.sort(np.random.default_rng([self.seed, line]).choice(n_words, wanted, replace=False))

    def _word_rows(self, line: int, word: int) -> Iterator[Row]:
        """One question, or several if the word is longer than half a window, which is centered on it."""
        text, ids = self.text, self.text.ids[line]
        size = self.window_tokens - len(text.before) - len(text.after)
        first, end = self.bounds[line][word : word + 2].tolist()
        for start in range(first, end, size // 2):
            stop = min(start + size // 2, end)
            begin = max(0, min((start + stop - size) // 2, len(ids) - size))
            shown = ids[begin : begin + size].copy()
            shown[start - begin : stop - begin] = self.mask_id
            places = np.arange(start, stop) - begin + len(text.before)
            yield Row(line, word, np.concatenate([text.before, shown, text.after]), places, ids[start:stop])


@dataclass(frozen=True)
class CausalQuestions:
    """Asks a causal model for each token of a line given those before it.

    Attributes:
        text: The lines.
        start_ids: What stands in front of each line.
        window_tokens: The most tokens that the model reads at once.
        n_logits: How many tokens the model knows.
    """

    text: TokenizedText
    start_ids: Int64[np.ndarray, " start"]
    window_tokens: int
    n_logits: int

    def rows(self) -> Iterator[Row]:
        """The questions, longest lines first."""
        for line in self.text.longest_first():
            yield from causal_rows(line, self.text.ids[line], self.start_ids, self.window_tokens)

    def line_bits(self, line: int, words: list[float]) -> tuple[float, float]:
        """The bits of a line, and their variance: none.

        A first token that nothing stands before counts as if all tokens were equally likely.
        """
        guessed = math.log2(self.n_logits) if not len(self.start_ids) and len(self.text.ids[line]) else 0.0
        return sum(words) + guessed, 0.0


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
        standard_error: Of the bits per byte, because only some words were drawn; 0 if all were.
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
        """Bits per byte of raw text."""
        return self.bits / self.bytes

    @property
    def bits_per_character(self) -> float:
        """Bits per character of raw text."""
        return self.bits / self.characters

    def to_dict(self) -> dict[str, Any]:
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
    """Compute the bits per byte of a text under a causal or masked language model.

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


@contextmanager
def evaluating(model: PreTrainedModel) -> Iterator[None]:
    """Put a model into evaluation mode within the ``with`` block."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


LONGEST_WINDOW_TOKENS = 1024
MASKED_CLASSES = ("ForMaskedLM", "ForPreTraining")


def _questions(
    scorer: TokenScorer,
    tokenizer: PreTrainedTokenizerFast,
    text: TokenizedText,
    settings: LanguageSettings,
) -> CausalQuestions | MaskedQuestions:
    """Choose what to ask a model by its kind."""
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


def estimated_total(drawn: Float64[np.ndarray, " drawn"], size: int) -> tuple[float, float]:
    """Estimate the sum of a population from a sample drawn without replacement, and the estimate's variance.

    Args:
        drawn: The sample: two at least, or all there are.
        size: How many there are.
    """
    if len(drawn) == size:
        return float(drawn.sum()), 0.0
    unseen = 1 - len(drawn) / size
    return float(drawn.mean() * size), float(size**2 * unseen * drawn.var(ddof=1) / len(drawn))


def causal_rows(
    line: int,
    ids: Int64[np.ndarray, " tokens"],
    start_ids: Int64[np.ndarray, " start"],
    window_tokens: int,
) -> Iterator[Row]:
    """Build the inputs for each token of a line given those before it; long lines get overlapping windows.

    In each window but the first, at least half the tokens are only context. All windows begin with what the
    tokenizer puts in front of a text: models rely on it, and without it are far worse than they need to be.

    Args:
        line: The number of the line.
        ids: Its tokens, without special ones.
        start_ids: What stands in front; if nothing does, the first token can't be asked for.
        window_tokens: The most tokens that the model reads at once.
    """
    n_start = len(start_ids)
    size = window_tokens + 1 - n_start  # the last token of a window is asked for, not read
    done = 0 if n_start else 1
    end = min(len(ids), size)
    while done < end:
        begin = max(0, end - size)
        read = np.concatenate([start_ids, ids[begin : end - 1]])
        # The prediction of a token stands one place before it.
        places = np.arange(done, end) - begin + n_start - 1
        yield Row(line, 0, read, places, ids[done:end])
        done, end = end, min(len(ids), end + size // 2)


__all__ = ["LanguageScore", "LanguageSettings", "evaluating", "score_language"]
