"""The topic `json` has every field that the commands print, and no other."""

import json
import re
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

from pgtop.cli.reference import FACTS
from pgtop.help import topics
from pgtop.help.markdown import Heading, Table, parse
from tests.cli import pgtop
from tests.cli.sessions import Opener

_CODE = re.compile(r"`(\w+)`")
_OWN_SHARE = {"refusal", "protection", "not_compared", "why", "reason"}
"""Fields of targets and of skipped sessions besides those of `pgtop show`."""


def tables(section: str) -> list[Table]:
    """Return the tables of a section of the topic."""
    selected: list[Table] = []
    is_inside = False
    for block in parse(topics.text("json", FACTS)):
        if isinstance(block, Heading):
            is_inside = block.text == section
        if is_inside and isinstance(block, Table):
            selected.append(block)
    return selected


def fields(table: Table) -> set[str]:
    """Return the fields that a table documents."""
    return {field for row in table.rows for field in _CODE.findall(row[0])}


def printed(words: Sequence[str], **environment: str) -> Any:
    """Return the object that a command prints."""
    return json.loads(pgtop(*words, environment=environment).stdout)


def columns_of_pg_stat_activity(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        description = connection.execute(
            "SELECT * FROM pg_stat_activity LIMIT 0"
        ).description
    return {column.name for column in description or ()}


def test_fields_of_show_are_documented(dsn: str) -> None:
    """The topic has the fields of the whole, of the budget, of a session and of its machine."""
    whole = printed(["show", "--json", dsn], PGTOP_HOST_FIGURES="auto")
    of_whole, of_sessions, of_budget, of_host = tables("pgtop show")
    assert fields(of_host) == whole["host"].keys()
    assert fields(of_whole) == whole.keys()
    assert fields(of_budget) == whole["budget"].keys()
    own_fields = whole["sessions"][0].keys() - columns_of_pg_stat_activity(dsn)
    # Which old servers do not have.
    assert own_fields <= fields(of_sessions) | {
        "leader_pid",
        "query_id",
    }
    only_with_a_pooler = {"pooled_client"}
    assert fields(of_sessions) - only_with_a_pooler <= whole["sessions"][0].keys()


def test_fields_of_locks_are_documented(dsn: str) -> None:
    """The topic has the fields of the whole, of a node and of what holds back vacuum."""
    with psycopg.connect(dsn) as holder, psycopg.connect(dsn) as waiter:
        holder.execute("SELECT pg_advisory_xact_lock(815), pg_current_xact_id()")
        waiter.pgconn.send_query(b"SELECT pg_advisory_xact_lock(815)")
        whole = printed(["locks", "--json", dsn])
        while not whole["nodes"]:
            whole = printed(["locks", "--json", dsn])
        waiter.close()
    of_whole, of_nodes, of_holders = tables("pgtop locks")
    assert fields(of_whole) == whole.keys()
    assert fields(of_nodes) == whole["nodes"][0].keys()
    assert fields(of_holders) == whole["xmin_holders"][0].keys()


def test_fields_of_kill_are_documented(
    dsn: str, role: str, open_session: Opener, tmp_path: Path
) -> None:
    """The topic has the fields of a plan and of an outcome."""
    with closing(open_session()):
        words = ["kill", "-d", dsn, f"user:={role}", "--yes", "--json"]
        whole = printed(words, XDG_STATE_HOME=str(tmp_path))
    [of_whole] = tables("pgtop cancel and pgtop kill")
    outcomes = next(row[1] for row in of_whole.rows if row[0] == "`outcomes`")
    assert fields(of_whole) == whole.keys()
    assert set(_CODE.findall(outcomes)) == whole["outcomes"][0].keys()
    session = printed(["show", "--json", dsn])["sessions"][0]
    assert whole["targets"][0].keys() - session.keys() <= _OWN_SHARE
