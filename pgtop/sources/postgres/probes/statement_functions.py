"""The C functions of pg_stat_statements, found in the catalog and called by their whole name.

The promise is that nothing that stands in a database is run. The search path of a session may have
a function of the same name in any schema, so the catalog is read for the functions that belong to
the extension, are written in C, and are in the library of the extension: only a superuser can
create such a function. Each is then called as schema.name.

The trap: the owner of a schema can rename it between that look-up and a call, and put another
function in its place. Therefore each transaction first compares the versions of the two catalog
rows, which every change makes new ones, and ends with an error if they are not those that were
read. A rename in the fraction of a millisecond behind that would still go unnoticed; a login with
power worth stealing calls no function that could be replaced so by others than superusers.
"""

from collections.abc import Sequence
from typing import Any, LiteralString, NamedTuple

from pgtop.sources.postgres.encoding import decode_name
from pgtop.sources.postgres.features import Features
from pgtop.sources.postgres.pipeline import Statement
from pgtop.sources.postgres.shapes import (
    BOOL,
    INT8,
    OID,
    TEXT,
    TIME,
    AnswerError,
    Rows,
    Shape,
    one_row,
)

_COUNTERS = "pg_stat_statements"
_INFO = "pg_stat_statements_info"
_LONGEST_SCHEMA = 63

# The language has this number on every server:
# https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_language.dat
_FUNCTIONS = """
    SELECT p.oid, p.xmin::text::int8, n.xmin::text::int8, n.nspname, p.proname,
           array_to_string(p.proargnames, ' '),
           has_function_privilege(p.oid, 'EXECUTE') AND has_schema_privilege(n.oid, 'USAGE'),
           (SELECT bool_and(rolsuper OR rolname = current_user) FROM pg_catalog.pg_roles
             WHERE oid IN (e.extowner, p.proowner,
                           CASE pg_get_userbyid(n.nspowner)
                           WHEN 'pg_database_owner' THEN d.datdba ELSE n.nspowner END))
      FROM pg_catalog.pg_extension AS e
      JOIN pg_catalog.pg_depend AS own
        ON own.refclassid = 'pg_extension'::regclass AND own.refobjid = e.oid
           AND own.classid = 'pg_proc'::regclass AND own.deptype = 'e'
      JOIN pg_catalog.pg_proc AS p ON p.oid = own.objid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
      JOIN pg_catalog.pg_database AS d ON d.datname = current_database()
     WHERE e.extname = 'pg_stat_statements' AND p.prolang = 13
           AND p.probin = '$libdir/pg_stat_statements' AND p.proretset = (p.pronargs = 1)
           AND (p.proname, p.proargtypes::text) IN
               (('pg_stat_statements', '16'), ('pg_stat_statements_info', ''))
"""
_FUNCTIONS_SHAPE = Shape(
    OID,  # function
    INT8,  # version of its row
    INT8,  # version of the row of its schema
    TEXT,  # schema
    TEXT,  # name
    TEXT.or_null,  # columns
    BOOL.or_null,  # may be called
    BOOL.or_null,  # can be replaced by superusers and this role alone
)
_SERVER = """
    SELECT current_setting('pg_stat_statements.max', true) IS NOT NULL,
           coalesce(current_setting('pg_stat_statements.track', true), ''),
           (SELECT bool_or(rolsuper OR rolcreaterole OR rolreplication OR rolbypassrls)
              FROM pg_catalog.pg_roles WHERE pg_has_role(oid, 'MEMBER')),
           EXISTS (SELECT FROM pg_catalog.pg_roles
                    WHERE rolname IN ('pg_execute_server_program', 'pg_read_server_files',
                                      'pg_write_server_files', 'pg_read_all_data',
                                      'pg_write_all_data', 'pg_maintain')
                          AND pg_has_role(oid, 'MEMBER'))
"""
_SERVER_SHAPE = Shape(BOOL, TEXT, BOOL.or_null, BOOL)

