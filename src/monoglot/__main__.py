"""``python -m monoglot``, and the command ``monoglot``."""

import sys


def run() -> int:
    """Run one command; also if it is interrupted while the first modules are imported."""
    try:
        from monoglot.cli import main

        return main()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted before anything was done\n")
        return 130


if __name__ == "__main__":
    sys.exit(run())
