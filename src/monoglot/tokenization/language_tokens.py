"""Ranks the tokens that a text happened not to use by how likely they belong to its language.

A text of a megabyte uses a part of its language's tokens. For a script of one language, all tokens of the
script are the language's; Latin, Cyrillic or Arabic letters are shared by many. The source knows more: a
classifier on its embedding rows tells the tokens that the text uses from others of the same script, and
what it says of an unused token is how much that looks like the used ones.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int64
from scipy.linalg.blas import ssyrk

from monoglot.tokenization.parts import Token
from monoglot.tokenization.scripts import COMMON, check_scripts, script_of
from monoglot.tokenization.vocabulary import Vocabulary

LEAST_SHARE_OF_A_SCRIPT = 0.05
"""Of the text's letters; other scripts are quotations."""
SHARED_SCRIPTS = frozenset({"Arabic", "Cyrillic", "Devanagari", "Han", "Latin"})
"""Scripts that many languages of common models are written in: that a token is written in one of them
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
MOST_OF_A_KIND = 50_000
"""The classifier is trained on at most so many used and so many unused tokens, evenly spread over the
ids: with all 98,000 unused ones of XLM-R's vocabulary it takes twice as long and regains as much
(``benchmarks/language_tokens.py``)."""
PART = 8
"""The first steps are made on one token in so many."""
STEPS_ON_A_PART, STEPS_ON_ALL = 3, 3
BLOCK_ROWS = 2048
ROWS_AT_A_TIME = 1 << 12
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
    most_of_a_kind: int = MOST_OF_A_KIND,
) -> LanguageTokens:
    """Rank the tokens that a text does not use, in its scripts.

    A logistic regression (L2) on the standardized embedding rows, the logarithm of the id (vocabularies are
    ordered by frequency), the length and whether the token begins a word. Positives are the tokens that the
    text uses, negatives others of its scripts; of many, some of each. Each token is scored as by a model that
    was not trained on it. O(steps × dim² + tokens × dim).

    Args:
        vocabulary: The source vocabulary.
        counts: How often the text uses each of its tokens.
        read_rows: Reads the source's input embeddings of some ids.
        trained: Which ids have rows that were trained.
        whole_scripts: Scripts of which all tokens are kept, whatever the text is written in.
        own_scripts: Whether this also holds for the text's scripts that few languages share.
        most_of_a_kind: On how many used and on how many unused tokens the classifier is trained at most.

    Raises:
        SettingError: If the source has no token of one of ``whole_scripts``.
    """
    tokens = [
        token for token in vocabulary.tokens if trained[token.id] and not (token.roles or token.is_byte)
    ]
    script = {token.id: script_of(token.form.decode(errors="ignore")) for token in tokens}
    check_scripts(whole_scripts, frozenset(script.values()))
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
        probability[~used] = 1 / (1 + np.exp(-_unused_logits(own, used, read_rows, most_of_a_kind)))
    order = np.lexsort((ids, -np.nan_to_num(probability)))
    order = order[~used[order]]
    return LanguageTokens(scripts, ids[order], probability[order], by_script[order])


def _scripts(script: dict[int, str], counts: Int64[np.ndarray, " source"]) -> tuple[str, ...]:
    """The scripts that make up a good part of the text's letters."""
    totals: dict[str, int] = {}
    for id, name in script.items():
        if name and name != COMMON:
            totals[name] = totals.get(name, 0) + int(counts[id])
    letters = sum(totals.values())
    return tuple(sorted(name for name, total in totals.items() if total > LEAST_SHARE_OF_A_SCRIPT * letters))


def _unused_logits(
    tokens: Sequence[Token], used: Bool[np.ndarray, " tokens"], read_rows: ReadRows, most: int
) -> Float64[np.ndarray, " unused"]:
    """The logit of each unused token by a classifier that was not trained on it.

    It is trained on a sample of both kinds of tokens, which changes nothing but the intercept, by the
    logarithm of the ratio of their shares (Prentice and Pyke 1979, "Logistic disease incidence models and
    case-control studies").
    """
    places = [_spread(np.flatnonzero(kind), most) for kind in (used, ~used)]
    sample = np.sort(np.concatenate(places))
    positive = used[sample]
    features = _features([tokens[place] for place in sample], read_rows)
    standard = _Standard.of(features)
    standard.apply(features)
    weights, hessian = _fit(features, positive)
    logits = np.full(len(tokens), np.nan)
    logits[sample[~positive]] = _left_out_logits(features, positive, weights, hessian)
    others = np.setdiff1d(np.flatnonzero(~used), sample, assume_unique=True)
    for start in range(0, len(others), ROWS_AT_A_TIME):
        block = others[start : start + ROWS_AT_A_TIME]
        features = _features([tokens[place] for place in block], read_rows)
        standard.apply(features)
        logits[block] = features @ weights.astype(np.float32)
    shares = [len(some) / kind.sum() for some, kind in zip(places, (used, ~used), strict=True)]
    return np.asarray(logits[~used] - np.log(shares[0] / shares[1]))