# The words of the error are made of a count, so that the planner cannot make them beforehand.
_VERIFY = """
    SELECT CASE count(*) WHEN %(count)s::int8 THEN clock_timestamp()
           ELSE concat('pg_stat_statements has moved ', count(*))::timestamptz END
      FROM pg_catalog.pg_proc AS p
      JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
     WHERE (p.oid = %(function)s::int8::oid AND p.xmin::text::int8 = %(version)s::int8
            OR p.oid = %(info)s::int8::oid AND p.xmin::text::int8 = %(info_version)s::int8)
           AND n.xmin::text::int8 = %(schema_version)s::int8
"""
_VERIFY_SHAPE = Shape(TIME)
_NO_INFO: LiteralString = "SELECT NULL::int8, NULL::timestamptz, clock_timestamp()"
_INFO_SQL = "SELECT dealloc, stats_reset, clock_timestamp() FROM {info}()"
_INFO_SHAPE = Shape(INT8.or_null, TIME.or_null, TIME)

LOOK_UP: tuple[Statement, ...] = (
    Statement(_SERVER, shape=_SERVER_SHAPE),
    Statement(_FUNCTIONS, shape=_FUNCTIONS_SHAPE),
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
NOT_PERMITTED = "this role may not call pg_stat_statements"
REPLACEABLE = (
    "the owner of the schema of pg_stat_statements could put another function in its place,"
    " which would run with the power of this role: put it into a schema of a superuser"
)
NO_QUERY_IDS = "sessions have no query id before version 14"


class _Function(NamedTuple):
    oid: int
    version: int
    schema_version: int
    call_name: str
    """Its whole name, quoted."""
    columns: frozenset[str]


class StatementFunctions(NamedTuple):
    """The functions of the extension in the connected database."""

    counters: _Function
    info: _Function | None
    """None before version 1.9 of the extension."""

    @property
    def verification(self) -> Statement:
        """The statement that ends its transaction with an error if a function has been replaced;
        it returns the time.
        """
        info = self.info or self.counters
        parameters = {
            "count": 1 if self.info is None else 2,
            "function": self.counters.oid,
            "version": self.counters.version,
            "info": info.oid,
            "info_version": info.version,
            "schema_version": self.counters.schema_version,
        }
        return Statement(_VERIFY, parameters, _VERIFY_SHAPE)

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
    server, rows = answers
    functions = {decode_name(row[4]): row for row in rows}
    counters = functions.get(_COUNTERS)
    reason = _refusal(one_row(server), counters)
    if reason or counters is None:
        raise AnswerError(reason)
    info = functions.get(_INFO)
    return StatementFunctions(
        _function(counters, features),
        _function(info, features) if info is not None and info[6] else None,
    )


def _refusal(server: tuple[Any, ...], counters: tuple[Any, ...] | None) -> str:
    """Return why the function that counts cannot be called; "" if it can."""
    is_loaded, track, *powers = server
    if not is_loaded:
        return NOT_LOADED
    if counters is None:
        return NOT_CREATED
    if decode_name(track) == "none":
        return NOT_TRACKING
    *_, may_call, is_safe = counters
    if not may_call:
        return NOT_PERMITTED
    # a power that cannot be read counts as one
    is_powerless = powers == [False, False]
    return "" if is_safe or is_powerless else REPLACEABLE


def _function(row: tuple[Any, ...], features: Features) -> _Function:
    oid, version, schema_version, schema, name, columns, *_ = row
    return _Function(
        oid,
        version,
        schema_version,
        f"{quoted_schema(schema, features.encoding)}.{decode_name(name)}",
        frozenset(decode_name(columns or b"").split()),
    )


_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789_")


def quoted_schema(raw: bytes, encoding: str) -> str:
    r"""Return the name of a schema as SQL in which only `U&"\+` and hexadecimal digits stand.

    A name may have blanks, comments and quotes in it. Raises AnswerError for a name that cannot be
    written in ASCII.
    """
    if _PLAIN.issuperset(raw):
        return f'"{raw.decode()}"'
    is_readable = raw.isascii() or encoding == "UTF8"
    try:
        name = raw.decode("utf-8" if is_readable else "ascii")
    except UnicodeDecodeError:
        raise AnswerError(
            "the schema of pg_stat_statements has no readable name"
        ) from None
    escapes = [f"\\+{ord(character):06x}" for character in name[:_LONGEST_SCHEMA]]
    return f'U&"{"".join(escapes)}"'
