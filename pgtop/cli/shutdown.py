"""End this process safely while one of its threads is still inside a library.

A daemon thread that is left behind may be in libpq and OpenSSL. libc's exit() tears OpenSSL down
under that thread, and the process dies of SIGSEGV. `os._exit` skips libc's handlers, and only
those: Python's own have run by then.
https://docs.openssl.org/master/man3/OPENSSL_init_crypto/#description
"""

import atexit
import os
import sys
import threading
from contextlib import suppress

from pgtop.cli.exit_codes import Exit


class Shutdown:
    """The last `atexit` callback of this process, and the exit code that the callback cannot know
    by itself.
    """

    def __init__(self) -> None:
        """Register the callback. It runs last if nothing was registered before: `atexit` goes
        backwards.
        """
        self._code: int = Exit.BUG
        atexit.register(self._leave_threads_behind)

    def record(self, code: int) -> int:
        """Return `code`, which this process exits with unless a later call records another."""
        self._code = code
        return code

    def _leave_threads_behind(self) -> None:
        if not any(thread.daemon for thread in threading.enumerate()):
            return
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                with suppress(OSError, ValueError):  # nothing reads it; it is closed
                    stream.flush()
        os._exit(self._code)
