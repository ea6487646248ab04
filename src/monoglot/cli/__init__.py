"""The command line: each command parses, calls the pipeline, prints."""

from monoglot.cli import commands, output_commands
from monoglot.cli.base import app
from monoglot.cli.main import main

__all__ = ["app", "commands", "main", "output_commands"]
