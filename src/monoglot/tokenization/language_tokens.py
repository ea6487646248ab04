"""Ranks the tokens that a text happened not to use by how likely they belong to its language.

A text of a megabyte uses a part of its language's tokens. For a script of one language, all tokens of the
script are the language's; Latin, Cyrillic or Arabic letters are shared by many. The source knows more: a
classifier on its embedding rows tells the tokens that the text uses from others of the same script, and
what it says of an unused token is how much that looks like the used ones.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int64
from scipy.linalg.blas import ssyrk

from monoglot.errors import SettingError
from monoglot.tokenization.parts import Token
from monoglot.tokenization.spelling import COMMON, script_of
from monoglot.tokenization.vocabulary import Vocabulary

LEAST_SHARE_OF_A_SCRIPT = 0.05
"""Of the text's letters; other scripts are quotations."""
SHARED_SCRIPTS = frozenset({"Arabic", "Cyrillic", "Devanagari", "Han", "Latin"})
"""Scripts that many languages of common models are written in: that a token is spelled in one of them
does not say that it is the text's language. Unused tokens of every other script are all kept."""
MOST_TOKENS = 10_000
"""Kept by default at most, of shared scripts: in five languages they regain more than half of the running
text that a trim to a megabyte's tokens loses elsewhere (``benchmarks/language_tokens.py``)."""
LEAST_PROBABILITY = 0.05
"""By default, tokens that the classifier thinks less likely to be used are not kept."""
PENALTY = 20.0
"""Weight of half the squared norm of the classifier's weights, beside a sum of the tokens' losses."""
LEAST_POSITIVES = 20
"""With fewer used tokens a classifier on hundreds of features says nothing."""
PART = 8
"""The first steps are made on one token in so many."""
STEPS_ON_A_PART, STEPS_ON_ALL = 3, 3
BLOCK_ROWS = 2048
ROWS_AT_A_TIME = 1 << 14
"""Rows that are read from the source at a time."""


ReadRows = Callable[[Int64[np.ndarray, " ids"]], Float[np.ndarray, "ids dim"]]


@dataclass(frozen=True)
class LanguageTokens:
    """Unused tokens of the scripts of a text.

    Attributes:
        scripts: The scripts that the text is written in.
        ids: Source ids, those that look most like the text's language first.
        probability: What the classifier says of each; NaN where it could not be trained, so that the order is
            that of the ids.
        by_script: Which are kept for their script alone: it is no shared one, or was asked for.
    """

    scripts: tuple[str, ...]
    ids: Int64[np.ndarray, " unused"]
    probability: Float64[np.ndarray, " unused"]
    by_script: Bool[np.ndarray, " unused"]

    def kept(self, most: int | None) -> LanguageTokens:
        """Choose those to keep, besides all that are kept for their script alone.

        Args:
            most: How many others, the best first; by default up to 10,000 that are not unlikely.
        """
        candidates = ~self.by_script
        if most is None:
            most = MOST_TOKENS
            candidates = candidates & (self.probability >= LEAST_PROBABILITY)  # NaN is not
        chosen = self.by_script | (candidates & (np.cumsum(candidates) <= most))
        return LanguageTokens(
            self.scripts, self.ids[chosen], self.probability[chosen], self.by_script[chosen]
        )


def rank_unused_tokens(
    vocabulary: Vocabulary,
    counts: Int64[np.ndarray, " source"],
    read_rows: ReadRows,
    trained: Bool[np.ndarray, " source"],
    *,
    whole_scripts: Collection[str] = (),
    own_scripts: bool = True,
) -> LanguageTokens:
    """Rank the tokens that a text does not use, in its scripts.

    A logistic regression (L2) on the standardized embedding rows, the logarithm of the id (vocabularies are
    ordered by frequency), the length and whether the token begins a word. Positives are the tokens that the
    text uses, negatives all others of its scripts. Each token is scored as by a model that was not trained
    on it. O(steps × tokens × dim²).

    Args:
        vocabulary: The source vocabulary.
        counts: How often the text uses each of its tokens.
        read_rows: Reads the source's input embeddings of some ids.
        trained: Which ids have rows that were trained.
        whole_scripts: Scripts of which all tokens are kept, whatever the text is written in.
        own_scripts: Whether this also holds for the text's scripts that few languages share.

    Raises:
        SettingError: If the source has no token of one of ``whole_scripts``.
    """
    tokens = [
        token for token in vocabulary.tokens if trained[token.id] and not (token.roles or token.is_byte)
    ]
    script = {token.id: script_of(token.form.decode(errors="ignore")) for token in tokens}
    _check_scripts(whole_scripts, frozenset(script.values()))
    scripts = _scripts(script, counts)
    whole = frozenset(whole_scripts)
    if own_scripts:
        whole |= frozenset(scripts) - SHARED_SCRIPTS
    own = [token for token in tokens if script[token.id] in whole.union(scripts)]
    ids = np.array([token.id for token in own], dtype=np.int64)
    by_script = np.array([script[token.id] in whole for token in own], dtype=bool)
    used = counts[ids] > 0 if len(ids) else np.zeros(0, bool)
    probability = np.full(len(ids), np.nan)
    if min(used.sum(), len(used) - used.sum()) >= LEAST_POSITIVES:
        probability = 1 / (1 + np.exp(-_left_out_logits(_features(own, read_rows), used)))
    order = np.lexsort((ids, -np.nan_to_num(probability)))
    order = order[~used[order]]
    return LanguageTokens(scripts, ids[order], probability[order], by_script[order])


