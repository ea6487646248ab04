"""Ranks the tokens that a small text happened not to use by how likely they belong to its language.

A text of a megabyte uses a part of its language's tokens. For a script of one language, all tokens of the
script are the language's; Latin, Cyrillic or Arabic letters are shared by many. The source knows more: a
classifier on its embedding rows tells the tokens that the text uses from others of the same script, and
what it says of an unused token is how much that looks like the used ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64
from scipy.optimize import minimize

from monoglot.tokenization.parts import Token
from monoglot.tokenization.spelling import COMMON, script_of
from monoglot.tokenization.vocabulary import Vocabulary

LEAST_SHARE_OF_A_SCRIPT = 0.05
"""Of the text's letters; other scripts are quotations."""
MOST_NEGATIVES = 20_000
FOLDS = 5
PENALTY = 0.05
"""C of the logistic regression: the inverse of the weight of the squared norm."""
LEAST_POSITIVES = 20
"""With fewer used tokens a classifier on hundreds of features says nothing."""
ITERATIONS = 60


@dataclass(frozen=True)
class LanguageTokens:
    """Unused tokens of the scripts of a text.

    Attributes:
        scripts: The scripts that the text is written in.
        ids: Source ids, those that look most like the text's language first.
        probability: What the classifier says of each; NaN where it could not be trained, so that the order is
            that of the ids.
    """

    scripts: tuple[str, ...]
    ids: Int64[np.ndarray, " unused"]
    probability: Float64[np.ndarray, " unused"]


def rank_unused_tokens(
    vocabulary: Vocabulary,
    counts: Int64[np.ndarray, " source"],
    embeddings: Float[np.ndarray, "rows dim"],
    trained: Bool[np.ndarray, " source"],
    *,
    seed: int,
) -> LanguageTokens:
    """Rank the tokens that a text does not use, in its scripts.

    A logistic regression (L2) on the standardized embedding rows, the logarithm of the id (vocabularies are
    ordered by frequency), the length and whether the token begins a word. Positives are the tokens that the
    text uses, negatives up to 20,000 others of its scripts. Each token is scored by a model that was not
    trained on it. O(folds × iterations × tokens × dim).

    Args:
        vocabulary: The source vocabulary.
        counts: How often the text uses each of its tokens.
        embeddings: The source's input embeddings.
        trained: Which rows were trained.
        seed: Seed of the folds and of the choice of negatives.
    """
    tokens = [
        token
        for token in vocabulary.tokens
        if token.id < len(embeddings) and trained[token.id] and not (token.roles or token.is_byte)
    ]
    script = {token.id: script_of(token.form.decode(errors="ignore")) for token in tokens}
    scripts = _scripts(script, counts)
    own = [token for token in tokens if script[token.id] in scripts]
    ids = np.array([token.id for token in own], dtype=np.int64)
    used = counts[ids] > 0 if len(ids) else np.zeros(0, bool)
    unused = np.flatnonzero(~used)
    if min(used.sum(), len(unused)) < LEAST_POSITIVES:
        return LanguageTokens(scripts, ids[unused], np.full(len(unused), np.nan))
    logits = _out_of_fold(_features(own, embeddings), used, np.random.default_rng(seed))[unused]
    order = np.lexsort((ids[unused], -logits))
    return LanguageTokens(scripts, ids[unused][order], 1 / (1 + np.exp(-logits[order])))


def _scripts(script: dict[int, str], counts: Int64[np.ndarray, " source"]) -> tuple[str, ...]:
    """The scripts that make up a good part of the text's letters."""
    totals: dict[str, int] = {}
    for id, name in script.items():
        if name and name != COMMON:
            totals[name] = totals.get(name, 0) + int(counts[id])
    letters = sum(totals.values())
    return tuple(sorted(name for name, total in totals.items() if total > LEAST_SHARE_OF_A_SCRIPT * letters))


def _features(
    tokens: list[Token], embeddings: Float[np.ndarray, "rows dim"]
) -> Float[np.ndarray, "tokens features"]:
    """Standardized rows, with what the spelling and the place in the vocabulary tell."""
    ids = np.array([token.id for token in tokens])
    others = np.array(
        [(np.log1p(token.id), len(token.form), token.word_start is True) for token in tokens], np.float64
    )
    features = np.column_stack([embeddings[ids].astype(np.float64), others])
    return np.asarray((features - features.mean(axis=0)) / np.maximum(features.std(axis=0), 1e-12))


def _out_of_fold(
    features: Float[np.ndarray, "tokens features"],
    positive: Bool[np.ndarray, " tokens"],
    random: np.random.Generator,
) -> Float64[np.ndarray, " tokens"]:
    """The logit of each token by a model of the other folds."""
    fold = random.integers(0, FOLDS, len(features))
    negatives = np.flatnonzero(~positive)
    if len(negatives) > MOST_NEGATIVES:
        negatives = random.choice(negatives, MOST_NEGATIVES, replace=False)
    takes_part = positive.copy()
    takes_part[negatives] = True
    logits = np.zeros(len(features))
    for held_out in range(FOLDS):
        training = takes_part & (fold != held_out)
        weights = _logistic_regression(features[training], positive[training])
        logits[fold == held_out] = features[fold == held_out] @ weights[:-1] + weights[-1]
    return logits


def _logistic_regression(
    features: Float[np.ndarray, "tokens features"], positive: Bool[np.ndarray, " tokens"]
) -> Float64[np.ndarray, " weights"]:
    """Weights and, last, the intercept, which is not penalized."""
    width = features.shape[1]

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        logits = features @ weights[:width] + weights[width]
        losses = np.logaddexp(0, np.where(positive, -logits, logits))
        errors = 1 / (1 + np.exp(-logits)) - positive
        gradient = np.append(PENALTY * (features.T @ errors) + weights[:width], PENALTY * errors.sum())
        return float(PENALTY * losses.sum() + weights[:width] @ weights[:width] / 2), gradient

    found = minimize(loss, np.zeros(width + 1), jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS})
    return np.asarray(found.x)
