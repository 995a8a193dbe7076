"""A failure to reach the server, in words for the operator and as a kind for the program."""

from enum import StrEnum
from typing import NamedTuple


class FailureKind(StrEnum):
    """The kind of failure: exit codes, retries and wording depend on it, and never on a message in
    English or German.
    """

    UNREACHABLE = (
        "unreachable"  # nothing listens, no route, unknown host, connection cut
    )
    STARTING = "starting up"
    STOPPING = "shutting down"
    FULL = "too many clients"
    PASSWORD = "password refused"  # noqa: S105 - a kind, not a secret
    DENIED = (
        "access denied"  # pg_hba.conf, no such role or database, no CONNECT privilege
    )
    LOGIN = "login failed"  # a pooler gives a reason in words that are not known
    SLOW = "no answer in time"
    TERMINATED = "our session was ended"  # by an administrator
    USAGE = "wrong parameter"  # refused before any server was asked
    OTHER = "error"


LOGIN_REFUSED = frozenset({FailureKind.PASSWORD, FailureKind.DENIED, FailureKind.LOGIN})
"""The server answers, and refuses the login: each further try may bring the user nearer to being
locked out.
"""


class Failure(NamedTuple):
    """One sentence on the event and one on the next step. `what` may quote the server: clean before
    showing.
    """

    kind: FailureKind
    what: str
    advice: str = ""
