"""Rights and words that each kind of role gets from pgtop: declared, tested, shown in a topic.

The server of the test has 20 connections, five of them reserved: three for superusers and two for
members of pg_use_reserved_connections, or, before 16, all five for superusers. Besides pgtop's own
session there are four: one of the role itself, and one of each kind below.
"""

from typing import NamedTuple

TEAM, WEB, SUPERUSER = "team", "web", "postgres"
"""A role with another role among its members, an unrelated role, and the superuser."""
SLOTS = 20


class Experience(NamedTuple):
    """A line of the table in the topic: pgtop's view and answers for a role, in its own words."""

    sees: str
    budget: str
    ends: str
    warned: str
    """The warning before a signal to a session that the role may not signal; the server's
    sentence follows it."""
    refused: str = ""
    """The message if the role may not connect."""


class Watcher(NamedTuple):
    """A role that runs pgtop.

    `sql` grants its rights; the database `refused_at` does not admit it.
    """

    name: str
    title: str
    sql: str
    experience: Experience
    refused_at: str = ""
    since: int = 0
    """The first version that knows what `sql` grants; on older ones it is an ordinary login."""


ALL, ALL_BUT_SUPERUSERS, OWN_AND_GRANTED, OWN = (
    "all",
    "all but superusers'",
    "its own, its roles'",
    "its own",
)
ONLY_GRANTED = "team's"
_EXACT, _ABOUT = "5 of 15 used; 10 free", "about 5 of 15 used; about 10 free"
_LEFT = "10 for you"
_SUPERUSERS = "it belongs to a superuser (connect as a superuser)"


def ordinary(name: str) -> Experience:
    """Return what a role without grants gets."""
    warned = f"it belongs to {WEB} (grant pg_signal_backend to {name}); {_SUPERUSERS}"
    return Experience(OWN, f"{_ABOUT}; about {_LEFT}", OWN, warned)


WATCHERS = (
    Watcher(
        "root", "a superuser", "ALTER ROLE root SUPERUSER",
        Experience(ALL, f"{_EXACT}; 15 for you, 5 reserved", ALL, ""),
    ),
    Watcher(
        "managed", "`pg_monitor` and `pg_signal_backend`",
        "GRANT pg_monitor, pg_signal_backend TO managed",
        Experience(ALL, f"{_EXACT}; {_LEFT}", ALL_BUT_SUPERUSERS, _SUPERUSERS),
    ),
    Watcher(
        "reader", "`pg_read_all_stats` only", "GRANT pg_read_all_stats TO reader",
        ordinary("reader")._replace(sees=ALL, budget=f"{_EXACT}; {_LEFT}"),
    ),
    Watcher(
        "signaller", "`pg_signal_backend` only", "GRANT pg_signal_backend TO signaller",
        ordinary("signaller")._replace(ends=ALL_BUT_SUPERUSERS, warned=_SUPERUSERS),
    ),
    Watcher(
        "member", f"a member of {TEAM}", f"GRANT {TEAM} TO member",
        ordinary("member")._replace(sees=OWN_AND_GRANTED, ends=OWN_AND_GRANTED),
    ),
    Watcher("plain", "an ordinary login", "", ordinary("plain")),
    Watcher(
        "acting", f"a login that becomes {TEAM} (`ALTER ROLE … SET role`)",
        f"GRANT {TEAM} TO acting; ALTER ROLE acting SET role = {TEAM}",
        ordinary(TEAM)._replace(sees=ONLY_GRANTED, ends=ONLY_GRANTED),
    ),
    Watcher(
        "reserved", "`pg_use_reserved_connections` only (16)",
        "GRANT pg_use_reserved_connections TO reserved",
        ordinary("reserved")._replace(budget=f"{_ABOUT}; about 12 for you, 2 reserved"),
        since=16,
    ),
    Watcher(
        "outsider", "no right to connect to `postgres`",
        "REVOKE CONNECT ON DATABASE postgres FROM outsider",
        ordinary("outsider")._replace(
            refused='This role may not do that: permission denied for database "postgres". '
            "Name another database, as pgtop sees every session from any, or another role (-U).",
        ),
        refused_at="postgres",
    ),
    Watcher(
        "limited", "at its own connection limit", "ALTER ROLE limited CONNECTION LIMIT 2",
        ordinary("limited")._replace(
            budget=f"{_ABOUT}; 0 for you (role limit)",
            refused='The role is at its connection limit: too many connections for role "limited". '
            "Other roles can still connect: connect as one of them (-U), "
            "or raise the limit with ALTER ROLE … CONNECTION LIMIT.",
        ),
        refused_at="shop",
    ),
)  # fmt: skip
