"""Which tokens a trimmed vocabulary lets in, in which order, and when it stops."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np
from jaxtyping import Float64, Int64
from transformers import PreTrainedTokenizerFast

from monoglot.errors import SettingError
from monoglot.tokenization.carried import carried_tokens
from monoglot.tokenization.closure import ancestry, characters_of, least_token, line_ends_of
from monoglot.tokenization.parts import Parts, family_of
from monoglot.tokenization.surgery import State, ids_of
from monoglot.tokenization.vocabulary import backend_of

Counts = Int64[np.ndarray, " source"] | Float64[np.ndarray, " source"]

ROUNDING = 1e-9
"""Sums of weights are compared up to this share of them."""


def admission(
    source: PreTrainedTokenizerFast, state: State, counts: Counts, keep: Iterable[int] = ()
) -> tuple[list[int], Iterator[int]]:
    """Give the order in which tokens are let in: first what must stay, then the more frequent ones first.

    What a token is merged from stands before it, so any beginning of the order is a valid vocabulary. Of the
    tokens that never occur, those spelled in characters that do occur come first.

    Args:
        source: The tokenizer.
        state: Its tokenizer.json.
        counts: How often each of its tokens occurs.
        keep: Ids of further tokens that must stay.

    Returns:
        The source ids that must stay, and the others, which are put in order only as far as they are asked
        for: most of a large vocabulary is not.
    """
    ids = ids_of(state)
    backend = backend_of(source)
    family = family_of(backend, Parts.of(backend))
    needs = ancestry(state)
    used = [text for text, id in ids.items() if counts[id] > 0]
    text_of = {id: text for text, id in ids.items()}
    asked = [text_of[id] for id in keep]
    must = [
        *carried_tokens(source, state, family),
        *characters_of(state, family, used),
        *line_ends_of(state, used),
        *least_token(state),
        *asked,
    ]
    admitted: dict[str, None] = {}
    for text in must:
        admitted |= dict.fromkeys([*needs(text), text])

    def others() -> Iterator[int]:
        for text in _by_count(ids, used, counts):
            if text not in admitted:
                new = [one for one in dict.fromkeys([*needs(text), text]) if one not in admitted]
                admitted.update(dict.fromkeys(new))
                yield from (ids[one] for one in new)

    return [ids[text] for text in admitted], others()


def until_all_are_in(required: Iterable[int], others: Iterator[int], wanted: Iterable[int]) -> Iterator[int]:
    """Let tokens in until all that are wanted are in."""
    lacking = set(wanted).difference(required)
    while lacking:
        id = next(others)
        lacking.discard(id)
        yield id


def until_covered(
    required: Collection[int], others: Iterable[int], counts: Counts, coverage: float
) -> Iterator[int]:
    """Let tokens in until they make up a share of all that is counted."""
    wanted = coverage * float(counts.sum()) * (1 - ROUNDING)
    covered = float(counts[list(required)].sum())
    for id in others:
        if covered >= wanted:
            return
        covered += float(counts[id])
        yield id


def until_lines_are_whole(
    required: Collection[int],
    others: Iterable[int],
    lines: Sequence[Collection[int]],
    max_loss: float,
    line_weights: Sequence[float] | None = None,
) -> Iterator[int]:
    """Let tokens in until all but a share of some lines have all their tokens.

    Args:
        required: What is in already.
        others: The tokens to let in, in order.
        lines: The different tokens of each line.
        max_loss: The share.
        line_weights: How much each line counts; by default all the same.

    Raises:
        SettingError: If there are no lines.
    """
    if not lines:
        raise SettingError("max_loss is measured on held-out lines, got none; give some")
    weights = [1.0] * len(lines) if line_weights is None else line_weights
    may_lack = (max_loss + ROUNDING) * sum(weights)
    known = frozenset(required)
    lacking = [frozenset(tokens) - known for tokens in lines]
    n_lacking = [len(tokens) for tokens in lacking]
    lines_with: dict[int, list[int]] = defaultdict(list)
    for place, tokens in enumerate(lacking):
        for id in tokens:
            lines_with[id].append(place)
    lack = sum(weight for weight, n in zip(weights, n_lacking, strict=True) if n)
    for id in others:
        if lack <= may_lack:
            return
        for place in lines_with.get(id, ()):
            n_lacking[place] -= 1
            if n_lacking[place] == 0:
                lack -= weights[place]
        yield id


def _by_count(ids: dict[str, int], used: list[str], counts: Counts) -> Iterator[str]:
    yield from sorted(used, key=lambda text: (-counts[ids[text]], ids[text]))
    characters = set("".join(used))
    unused = [text for text, id in ids.items() if not counts[id] > 0]
    yield from (text for text in unused if characters.issuperset(text))
    yield from (text for text in unused if not characters.issuperset(text))
