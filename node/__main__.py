"""Print the program ``fleet-node``, for a linter or a person: ``python -m node``."""

from __future__ import annotations

import sys

from node import program

sys.stdout.write(program())
