"""`push`: publish a finished model on the Hugging Face hub, without what was made on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
)

from monoglot.errors import OutputError, SettingError, first_line
from monoglot.pipeline.names import HUB_NAME
from monoglot.pipeline.report_artifacts import Artifacts
from monoglot.run.output import HOME


@dataclass(frozen=True)
class Pushed:
    """What was published.

    Attributes:
        address: Where the model is.
        files: Names of the files.
        bytes: Their size.
        private: Whether others can't see it.
    """

    address: str
    files: tuple[str, ...]
    bytes: int
    private: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def push(output: str | Path, name: str, *, public: bool = False) -> Pushed:
    """Publish the model of an output folder: weights, tokenizer, configuration and card.

    What lies in ``monoglot/`` stays where it is: it holds the user's own text and the paths of their files.

    Args:
        output: Folder that `specialize` or `adapt` wrote.
        name: Where it goes on the hub: ``owner/model``.
        public: Whether everybody may see it.

    Raises:
        OutputError: If monoglot did not make the folder, or the hub does not take it.
        SettingError: If the name is none that a model can have.
    """
    folder = Artifacts(Path(output)).output
    if not (HUB_NAME.fullmatch(name) and "/" in name):
        raise SettingError(f"'{name}' is no name for a model on the hub: give owner/model")
    files = published(folder)
    hub = HfApi()
    try:
        address = hub.create_repo(name, private=not public, exist_ok=True)
        hub.upload_folder(
            repo_id=name,
            folder_path=folder,
            allow_patterns=[str(path.relative_to(folder)) for path in files],
            commit_message="A model made with monoglot",
        )
    except LocalTokenNotFoundError as error:
        raise OutputError("the hub does not know who you are: log in with `hf auth login`") from error
    except (HfHubHTTPError, HFValidationError, OfflineModeIsEnabled, OSError) as error:
        raise OutputError(
            f"{folder} could not be published as '{name}' ({first_line(error)}): it is as it was; check the "
            "name, your right to write there, and the connection"
        ) from error
    names = tuple(str(path.relative_to(folder)) for path in files)
    return Pushed(str(address), names, sum(path.stat().st_size for path in files), not public)


def published(folder: Path) -> Sequence[Path]:
    """The files of an output folder that belong to the model."""
    parts_of = {path: path.relative_to(folder).parts for path in folder.rglob("*") if path.is_file()}
    return sorted(
        path
        for path, parts in parts_of.items()
        if parts[0] != HOME and not any(part.startswith(".") for part in parts)
    )
