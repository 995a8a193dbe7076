"""`pgtop` and `python -m pgtop`."""

import sys

from pgtop import startup

startup.pause_garbage_collection()


def main() -> int:
    """Run the command line of this process; return the exit code."""
    from pgtop.cli.bug_report import catch_bugs
    from pgtop.cli.interrupts import guard
    from pgtop.cli.main import code_after_a_bug, run
    from pgtop.cli.shutdown import Shutdown

    words = sys.argv[1:]
    shutdown = Shutdown()
    catch_bugs(lambda: shutdown.record(code_after_a_bug(words)))
    guard()
    try:
        return shutdown.record(run(words))
    except SystemExit as ended:
        if isinstance(ended.code, int):
            shutdown.record(ended.code)
        raise


if __name__ == "__main__":
    sys.exit(main())
