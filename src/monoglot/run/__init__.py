"""The run folder: stages keyed by content, atomic writes, a manifest, and resuming.

The user asks for ``OUT``. While a run works, everything lies in the sibling folder ``OUT.partial``; at the
very end that folder is renamed to ``OUT``, so that ``OUT`` is complete or does not exist. The files of the
stages given to `Run.publish` lie at its root, all others in ``OUT/monoglot``: `monoglot.run.layout` names
every file, who writes it and who reads it.

A stage is computed into a temporary folder and renamed when it is complete; it is found again by a key made
of its name, version and settings and the *content* of its inputs. A killed run therefore continues where it
was, a changed setting redoes only what depends on it, and a stage whose inputs come out the same is reused.

Whatever depends on the clock or the load of the machine is in files named ``measured.json``: all others that
a run publishes are byte for byte the same in two runs with one seed and one thread on one machine.
"""

from monoglot.run.atomic_files import atomic_write, read_json, write_json
from monoglot.run.hashing import content_key, file_hash
from monoglot.run.layout import LAYOUT
from monoglot.run.run_folder import Artifact, Description, Run, recorded_name
from monoglot.run.stage import Measured

__all__ = [
    "LAYOUT",
    "Artifact",
    "Description",
    "Measured",
    "Run",
    "atomic_write",
    "content_key",
    "file_hash",
    "read_json",
    "recorded_name",
    "write_json",
]
