"""Giving freed memory back to the system."""

from __future__ import annotations

import ctypes
import gc
import sys


def return_memory() -> None:
    """Free what nobody refers to, and have glibc return it.

    A tokenizer of 250,000 tokens is millions of small pieces of memory, which glibc keeps for later when
    they are freed; a stage that needs one large piece then pays for both. Where the C library is another
    one, this is a garbage collection and no more.
    """
    gc.collect()
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
