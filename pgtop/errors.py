"""Errors that the user can correct. Each is a sentence and an advice, never a traceback.

The command line raises and catches them; a server's failure is a `pgtop.ports.SourceError`.
"""


class PgtopError(Exception):
    """An error with one sentence, and another as advice if there is any.

    Both may quote the user or the server: clean them before you show them.
    """

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice


class UsageError(PgtopError):
    """The command line, the configuration file or the environment is wrong."""


class TerminalError(UsageError):
    """The dashboard cannot be drawn here. Another terminal can, and `pgtop show` needs none."""


class DemoError(PgtopError):
    """The embedded server could not be started."""


class OutputError(PgtopError):
    """The result could not be written to stdout."""


def reason_of(error: OSError) -> str:
    """Return the system's words for an error; those of a library if it has none."""
    return error.strerror or str(error)