def _spread(places: Int64[np.ndarray, " places"], most: int) -> Int64[np.ndarray, " some"]:
    """Places at equal distances, so many at most."""
    return places[:: -(-len(places) // most)]


def _features(tokens: Sequence[Token], read_rows: ReadRows) -> Float32[np.ndarray, "tokens features"]:
    """Embedding rows, what text and place in the vocabulary tell, and a last column of 1."""
    ids = np.array([token.id for token in tokens], dtype=np.int64)
    features = np.empty((len(tokens), read_rows(ids[:0]).shape[1] + 4), np.float32)
    for start in range(0, len(tokens), ROWS_AT_A_TIME):
        rows = slice(start, start + ROWS_AT_A_TIME)
        features[rows, :-4] = read_rows(ids[rows])
    features[:, -4] = np.log1p(ids)
    features[:, -3] = [len(token.form) for token in tokens]
    features[:, -2] = [token.word_start is True for token in tokens]
    features[:, -1] = 1
    return features


@dataclass(frozen=True)
class _Standard:
    """Mean and deviation of all features but the last."""

    mean: Float32[np.ndarray, " features-1"]
    deviation: Float32[np.ndarray, " features-1"]

    @staticmethod
    def of(features: Float32[np.ndarray, "tokens features"]) -> _Standard:
        """Those of some tokens; nothing of the size of their features is made beside them."""
        mean = features[:, :-1].mean(axis=0)
        squares = np.zeros(len(mean))
        for rows in _blocks(len(features)):
            centered = features[rows, :-1] - mean
            squares += np.einsum("ij,ij->j", centered, centered)
        deviation = np.maximum(np.sqrt(squares / len(features)), 1e-12)
        return _Standard(mean, deviation.astype(np.float32))

    def apply(self, features: Float32[np.ndarray, "tokens features"]) -> None:
        """Standardize features in place."""
        features[:, :-1] -= self.mean
        features[:, :-1] /= self.deviation


def _fit(
    features: Float32[np.ndarray, "tokens features"], positive: Bool[np.ndarray, " tokens"]
) -> tuple[Float64[np.ndarray, " features"], Float64[np.ndarray, "features features"]]:
    """Train a logistic regression by Newton's method: its weights, and the Hessian there.

    Most steps are made on a part of the tokens, from whose solution that of all is near.
    """
    penalty = np.full(features.shape[1], PENALTY)
    penalty[-1] = 1e-6  # the intercept is free
    weights = np.zeros(features.shape[1])
    few = positive[::PART]
    # From a part without some of both kinds, the steps on all would start too far away to get back.
    every = PART if min(few.sum(), len(few) - few.sum()) >= LEAST_POSITIVES else 1
    for _ in range(STEPS_ON_A_PART):
        weights, _ = _newton_step(features[::every], positive[::every], weights, penalty / every)
    for _ in range(STEPS_ON_ALL):
        weights, hessian = _newton_step(features, positive, weights, penalty)
    # The last step was so short that the Hessian before it is that of the solution.
    return weights, hessian


def _left_out_logits(
    features: Float32[np.ndarray, "tokens features"],
    positive: Bool[np.ndarray, " tokens"],
    weights: Float64[np.ndarray, " features"],
    hessian: Float64[np.ndarray, "features features"],
) -> Float64[np.ndarray, " unused"]:
    """The logit of each unused token that a classifier was trained on, as if it had not been.

    It is taken out by one more step from the solution, for which its leverage is all that is needed
    (Pregibon 1981, "Logistic regression diagnostics", equation 15).
    """
    unused = np.flatnonzero(~positive)
    logits, errors, curvature = (each[unused] for each in _state(features, weights, positive))
    factor = np.linalg.cholesky(np.linalg.inv(hessian)).astype(np.float32)
    spread = np.zeros(len(unused))
    for rows in _blocks(len(unused)):
        projected = features[unused[rows]] @ factor
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
