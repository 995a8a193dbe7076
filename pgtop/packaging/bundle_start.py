"""Runs first in the bundle: what pgtop starts, such as a pager, finds the system's libraries.

The bootloader has put the bundle's folder into LD_LIBRARY_PATH. This process has read it already.
https://pyinstaller.org/en/stable/runtime-information.html#ld-library-path-libpath-considerations
"""

import os
import sys

_NAME = "LD_LIBRARY_PATH"

os.environ.pop(_NAME, None)
if _original := os.environ.pop(f"{_NAME}_ORIG", None):
    os.environ[_NAME] = _original

# psycopg tries to import ssl, and works without it: see `pgtop.startup.without_ssl`.
sys.modules["ssl"] = None  # type: ignore[assignment]
