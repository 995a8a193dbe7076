"""Who may signal whom, as the server will decide, and which sessions deserve a second thought.

A forecast, so that the dialog can tell before the server refuses; the server has the last word. Reasons and remedies
of a right hold names of roles as the server sent them: clean before showing.

pg_signal_autovacuum_worker (18 and later) is left out: `Rights` does not tell of it, so of an autovacuum worker we may
say no where the server says yes.
"""

import re
from typing import NamedTuple

from pgtop.model.backend import PARALLEL_WORKER, WALSENDER, Backend
from pgtop.model.server import Role, Server

_AUXILIARY = frozenset(
    (
        "archiver",
        "background writer",
        "checkpointer",
        "io worker",
        "startup",
        "walreceiver",
        "walsummarizer",
        "walwriter",
    )
)
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_$]*")


class Right(NamedTuple):
    """Whether this role may signal a backend (None: that cannot be known), why, and what would change it.

    `reason` goes on from "it": `belongs to a superuser`. `remedy` is an order: `grant pg_signal_backend to monitor`.
    """

    allowed: bool | None
    reason: str
    remedy: str = ""


def right_to_signal(server: Server, backend: Backend) -> Right:
    """May the connected role cancel or terminate `backend`?

    https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL
    https://www.postgresql.org/docs/current/predefined-roles.html#PREDEFINED-ROLE-PG-SIGNAL-BACKEND
    """
    if backend.backend_type in _AUXILIARY:
        return Right(False, f"is the {backend.backend_type}, which takes no such signal from anybody")
    if server.rights.superuser:
        return Right(True, "may be signalled by you, a superuser")
    if backend.usesysid is None:
        return Right(False, "is a background process, which only superusers may signal", "connect as a superuser")
    if backend.usesysid == server.user_oid:
        return Right(True, "belongs to your own role")
    role = server.roles.get(backend.usesysid)
    return (
        _right_over(server, role)
        if role
        else Right(None, "belongs to a role that is not known yet", "ask again in a minute")
    )


def is_another_pgtop(server: Server, backend: Backend) -> bool:
    """It calls itself pgtop: a colleague's, perhaps. Anybody may call themselves so, so that protects nobody."""
    return backend.application_name == "pgtop" and backend.pid != server.pid


def protection(server: Server, backend: Backend) -> str:
    """Why ending `backend` should be asked twice, or "" where nothing speaks against it; our own words only."""
    if backend.pid == server.pid:
        return "this is pgtop's own session"
    return _process_protection(backend) or _role_protection(server, backend)


def _right_over(server: Server, role: Role) -> Right:
    """The right over a known role's sessions, for a connected role that is neither that role nor a superuser."""
    if role.superuser:
        return Right(False, "belongs to a superuser", "connect as a superuser")
    if role.mine:
        return Right(True, f"belongs to {role.name}, whose privileges you have")
    if server.rights.signals_all:
        return Right(True, f"belongs to {role.name}, and you have pg_signal_backend")
    return Right(False, f"belongs to {role.name}", f"grant pg_signal_backend to {_identifier(server.user)}")


def _process_protection(backend: Backend) -> str:
    kind = backend.backend_type or ""
    if kind == WALSENDER:
        return "it streams WAL to a standby or a subscriber"
    if kind.startswith("logical replication"):
        return "it runs logical replication"
    if _prevents_wraparound(backend):
        return "it is an autovacuum that prevents transaction id wraparound, and would only start again"
    if kind == PARALLEL_WORKER:
        return f"it is a parallel worker of session {backend.leader_pid}: its query would fail"
    if kind and not backend.is_client:
        return "it is a background process of the server"
    return ""


def _prevents_wraparound(backend: Backend) -> bool:
    """The server's own mark on such a vacuum; a client that runs a query which reads so is none.

    https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND
    """
    query = backend.query or ""
    return (
        backend.backend_type == "autovacuum worker"
        and query.startswith("autovacuum:")
        and "(to prevent wraparound)" in query
    )


def _role_protection(server: Server, backend: Backend) -> str:
    role = server.roles.get(backend.usesysid) if backend.usesysid is not None else None
    return "it belongs to a superuser" if role is not None and role.superuser else ""


def _identifier(name: str) -> str:
    """The name as SQL wants it, so that the remedy can be pasted into psql."""
    return name if _PLAIN_NAME.fullmatch(name) else '"' + name.replace('"', '""') + '"'
