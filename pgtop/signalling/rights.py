"""A forecast of the sessions that this role may signal. The server has the last word.

Reasons and remedies contain role names as the server sent them: clean before showing.
"""

import re
from typing import NamedTuple

from pgtop.model.backend import AUTOVACUUM_WORKER, Backend
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
_SIGNAL_BACKEND = "pg_signal_backend"
_SIGNAL_AUTOVACUUM = "pg_signal_autovacuum_worker"
_AS_SUPERUSER = "connect as a superuser"
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_$]*")
_INHERITANCE_OF_GRANTS = 16
"""From this version on GRANT has WITH INHERIT, and does not follow the role any more.
https://www.postgresql.org/docs/16/release-16.html
"""


class Right(NamedTuple):
    """The right of this role to signal a backend."""

    allowed: bool | None
    """None if that cannot be known."""
    reason: str
    """Words after "it": `belongs to a superuser`."""
    remedy: str = ""
    """An order that would change it: `grant pg_signal_backend to monitor`."""


def right_to_signal(server: Server, backend: Backend) -> Right:
    """Return the right of the connected role to cancel or terminate `backend`.

    https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL
    https://www.postgresql.org/docs/current/predefined-roles.html#PREDEFINED-ROLE-PG-SIGNAL-BACKEND
    """
    kind = backend.backend_type
    if kind in _AUXILIARY:
        return Right(False, f"is the {kind}, which takes no such signal")
    if server.rights.superuser:
        return Right(True, "may be signalled by you, a superuser")
    if backend.usesysid is None:
        return _right_over_process(server, backend)
    if backend.usesysid == server.user_oid:
        return Right(True, "belongs to your own role")
    unknown = Role(server.role_name(backend.usesysid) or "")
    if not server.roles:
        return Right(None, f"belongs to {unknown.name}")
    return _right_over_role(server, server.roles.get(backend.usesysid, unknown))


def grant(server: Server, name: str) -> str:
    """Return the order that gives the connected role the privileges of the role `name`.

    The connected role may already be a member without inheriting: until 15 inheritance was a
    property of the member, later of the grant.
    """
    user = identifier(server.user)
    is_member = any(
        role.name == name and role.granted for role in server.roles.values()
    )
    if not is_member:
        return f"grant {name} to {user}"
    if server.major >= _INHERITANCE_OF_GRANTS:
        order = f"grant {name} to {user} with inherit true"
    else:
        order = f"alter role {user} inherit"
    return f"{order}, or connect with PGOPTIONS='-c role={name}'"


def is_another_pgtop(server: Server, backend: Backend) -> bool:
    """Return whether the session is named pgtop. Any client may choose that name, so the name does
    not protect.
    """
    return backend.application_name == "pgtop" and backend.pid != server.pid


def _right_over_role(server: Server, role: Role) -> Right:
    """Return the right over the sessions of a role which is not the connected one.

    Sessions of a dropped role live on, and are treated like any other role's, even if the role was
    a superuser.
    """
    if role.superuser:
        return Right(False, "belongs to a superuser", _AS_SUPERUSER)
    if role.mine:
        return Right(True, f"belongs to {role.name}, and you have its privileges")
    if server.rights.signals_all:
        return Right(True, f"belongs to {role.name}, and you have {_SIGNAL_BACKEND}")
    return Right(False, f"belongs to {role.name}", grant(server, _SIGNAL_BACKEND))


def _right_over_process(server: Server, backend: Backend) -> Right:
    """Return the right over a process without a role.

    https://www.postgresql.org/docs/18/predefined-roles.html#PREDEFINED-ROLE-PG-SIGNAL-AUTOVACUUM-WORKER
    """
    may_signal_autovacuum = server.rights.signals_autovacuum
    if backend.backend_type == AUTOVACUUM_WORKER:
        if may_signal_autovacuum:
            return Right(
                True, f"is an autovacuum worker, and you have {_SIGNAL_AUTOVACUUM}"
            )
        return Right(False, "is an autovacuum worker", _autovacuum_remedy(server))
    if may_signal_autovacuum and backend.hidden and backend.datid is not None:
        return Right(
            None, "may be another process than an autovacuum worker", _AS_SUPERUSER
        )
    return Right(
        False,
        "is a background process, which only superusers may signal",
        _AS_SUPERUSER,
    )


def _autovacuum_remedy(server: Server) -> str:
    """Return the grant if the server has the role, which is new in 18."""
    has_role = any(role.name == _SIGNAL_AUTOVACUUM for role in server.roles.values())
    return grant(server, _SIGNAL_AUTOVACUUM) if has_role else _AS_SUPERUSER


def identifier(name: str) -> str:
    """Return the name as an SQL identifier, so that the remedy can be pasted into psql."""
    return name if _PLAIN_NAME.fullmatch(name) else '"' + name.replace('"', '""') + '"'
