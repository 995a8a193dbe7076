"""Why the server could not be asked, in words for the operator and as a kind for the program."""

from enum import StrEnum
from typing import NamedTuple


class FailureKind(StrEnum):
    """What went wrong, so that exit codes, waiting and wording need not read English (or German)
    messages again.
    """

    UNREACHABLE = "unreachable"  # nothing listens, no route, unknown host, connection cut
    STARTING = "starting up"
    STOPPING = "shutting down"
    FULL = "too many clients"
    PASSWORD = "password refused"  # noqa: S105 - a kind, not a secret
    DENIED = "access denied"  # pg_hba.conf, no such role or database, no CONNECT privilege
    LOGIN = "login failed"  # a pooler gives a reason in words that are not known
    SLOW = "no answer in time"
    TERMINATED = "our session was ended"  # by another administrator
    USAGE = "wrong parameter"  # refused before any server was asked
    OTHER = "error"


LOGIN_REFUSED = frozenset({FailureKind.PASSWORD, FailureKind.DENIED, FailureKind.LOGIN})
"""The server answers and does not let us in: each further try may bring the user nearer to being
locked out.
"""


class Failure(NamedTuple):
    """One sentence of what happened, and one of what to do next. `what` may be the server's: clean
    before showing.
    """

    kind: FailureKind
    what: str
    advice: str = ""
