"""The command line: one module a command; each parses, calls the pipeline, prints."""

from monoglot.cli.base import app
from monoglot.cli.running import main

__all__ = ["app", "main"]
