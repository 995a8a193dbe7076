"""The name of a session or transaction: `user@database`."""

from pgtop.model.backend import Backend


def user_at_database(user: str | None, database: str | None) -> str:
    """Return `user@database`, raw; background processes lack one or both."""
    return "@".join(filter(None, (user, database)))


def name_of_session(backend: Backend) -> str:
    """Return the role and the database of a session, raw; "" for a process that has neither."""
    return user_at_database(backend.usename, backend.datname)
