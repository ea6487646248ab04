"""Finds a model by folder, or by name on the Hugging Face hub."""

from __future__ import annotations

import re
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from monoglot.errors import ModelError, SettingError
from monoglot.offline import offline_switch

HUB_NAME = re.compile(r"\w[\w.-]*(/[\w.-]+)?")


HUB_FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "*.py", "README.md")


def find_folder(name: str) -> Path:
    """Find a model by folder, or by name on the Hugging Face hub.

    Raises:
        ModelError: If it is neither a folder nor a model that the hub gives.
    """
    if not name.strip():
        raise ModelError("the name of the model is empty; expected a folder, or a name on the hub")
    folder = Path(name).expanduser()
    return folder if folder.is_dir() else _download(name)


def find_here(name: str) -> Path:
    """Find a model that a file names, not the user: a folder or in the hub's cache, without asking the hub.

    Raises:
        ModelError: If it is not on this machine.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    try:
        if HUB_NAME.fullmatch(name):
            return Path(snapshot_download(name, allow_patterns=list(HUB_FILES), local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError, OSError):
        pass
    raise ModelError(f"the model '{name}' is not on this machine")


def check_repository(name: str) -> None:
    """Refuse what can't be the name of a model's repository on the hub.

    Raises:
        SettingError: If it is none.
    """
    if not (HUB_NAME.fullmatch(name) and "/" in name):
        raise SettingError(f"'{name}' is not a name for a model on the hub: give owner/model")


def _download(name: str) -> Path:
    """Fetch a model from the hub, or from the local cache of it."""
    if Path(name).is_file():
        raise ModelError(f"'{name}' is a file: give the folder of the model")
    if not HUB_NAME.fullmatch(name):
        raise ModelError(
            f"no such model: there is no folder '{name}', and hub names have the form owner/model"
        )
    try:
        return Path(snapshot_download(name, allow_patterns=list(HUB_FILES)))
    except LocalEntryNotFoundError as error:
        if switch := offline_switch():
            raise ModelError(
                f"there is no folder '{name}', nor a model of that name in the hub's cache, and {switch} "
                f"keeps monoglot from asking the hub: unset {switch}, or give the folder of the model"
            ) from error
        problem = "the hub can't be reached to look for a model of that name"
        raise ModelError(_unknown(name, problem)) from error
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise ModelError(_unknown(name, "the hub gives no model of that name")) from error


def _unknown(name: str, problem: str) -> str:
    return (
        f"no such model: there is no folder '{name}', and {problem}; check the spelling, "
        "or download the model and give its folder"
    )
