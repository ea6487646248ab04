"""An order of whole documents in which windows have hardly a place left over."""

from __future__ import annotations

from collections import deque

import numpy as np
from jaxtyping import Int64


def filling_order(
    lengths: Int64[np.ndarray, " documents"], window_tokens: int
) -> Int64[np.ndarray, " documents"]:
    """Reorder documents so that windows which take them in turn have hardly a place left over.

    The next in line is taken as long as it fits; after that, whichever fills most of what is left.

    Args:
        lengths: Tokens of each document, none longer than a window.
        window_tokens: Tokens of a window.
    """
    waiting = [deque[int]() for _ in range(window_tokens + 1)]
    for rank, length in enumerate(lengths.tolist()):
        waiting[length].append(rank)
    taken = np.zeros(len(lengths) + 1, bool)
    order, front, room = np.empty_like(lengths), 0, window_tokens
    for place in range(len(lengths)):
        while taken[front]:
            front += 1
        length = int(lengths[front])
        if length > room:
            length = next((fitting for fitting in range(room, 0, -1) if waiting[fitting]), length)
        if length > room:
            room = window_tokens
        # The front of the line is the first of its length, too.
        order[place] = rank = waiting[length].popleft()
        taken[rank] = True
        room -= length
    return order
