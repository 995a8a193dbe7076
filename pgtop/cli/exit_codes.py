"""The exit codes of pgtop with their meanings, as `--help` and `pgtop help exit-codes` print them.

Scripts rely on the numbers: no meaning ever changes.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Self

from pgtop.errors import DemoError, OutputError, PgtopError

if TYPE_CHECKING:
    from pgtop.model.failure import FailureKind


_CONNECTING = "connection"
_SIGNALLING = "cancel, kill"


class Exit(IntEnum):
    """An exit code. The codes of signals are 128 + the signal's number, as shells report them."""

    meanings: Mapping[str, str]
    """What the code means, by the commands that return it, such as "cancel, kill"; "" for any, and
    "connection" for any that connects to a server.
    """

    def __new__(cls, code: int, *meanings: tuple[str, str]) -> Self:
        """Build a member that is an integer with meanings."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meanings = dict(meanings)
        return member

    @property
    def meaning(self) -> str:
        """The meanings for all commands."""
        return "; ".join([_named(*each) for each in self.meanings.items()])

    def meaning_for(self, command: str, connects: bool) -> str:
        """Return the meaning for one command; "" if it does not return the code."""
        for commands, text in self.meanings.items():
            is_its_own = command in commands.split(", ")
            if is_its_own or not commands or (connects and commands == _CONNECTING):
                return text
        return ""

    DONE = 0, ("", "done")
    BUG = 1, ("", "bug in pgtop: a report was written")
    USAGE = 2, ("", "wrong usage")
    NO_CONNECTION = (
        3,
        (_CONNECTING, "no connection: unreachable, starting up, shutting down"),
        ("demo", "its server did not start"),
    )
    REFUSED = (
        4,
        (
            _CONNECTING,
            "access refused: password, pg_hba.conf, no such role or database,"
            " no right to connect",
        ),
    )
    FULL = 5, (_CONNECTING, "server full: no connection slot is free for this role")
    OUTPUT = 6, ("", "the output could not be written")
    NO_TARGET = (
        7,
        (_SIGNALLING, "nothing was signalled: no session matched, or each was skipped"),
    )
    SURVIVED = (
        8,
        (
            _SIGNALLING,
            "some survived: still running, in a transaction, or outcome unknown",
        ),
    )
    SOME_REFUSED = (
        9,
        (
            _SIGNALLING,
            "some got no signal: no right, no audit log, hidden, protected, changed,"
            " read-only",
        ),
    )
    NOT_CONFIRMED = 10, (_SIGNALLING, "not confirmed; nothing was signalled")
    WAITING = (
        11,
        ("locks", "sessions wait for locks"),
        ("diff", "something differs"),
    )
    DIFFERS = WAITING  # the same code, by the name that `diff` returns it under
    LOCKS_UNKNOWN = (
        12,
        ("locks", "the locks could not be read"),
        ("waits", "this role may see no session's wait"),
    )
    WAITS_UNKNOWN = (
        LOCKS_UNKNOWN  # the same code, by the name that `waits` returns it under
    )
    HANGUP = 129, ("", "ended by SIGHUP")
    INTERRUPT = 130, ("", "ended by SIGINT (Ctrl-C)")
    TERMINATE = 143, ("", "ended by SIGTERM")


def _named(commands: str, text: str) -> str:
    return text if commands in ("", _CONNECTING) else f"{commands}: {text}"


class Check(IntEnum):
    """Exit codes of `pgtop budget --warn` and `--crit`, whatever goes wrong.

    https://www.monitoring-plugins.org/doc/guidelines.html#AEN78
    """

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


def exit_for(kind: "FailureKind") -> Exit:
    """Return the code for a failure of the server or the connection."""
    return _BY_KIND.get(kind.name, Exit.NO_CONNECTION)


# by name, so that `--help` need not load the model
_BY_KIND: Mapping[str, Exit] = {
    "USAGE": Exit.USAGE,
    "FULL": Exit.FULL,
    "PASSWORD": Exit.REFUSED,
    "DENIED": Exit.REFUSED,
}


def table(command: str, connects: bool, width: int) -> str:
    """Return the codes that a command returns as lines of at most `width` cells."""
    from pgtop.help.wrapping import listed  # only for --help

    rows = [(f"{code.value:>3}", code.meaning_for(command, connects)) for code in Exit]
    rows = [(code, text) for code, text in rows if text]
    return listed(rows, _CODE_WIDTH, width)


_CODE_WIDTH = 5


def exit_of(error: PgtopError) -> Exit:
    """Return the code for an error that the user can correct."""
    codes = (code for kind, code in _BY_ERROR.items() if isinstance(error, kind))
    return next(codes, Exit.USAGE)


_BY_ERROR: Mapping[type[PgtopError], Exit] = {
    DemoError: Exit.NO_CONNECTION,
    OutputError: Exit.OUTPUT,
}
