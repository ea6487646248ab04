"""`push`: publish a finished model on the Hugging Face hub, without what was made on the way."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
)

from monoglot.errors import OutputError, first_line
from monoglot.keywords import explains_keywords
from monoglot.model.find import check_repository
from monoglot.model.given_text import CHAT_TEMPLATES
from monoglot.model.side_files import sentence_modules
from monoglot.progress import Progress, reporter
from monoglot.reporting.card_metadata import head_of
from monoglot.reporting.finished_run import FinishedRun
from monoglot.reporting.wording import file_size
from monoglot.result import Highlight, Made, Result, Row, folder_of
from monoglot.run import LAYOUT
from monoglot.untrusted import read_foreign_json

logger = logging.getLogger(__name__)

MODEL_FILES = (
    "*.safetensors", "*.safetensors.index.json", "README.md", "LICENSE*", "NOTICE*",
    "config.json", "generation_config.json", "preprocessor_config.json", "processor_config.json",
    "video_preprocessor_config.json", "modules.json", "config_sentence_transformers.json",
    "sentence_*_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", "vocab.json", "vocab.txt", "merges.txt", "*.model", "chat_template.jinja",
    "chat_template.json",
)  # fmt: skip
"""Names of the files that models are made of on the hub."""


@dataclass(frozen=True, repr=False)
class Pushed(Result):
    """What was published.

    Attributes:
        address: Where the model is.
        files: Names of the files.
        bytes: Their size.
        private: Whether others can't see it.
        left_out: Names of files that are none of a model, which stay where they are.
        sizes: Bytes of each file.
        warnings: What to look up before others see it, such as the license; a sentence each.
        dry_run: Whether nothing was sent.
    """

    address: str
    files: tuple[str, ...]
    bytes: int
    private: bool
    left_out: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()
    dry_run: bool = False

    def highlights(self) -> Iterator[Highlight]:
        """Give where the model is, how much was sent, and what to look up."""
        seen = "private" if self.private else "public"
        sent = "not sent" if self.dry_run else "sent"
        yield "address", f"{self.address} ({seen})"
        yield sent, f"{len(self.files)} files, {file_size(self.bytes)}"
        if self.left_out:
            yield "left out", f"{len(self.left_out)} files"
        for warning in self.warnings:
            yield "warning", warning

    def rows(self) -> list[Row]:
        """Give a row for each file, sent or left out."""
        sent = "would be sent" if self.dry_run else "sent"
        rows = [
            {"file": name, "was": sent, "bytes": size}
            for name, size in zip(self.files, self.sizes, strict=True)
        ]
        return [*rows, *({"file": name, "was": "left out", "bytes": None} for name in self.left_out)]


@explains_keywords()
def push(
    output: str | Path | Made,
    name: str,
    *,
    public: bool = False,
    dry_run: bool = False,
    progress: Progress | bool = False,
) -> Pushed:
    """Publish the model of an output folder: weights, tokenizer, configuration and card.

    What lies in ``monoglot/`` stays where it is: it holds the user's own text and the paths of their
    files. So does whatever else is no file of a model.

    Args:
        output: Folder that `specialize` or `adapt` wrote, or what that function gave back.
        name: Its name on the hub: ``owner/model``.
        public: Whether everybody may see it.
        dry_run: Whether to send nothing, and only say what would be sent.
        progress: Whether to show what will be sent, and what is left out, before anything is, or where.

    Raises:
        OutputError: If monoglot did not make the folder, or the hub does not take it.
        SettingError: If the name is none that a model can have.
    """
    run = FinishedRun(folder_of(output))
    run.check_model()
    folder = run.output
    check_repository(name)
    files, left_out = published(folder)
    warnings = tuple(license_warnings(folder))
    for warning in warnings:
        logger.warning("%s", warning)
    shown = reporter(progress)
    for line in announced(folder, name, files, left_out, public=public):
        shown.note(line)
    address = f"{HUB}/{name}" if dry_run else _send(folder, name, files, public=public)
    names, others = (tuple(str(path.relative_to(folder)) for path in each) for each in (files, left_out))
    sizes = tuple(path.stat().st_size for path in files)
    return Pushed(address, names, sum(sizes), not public, others, sizes, warnings, dry_run)


HUB = "https://huggingface.co"


def _send(folder: Path, name: str, files: Sequence[Path], *, public: bool) -> str:
    """Make the repository if there is none and upload files of a folder; gives its address."""
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
        raise OutputError("you are not logged in to the hub: run `hf auth login`") from error
    except (HfHubHTTPError, HFValidationError, OfflineModeIsEnabled, OSError) as error:
        raise OutputError(
            f"{folder} could not be published as '{name}' ({first_line(error)}): the folder is unchanged; "
            "check the name, your write permission, and the connection"
        ) from error
    return str(address)


REDISTRIBUTABLE = (
    "apache-2.0", "mit", "bsd", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear", "isc", "zlib",
    "unlicense", "wtfpl", "mpl-2.0", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0",
    "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-sa-2.0",
    "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "gpl", "gpl-2.0", "gpl-3.0", "lgpl", "lgpl-2.1", "lgpl-3.0",
    "agpl-3.0", "eupl-1.1", "eupl-1.2", "osl-3.0", "afl-3.0", "artistic-2.0", "ecl-2.0", "epl-1.0",
    "epl-2.0", "ms-pl", "ncsa", "bsl-1.0", "odc-by", "odbl", "pddl", "cdla-permissive-1.0",
    "cdla-permissive-2.0", "openrail", "openrail++", "bigscience-openrail-m", "creativeml-openrail-m",
    "bigscience-bloom-rail-1.0",
)  # fmt: skip
"""Licenses, by their names on the hub, that let anybody publish a changed model, under various conditions."""


def license_warnings(folder: Path) -> Iterator[str]:
    """Say what to look up before a model is published, by the license that its card names.

    Args:
        folder: The folder to publish.
    """
    card = folder / LAYOUT.card
    found = head_of(card).get("license")
    if not found or found == "unknown":
        yield (
            f"{card} names no license, because the original's files name none: look the original's up, and "
            f"write it at the head of {card} (license: NAME) before anybody else gets the model"
        )
    elif str(found).lower() not in REDISTRIBUTABLE:
        yield (
            f"the license of {card} is {found}, which is not known to allow publishing a changed model: read "
            f"it before anybody else gets the model; `license:` at the head of {card} corrects the name"
        )


def published(folder: Path) -> tuple[list[Path], list[Path]]:
    """Give the files that belong to the model, and those that are left out.

    What belongs to a model is known by its name: at the root, in the folders that modules.json names, and in
    the folder of further chat templates. Code goes along only if config.json names it. Links never do: they
    may lead anywhere.

    Args:
        folder: The output folder.
    """
    config = folder / "config.json"
    names = [*MODEL_FILES]
    if config.is_file() and "auto_map" in read_foreign_json(config, OutputError):
        names.append("*.py")
    places = {folder, *(path for _, path in sentence_modules(folder))}
    sent: list[Path] = []
    left_out: list[Path] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_symlink() or path.is_file()):
        if path.relative_to(folder).parts[0] == LAYOUT.home:
            continue
        template = path.parent == folder / CHAT_TEMPLATES and path.suffix == ".jinja"
        known = path.parent in places and any(fnmatchcase(path.name, name) for name in names)
        (sent if (known or template) and not path.is_symlink() else left_out).append(path)
    return sent, left_out


def announced(
    folder: Path, name: str, sent: list[Path], left_out: list[Path], *, public: bool
) -> Iterator[str]:
    """Describe what is about to be sent, a line for each file."""
    yield f"To {name} ({'public' if public else 'private'}):"
    for path in sent:
        yield f"  {path.relative_to(folder)} ({path.stat().st_size:,} bytes)"
    if left_out:
        yield f"left out: {', '.join(str(path.relative_to(folder)) for path in left_out)}"
