"""Is the network switched off, and by which variable of the environment?"""

from __future__ import annotations

import os

SWITCHES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
"""What the hub's client reads."""
YES = ("1", "ON", "YES", "TRUE")


def offline_switch() -> str | None:
    """Give the variable that keeps the hub's client from the network; ``None`` if none does."""
    return next((name for name in SWITCHES if os.environ.get(name, "").upper() in YES), None)
