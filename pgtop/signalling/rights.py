"""Who may signal whom, as the server will decide, and which sessions deserve a second thought.

A forecast, so that the dialog can tell before the server refuses; the server has the last word.
Reasons and remedies of a right hold names of roles as the server sent them: clean before showing.
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
_AUTOVACUUM_WORKER = "autovacuum worker"
_SIGNAL_BACKEND, _SIGNAL_AUTOVACUUM = "pg_signal_backend", "pg_signal_autovacuum_worker"
_AS_SUPERUSER = "connect as a superuser"
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_$]*")


class Right(NamedTuple):
    """Whether this role may signal a backend (None: that cannot be known), why, and what would
    change it.

    `reason` goes on from "it": `belongs to a superuser`. `remedy` is an order: `grant
    pg_signal_backend to monitor`.
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
        return Right(
            False, f"is the {backend.backend_type}, which takes no such signal from anybody"
        )
    if server.rights.superuser:
        return Right(True, "may be signalled by you, a superuser")
    if backend.usesysid is None:
        return _right_over_process(server, backend)
    if backend.usesysid == server.user_oid:
        return Right(True, "belongs to your own role")
    nameless = Role(server.role_name(backend.usesysid) or "")
    if not server.roles:
        return Right(None, f"belongs to {nameless.name}")
    return _right_over(server, server.roles.get(backend.usesysid, nameless))


def grant(server: Server, name: str) -> str:
    """Return the order that gives the connected role the privileges of the role `name`.

    It may be a member already, without inheriting: until 15 that was a property of the member,
    later of the grant.
    """
    user = _identifier(server.user)
    if not any(role.name == name and role.granted for role in server.roles.values()):
        return f"grant {name} to {user}"
    is_of_grant = server.major >= _INHERITANCE_OF_GRANTS
    order = (
        f"grant {name} to {user} with inherit true" if is_of_grant else f"alter role {user} inherit"
    )
    return f"{order}, or connect with PGOPTIONS='-c role={name}'"


_INHERITANCE_OF_GRANTS = 16
"""https://www.postgresql.org/docs/16/release-16.html: GRANT learns WITH INHERIT, and no longer
follows the role.
"""


def is_another_pgtop(server: Server, backend: Backend) -> bool:
    """Return whether the session calls itself pgtop. Any client may choose that name, so it
    protects none.
    """
    return backend.application_name == "pgtop" and backend.pid != server.pid


def protection(server: Server, backend: Backend) -> str:
    """Why ending `backend` should be asked twice, or "" where nothing speaks against it; our own
    words only.
    """
    if backend.pid == server.pid:
        return "this is pgtop's own session"
    return _process_protection(backend) or _role_protection(server, backend)


def _right_over(server: Server, role: Role) -> Right:
    """Return the right over a role's sessions, for a connected role that is neither that role nor a
    superuser.

    The sessions of a role that was dropped go on: they are like any stranger's, even if it was a
    superuser.
    """
    if role.superuser:
        return Right(False, "belongs to a superuser", _AS_SUPERUSER)
    if role.mine:
        return Right(True, f"belongs to {role.name}, whose privileges you have")
    if server.rights.signals_all:
        return Right(True, f"belongs to {role.name}, and you have {_SIGNAL_BACKEND}")
    return Right(False, f"belongs to {role.name}", grant(server, _SIGNAL_BACKEND))


def _right_over_process(server: Server, backend: Backend) -> Right:
    """Return the right over a process that runs as no role.

    https://www.postgresql.org/docs/18/predefined-roles.html#PREDEFINED-ROLE-PG-SIGNAL-AUTOVACUUM-WORKER
    """
    if backend.backend_type == _AUTOVACUUM_WORKER:
        if server.rights.signals_autovacuum:
            return Right(True, f"is an autovacuum worker, and you have {_SIGNAL_AUTOVACUUM}")
        exists = any(role.name == _SIGNAL_AUTOVACUUM for role in server.roles.values())
        return Right(
            False,
            "is an autovacuum worker",
            grant(server, _SIGNAL_AUTOVACUUM) if exists else _AS_SUPERUSER,
        )
    if server.rights.signals_autovacuum and backend.hidden and backend.datid is not None:
        return Right(None, "may be another process than an autovacuum worker", _AS_SUPERUSER)
    return Right(False, "is a background process, which only superusers may signal", _AS_SUPERUSER)


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
    if backend.hidden and None in (backend.datid, backend.usesysid):
        return "its type is hidden: it may be a walsender, or another process of the server"
    return ""


def _prevents_wraparound(backend: Backend) -> bool:
    """The server's own mark on such a vacuum; a client that runs a query which reads so is none.

    https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND
    """
    query = backend.query or ""
    return (
        backend.backend_type == _AUTOVACUUM_WORKER
        and query.startswith("autovacuum:")
        and "(to prevent wraparound)" in query
    )


def _role_protection(server: Server, backend: Backend) -> str:
    role = server.roles.get(backend.usesysid) if backend.usesysid is not None else None
    return "it belongs to a superuser" if role is not None and role.superuser else ""


def _identifier(name: str) -> str:
    """The name as SQL wants it, so that the remedy can be pasted into psql."""
    return name if _PLAIN_NAME.fullmatch(name) else '"' + name.replace('"', '""') + '"'
