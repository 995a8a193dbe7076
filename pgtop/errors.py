"""What the user can mend. Each error says what is wrong and what to do next, and never ends in a
traceback.

Only the front door raises and catches these; the server's failures are `pgtop.ports.SourceError`.
"""


class PgtopError(Exception):
    """`what` is one sentence; `advice`, if any, another. Both may quote user or server: clean
    before showing.
    """

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice


class UsageError(PgtopError):
    """The command line asks for something that cannot be: correct it."""


class TerminalError(UsageError):
    """The screen cannot be drawn here: use another terminal, or `pgtop show`."""


class DemoError(PgtopError):
    """The embedded server could not be started."""


class OutputError(PgtopError):
    """What was asked for could not be written to standard output."""
