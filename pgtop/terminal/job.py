"""Job control: is there a shell to go back to?"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def is_orphaned() -> bool:
    """Return whether our process group is one that the kernel would not stop, as no shell could
    resume it.

    It is orphaned unless a member has a parent in another group of the same session, as a shell
    with job control is.
    https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap03.html#tag_03_247
    """
    return not any(_is_job_control(parent) for parent in _parents())


def _parents() -> Iterator[int]:
    """Yield the parents of our group's members, as far as those can be seen."""
    yield os.getppid()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            parent, group = (
                (process / "stat").read_text().rpartition(")")[2].split()[1:3]
            )
            if int(group) == os.getpgrp():
                yield int(parent)


def _is_job_control(parent: int) -> bool:
    if parent <= 0:  # of another pid namespace; 0 would be ourselves
        return False
    try:
        return os.getsid(parent) == os.getsid(0) and os.getpgid(parent) != os.getpgrp()
    except OSError:
        return False
