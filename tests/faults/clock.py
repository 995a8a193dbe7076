"""Clocks that jump: libfaketime's for a server, `python -m tests.faults.clock FILE WORD...` for
pgtop."""

import sys
import time
from pathlib import Path

OFFSETS = {"+1h": 3600, "-1h": -3600, "+400d": 400 * 86400, "-400d": -400 * 86400}


def preloaded(file: Path) -> dict[str, str]:
    """Return the environment in which a program's clock differs by the offset in `file`, such as
    -1h."""
    [library] = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def main(file: str, *words: str) -> int:
    """Run pgtop with a shifted wall clock; libfaketime would disturb Python's own waiting."""
    true_time, offset = time.time, Path(file)
    time.time = lambda: true_time() + OFFSETS.get(offset.read_text(), 0)
    from pgtop.__main__ import main as pgtop

    sys.argv[1:] = words
    return pgtop()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
