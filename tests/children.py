"""Children of the tests end with them, even if pytest itself is killed.

`Cluster` has a watchdog of its own, and a program in a terminal gets a hang-up.
"""

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html"""
_LIBC = ctypes.CDLL(None, use_errno=True)


def end_with_parent() -> None:
    """Have the kernel end this process with the thread that started it: a `preexec_fn` (on
    Linux).
    """
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
