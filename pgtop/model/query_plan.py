"""The plan of a query, or why there is none."""

from typing import NamedTuple

from pgtop.model.timestamp import Instant


class PlanRequest(NamedTuple):
    """A query to plan: one whole statement, as its session sent it."""

    query: str
    parameters: int
    """The highest number of a parameter; 0 without any."""
    database: str
    role_oid: int
    """The role of the session, which the query's author may act as."""
    role: str
    started_at: Instant
    """When the server started that the session was seen on: an oid means that role only there."""


class QueryPlan(NamedTuple):
    """A plan as the server prints it, line by line."""

    lines: tuple[str, ...]
    planned_as: str
    """The role that planned it."""
    search_path: str
    """The schemas in which its names were looked up: the session's own cannot be seen."""


class PlanLevel(NamedTuple):
    """The plan of a query, or of one inside a function that it calls."""

    level: int
    """0 for the query itself."""
    lines: tuple[str, ...]
    is_cut: bool = False


class RunningPlan(NamedTuple):
    """The plan of the query that a session runs, from pg_show_plans."""

    levels: tuple[PlanLevel, ...]


class NoPlan(NamedTuple):
    """The reason why there is no plan; `advice` may be empty."""

    reason: str
    advice: str = ""
