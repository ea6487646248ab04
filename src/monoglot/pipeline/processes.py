"""One process that leads, and others that train along with it (``accelerate launch``, ``torchrun``)."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list

LONGEST_STAGE = timedelta(days=2)
"""How long the others wait while the leader reads and tokenises the corpus."""

Order = TypeVar("Order")


def join() -> bool:
    """Meet the other processes of a launch, if there are any.

    Returns:
        Whether this process leads.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not PartialState._shared_state:
        PartialState(cpu=not torch.accelerator.is_available(), timeout=LONGEST_STAGE)
    return bool(PartialState().is_main_process)


def send(order: Order | None) -> None:
    """Tell the others what to do; ``None`` if there is nothing."""
    if PartialState().num_processes > 1:
        broadcast_object_list([order])


def receive() -> object | None:
    """Wait for what the leader sends."""
    box: list[object | None] = [None]
    broadcast_object_list(box)
    return box[0]
