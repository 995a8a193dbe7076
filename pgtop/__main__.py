"""`pgtop` and `python -m pgtop`."""

import gc
import sys

gc.disable()  # start-up makes much and drops nothing; the dashboard turns it on again after its first sample


def main() -> int:
    """Run the command line of this process; returns the exit code."""
    from pgtop.cli.interrupts import guard
    from pgtop.cli.main import run
    from pgtop.cli.report import catch_bugs

    catch_bugs()
    guard()
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
