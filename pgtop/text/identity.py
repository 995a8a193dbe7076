"""How a role and a database are written together, wherever sessions and transactions are named."""

from pgtop.model.backend import Backend


def user_at_database(user: str | None, database: str | None) -> str:
    """Return `user@database`, or the one of them that there is: background processes lack one or
    both. Raw.
    """
    return "@".join(filter(None, (user, database)))


def who_is(backend: Backend) -> str:
    """Return the role and the database of a session; empty for a process that has neither. Raw."""
    return user_at_database(backend.usename, backend.datname)
