"""The run folder: stages keyed by content, atomic writes, a manifest, and resuming.

The user asks for ``OUT``. While work goes on everything lies in the sibling folder ``OUT.partial``; at the
very end that folder is renamed to ``OUT``, so that ``OUT`` is complete or does not exist::

    OUT/                        a Hugging Face folder: the files of the artifacts given to `Run.publish`
    └── monoglot/
        ├── manifest.json       settings, inputs and their hashes, versions, seed, keys of all stages
        ├── measured.json       when, by which command, seconds and memory of each stage
        └── <stage>/
            ├── stage.json      what the stage was made from, and the hash of each file it wrote
            ├── measured.json   what computing it cost
            └── …               its files (those at the root of OUT are not kept twice)

A stage is computed into a temporary folder and renamed when it is complete; it is found again by a key made
of its name, version and settings and the *content* of its inputs. A killed run therefore continues where it
was, a changed setting redoes only what depends on it, and a stage whose inputs come out the same is reused.

Whatever depends on the clock or the load of the machine is in files named ``measured.json``: all others that
a run publishes are byte for byte the same in two runs with one seed and one thread on one machine.
"""

from monoglot.run.atomic_files import atomic_write, read_json, write_json
from monoglot.run.hashing import content_key, file_hash
from monoglot.run.run_folder import Artifact, Run
from monoglot.run.stage import Measured

__all__ = [
    "Artifact",
    "Measured",
    "Run",
    "atomic_write",
    "content_key",
    "file_hash",
    "read_json",
    "write_json",
]
