"""What each kind of role gets from pgtop: declared here, held to a real server by a test, and printed in README.

The server of the test has 20 connections. Besides pgtop's own there are four sessions: one of each other kind below.
"""

from typing import NamedTuple

TEAM, WEB, SUPERUSER = "team", "web", "postgres"
"""The role that one of the cast is a member of, a stranger to all, and the superuser."""
SLOTS = 20


class Experience(NamedTuple):
    """What a role is told, in pgtop's own words where it has some: a line of the table in README."""

    sees: str
    budget: str
    ends: str
    warned: str
    """Of the sessions that it may not end, before the signal; after it the server's sentence is told besides."""
    refused: str = ""
    """What it is told where it is not let in."""


class Watcher(NamedTuple):
    """A role that runs pgtop. `sql`: what makes it what it is; `refused_at`: the database that does not let it in."""

    name: str
    title: str
    sql: str
    experience: Experience
    refused_at: str = ""


ALL, ALL_BUT_SUPERUSERS, OWN_AND_GRANTED, OWN = "all", "all but superusers'", "its own, its roles'", "its own"
_EXACT, _ABOUT = "5 of 17 used, 12 free", "about 5 of 17 used, 12 free"
_MORE = "can open 12 more"
_SUPERUSERS = "it belongs to a superuser (connect as a superuser)"


def _ordinary(name: str) -> Experience:
    warned = f"it belongs to {WEB} (grant pg_signal_backend to {name}); {_SUPERUSERS}"
    return Experience(OWN, f"{_ABOUT}; {_MORE}", OWN, warned)


WATCHERS = (
    Watcher(
        "root", "a superuser", "ALTER ROLE root SUPERUSER",
        Experience(ALL, f"{_EXACT}; can open 15 more (reserved ones too)", ALL, ""),
    ),
    Watcher(
        "managed", "`pg_monitor` and `pg_signal_backend`", "GRANT pg_monitor, pg_signal_backend TO managed",
        Experience(ALL, f"{_EXACT}; {_MORE}", ALL_BUT_SUPERUSERS, _SUPERUSERS),
    ),
    Watcher(
        "reader", "`pg_read_all_stats` only", "GRANT pg_read_all_stats TO reader",
        _ordinary("reader")._replace(sees=ALL, budget=f"{_EXACT}; {_MORE}"),
    ),
    Watcher(
        "signaller", "`pg_signal_backend` only", "GRANT pg_signal_backend TO signaller",
        _ordinary("signaller")._replace(ends=ALL_BUT_SUPERUSERS, warned=_SUPERUSERS),
    ),
    Watcher(
        "member", f"a member of {TEAM}", f"GRANT {TEAM} TO member",
        _ordinary("member")._replace(sees=OWN_AND_GRANTED, ends=OWN_AND_GRANTED),
    ),
    Watcher("plain", "an ordinary login", "", _ordinary("plain")),
    Watcher(
        "outsider", "no right to connect to `postgres`", "REVOKE CONNECT ON DATABASE postgres FROM outsider",
        _ordinary("outsider")._replace(
            refused='This role may not do that: permission denied for database "postgres". '
            "Name another database, as pgtop sees every session from each, or another role (-U).",
        ),
        refused_at="postgres",
    ),
    Watcher(
        "limited", "at its own connection limit", "ALTER ROLE limited CONNECTION LIMIT 2",
        _ordinary("limited")._replace(
            budget=f"{_ABOUT}; can open 0 more (role limit)",
            refused='The role is at its connection limit: too many connections for role "limited". '
            "Other roles may still enter: connect as one of them (-U), "
            "or have ALTER ROLE … CONNECTION LIMIT raise it.",
        ),
        refused_at="shop",
    ),
)  # fmt: skip
