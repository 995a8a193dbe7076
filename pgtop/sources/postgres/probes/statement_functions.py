"""The functions of pg_stat_statements in the connected database."""

from collections.abc import Sequence
from typing import LiteralString, NamedTuple

from pgtop.sources.postgres.encoding import decode_name
from pgtop.sources.postgres.features import Features
from pgtop.sources.postgres.pipeline import Statement
from pgtop.sources.postgres.probes.extension_functions import (
    POWERS,
    ExtensionFunction,
    function_of,
    look_up,
    name_in,
    refusal,
    verification,
)
from pgtop.sources.postgres.shapes import (
    BOOL,
    INT8,
    TEXT,
    TIME,
    AnswerError,
    Rows,
    Shape,
    one_row,
)

_EXTENSION: LiteralString = "pg_stat_statements"
_COUNTERS = "pg_stat_statements"
_INFO = "pg_stat_statements_info"
_FUNCTIONS: LiteralString = (
    "('pg_stat_statements', '16', true), ('pg_stat_statements_info', '', false)"
)
_SETTINGS = """
    SELECT current_setting('pg_stat_statements.max', true) IS NOT NULL,
           coalesce(current_setting('pg_stat_statements.track', true), '')
"""
_SETTINGS_SHAPE = Shape(BOOL, TEXT)
_NO_INFO: LiteralString = "SELECT NULL::int8, NULL::timestamptz, clock_timestamp()"
_INFO_SQL = "SELECT dealloc, stats_reset, clock_timestamp() FROM {info}()"
_INFO_SHAPE = Shape(INT8.or_null, TIME.or_null, TIME)

LOOK_UP: tuple[Statement, ...] = (
    Statement(_SETTINGS, shape=_SETTINGS_SHAPE),
    POWERS,
    look_up(_EXTENSION, _FUNCTIONS),
)
"""The statements that find the functions: see `functions_in`."""

NOT_LOADED = (
    "pg_stat_statements is not loaded: it belongs in shared_preload_libraries,"
    " and the server needs a restart"
)
NOT_CREATED = (
    "this database has no pg_stat_statements: CREATE EXTENSION adds it, as a superuser"
)
NOT_TRACKING = "pg_stat_statements.track is none: nothing is counted"
NO_QUERY_IDS = "sessions have no query id before version 14"


class StatementFunctions(NamedTuple):
    """The functions of the extension in the connected database."""

    counters: ExtensionFunction
    info: ExtensionFunction | None
    """None before version 1.9 of the extension."""

    @property
    def verification(self) -> Statement:
        """The statement that ends its transaction with an error if a function has been replaced;
        it returns the time.
        """
        functions = [self.counters] if self.info is None else [self.counters, self.info]
        return verification(_EXTENSION, functions)

    @property
    def state(self) -> Statement:
        """The statement for the number of evictions, the time of the last reset, and the time."""
        sql: LiteralString = _NO_INFO
        if self.info is not None:
            sql = _INFO_SQL.format(info=self.info.call_name)
        return Statement(sql, shape=_INFO_SHAPE)

    def call(self, *, with_texts: bool = False) -> LiteralString:
        """Return the SQL of a call."""
        flag: LiteralString = "true" if with_texts else "false"
        return f"{self.counters.call_name}({flag})"

    def column(self, *names: LiteralString, otherwise: LiteralString) -> LiteralString:
        """Return the first of these columns that the function has; the names differ by version."""
        for name in names:
            if name in self.counters.columns:
                return f"s.{name}"
        return otherwise

    @property
    def top_level(self) -> LiteralString:
        """The condition that leaves out statements inside functions, which sessions do not show."""
        return self.column("toplevel", otherwise="true")


def functions_in(answers: Sequence[Rows], features: Features) -> StatementFunctions:
    """Return the functions in the answers to LOOK_UP. Raises AnswerError with the reason if they
    cannot be called.
    """
    settings, powers, rows = answers
    is_loaded, track = one_row(settings)
    if not is_loaded:
        raise AnswerError(NOT_LOADED)
    functions = {name_in(row): row for row in rows}
    counters = functions.get(_COUNTERS)
    if counters is None:
        raise AnswerError(NOT_CREATED)
    if decode_name(track) == "none":
        raise AnswerError(NOT_TRACKING)
    if reason := refusal(_EXTENSION, counters, tuple(one_row(powers))):
        raise AnswerError(reason)
    row = functions.get(_INFO)
    info = None
    if row is not None and not refusal(_EXTENSION, row, (False, False)):
        info = function_of(row, _EXTENSION, features)
    return StatementFunctions(function_of(counters, _EXTENSION, features), info)
