"""Runs first in the zipapp, on any Python 3: one that is too old gets a sentence, no traceback."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  # the very question
    sys.exit(
        "pgtop: This file needs Python 3.11 or newer, and this one is "
        + sys.version.split()[0]
        + ". Run it with another, or take the bundle of pgtop, which needs none."
    )