def _check_scripts(asked: Collection[str], known: Collection[str]) -> None:
    if unknown := sorted(set(asked).difference(known) | {COMMON}.intersection(asked)):
        names = ", ".join(sorted(set(known) - {COMMON}))
        raise SettingError(
            f"--keep-script {unknown[0]}: the source has no token of a script of that name; it has {names}"
        )


def _scripts(script: dict[int, str], counts: Int64[np.ndarray, " source"]) -> tuple[str, ...]:
    """The scripts that make up a good part of the text's letters."""
    totals: dict[str, int] = {}
    for id, name in script.items():
        if name and name != COMMON:
            totals[name] = totals.get(name, 0) + int(counts[id])
    letters = sum(totals.values())
    return tuple(sorted(name for name, total in totals.items() if total > LEAST_SHARE_OF_A_SCRIPT * letters))


def _features(tokens: list[Token], read_rows: ReadRows) -> Float32[np.ndarray, "tokens features"]:
    """Standardized rows, what spelling and place in the vocabulary tell, and a last column of 1.

    They are the largest array of a run that trims: nothing of its size is made beside it.
    """
    ids = np.array([token.id for token in tokens])
    features = np.ones((len(tokens), read_rows(ids[:0]).shape[1] + 4), np.float32)
    for start in range(0, len(tokens), ROWS_AT_A_TIME):
        rows = slice(start, start + ROWS_AT_A_TIME)
        features[rows, :-4] = read_rows(ids[rows])
        features[rows, -4:-1] = [
            (np.log1p(token.id), len(token.form), token.word_start is True) for token in tokens[rows]
        ]
    standardized = features[:, :-1]
    standardized -= standardized.mean(axis=0)
    deviation = np.sqrt(np.einsum("ij,ij->j", standardized, standardized) / len(tokens))
    standardized /= np.maximum(deviation, 1e-12)
    return features


def _left_out_logits(
    features: Float32[np.ndarray, "tokens features"], positive: Bool[np.ndarray, " tokens"]
) -> Float64[np.ndarray, " tokens"]:
    """The logit of each token by a logistic regression on the others.

    Newton's method; then each token is taken out by one more step from the solution, for which its leverage
    is all that is needed (Pregibon 1981, "Logistic regression diagnostics", equation 15). Most steps are made
    on a part of the tokens, from whose solution that of all is near.
    """
    penalty = np.full(features.shape[1], PENALTY)
    penalty[-1] = 1e-6  # the intercept is free
    weights = np.zeros(features.shape[1])
    part, few = features[::PART], positive[::PART]
    for _ in range(STEPS_ON_A_PART):
        weights, _ = _newton_step(part, few, weights, penalty / PART)
    for _ in range(STEPS_ON_ALL):
        weights, hessian = _newton_step(features, positive, weights, penalty)
    logits, errors, curvature = _state(features, weights, positive)
    # The last step was so short that the Hessian before it is that of the solution.
    factor = np.linalg.cholesky(np.linalg.inv(hessian)).astype(np.float32)
    spread = np.zeros(len(features))
    for rows in _blocks(len(features)):
        projected = features[rows] @ factor
        spread[rows] = np.einsum("ij,ij->i", projected, projected)
    leverage = np.minimum(curvature * spread, 0.99)
    return np.asarray(logits - errors * spread / (1 - leverage))


def _newton_step(
    features: Float32[np.ndarray, "tokens features"],
    positive: Bool[np.ndarray, " tokens"],
    weights: Float64[np.ndarray, " features"],
    penalty: Float64[np.ndarray, " features"],
) -> tuple[Float64[np.ndarray, " features"], Float64[np.ndarray, "features features"]]:
    """The weights after one more step, and the Hessian before it."""
    _, errors, curvature = _state(features, weights, positive)
    gradient = (errors.astype(np.float32) @ features).astype(np.float64) - penalty * weights
    hessian = _hessian(features, curvature, penalty)
    return weights + np.linalg.solve(hessian, gradient), hessian


def _state(
    features: Float32[np.ndarray, "tokens features"],
    weights: Float64[np.ndarray, " features"],
    positive: Bool[np.ndarray, " tokens"],
) -> tuple[Float64[np.ndarray, " tokens"], Float64[np.ndarray, " tokens"], Float64[np.ndarray, " tokens"]]:
    """Logits, errors and curvature of the loss of each token."""
    logits = (features @ weights.astype(np.float32)).astype(np.float64)
    probability = 1 / (1 + np.exp(-logits))
    # Curvature near 0 would make the step of a token that is taken out too large.
    return logits, positive - probability, np.maximum(probability * (1 - probability), 1e-4)


def _hessian(
    features: Float32[np.ndarray, "tokens features"],
    curvature: Float64[np.ndarray, " tokens"],
    penalty: Float64[np.ndarray, " features"],
) -> Float64[np.ndarray, "features features"]:
    roots = np.sqrt(curvature).astype(np.float32)
    upper = np.zeros((features.shape[1], features.shape[1]), np.float32, order="F")
    for rows in _blocks(len(features)):
        weighted = features[rows] * roots[rows, None]
        upper = ssyrk(1.0, weighted.T, 1.0, upper, overwrite_c=True)  # half of a product with itself
    return np.asarray(upper.astype(np.float64) + np.triu(upper, 1).T + np.diag(penalty))


def _blocks(rows: int) -> Iterator[slice]:
    """Neighboring rows, as many as stay in the processor's cache."""
    return (slice(start, start + BLOCK_ROWS) for start in range(0, rows, BLOCK_ROWS))
