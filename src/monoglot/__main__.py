"""``python -m monoglot``."""

import sys

from monoglot.cli import main

sys.exit(main())
