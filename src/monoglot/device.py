"""Where is computed: on the accelerator that there is or the device that the user names, in how many threads?

torch is imported where it is used: it takes a second, which settings should not wait for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from monoglot.errors import SettingError, first_line

if TYPE_CHECKING:
    import torch

NAME = re.compile(r"cpu|(cuda|mps|xpu|npu|mlu|musa|hpu)(:\d+)?")


def check_name(device: str | None) -> None:
    """Refuse what can't be the name of a device, without asking whether it is there.

    Raises:
        SettingError: If it is no name.
    """
    if device is not None and not NAME.fullmatch(device):
        raise SettingError(
            f"--device {device} is no device that torch computes on: give cpu, cuda, cuda:1 or mps"
        )


def check_device(device: str | None) -> None:
    """Refuse a device that can't compute here.

    Raises:
        SettingError: If there is no such device.
    """
    if device is None or device == "cpu":
        return
    import torch

    check_name(device)
    try:
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        found = torch.accelerator.current_accelerator()
        others = [f"{found.type}:{n}" for n in range(torch.accelerator.device_count())] if found else []
        raise SettingError(
            f"--device {device} can't be used ({first_line(error)}): give {' or '.join(['cpu', *others])}"
        ) from error


def device_of(device: str | None) -> torch.device:
    """Give the device that the user named, or else the accelerator that there is, or else the processor."""
    import torch

    if device is not None:
        return torch.device(device)
    return torch.accelerator.current_accelerator() or torch.device("cpu")


@contextmanager
def limited_threads(n_threads: int) -> Iterator[None]:
    """Limit torch and, if they have not started theirs yet, the Rust libraries (tokenizers).

    Args:
        n_threads: The limit; the one before is restored afterwards.
    """
    import torch

    before = torch.get_num_threads()
    os.environ.setdefault("RAYON_NUM_THREADS", str(n_threads))
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
