"""The C functions of an extension, found in the catalog and called by their whole name.

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
from typing import LiteralString, NamedTuple

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
    Row,
    Shape,
)

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
     WHERE e.extname = '{extension}' AND p.prolang = 13
           AND p.probin = '$libdir/{extension}'
           AND (p.proname, p.proargtypes::text, p.proretset) IN ({functions})
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
_POWERS = """
    SELECT (SELECT bool_or(rolsuper OR rolcreaterole OR rolreplication OR rolbypassrls)
              FROM pg_catalog.pg_roles WHERE pg_has_role(oid, 'MEMBER')),
           EXISTS (SELECT FROM pg_catalog.pg_roles
                    WHERE rolname IN ('pg_execute_server_program', 'pg_read_server_files',
                                      'pg_write_server_files', 'pg_read_all_data',
                                      'pg_write_all_data', 'pg_maintain')
                          AND pg_has_role(oid, 'MEMBER'))
"""
POWERS = Statement(_POWERS, shape=Shape(BOOL.or_null, BOOL))
"""The statement for the power of this role that would be worth stealing."""

MOVED: LiteralString = "has moved"
"""Words in the error of a transaction whose function has been replaced."""
# The words of the error are made of a count, so that the planner cannot make them beforehand.
_VERIFY = """
    SELECT CASE count(*) WHEN %(count)s::int8 THEN clock_timestamp()
           ELSE concat('{extension} {moved} ', count(*))::timestamptz END
      FROM pg_catalog.pg_proc AS p
      JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
     WHERE (p.oid = %(function)s::int8::oid AND p.xmin::text::int8 = %(version)s::int8
            OR p.oid = %(other)s::int8::oid AND p.xmin::text::int8 = %(other_version)s::int8)
           AND n.xmin::text::int8 = %(schema_version)s::int8
"""
_VERIFY_SHAPE = Shape(TIME)


class ExtensionFunction(NamedTuple):
    """A function of an extension in the connected database."""

    oid: int
    version: int
    schema_version: int
    call_name: str
    """Its whole name, quoted."""
    columns: frozenset[str]


def look_up(extension: LiteralString, functions: LiteralString) -> Statement:
    """Return the statement that finds functions, given their names, the oids of the types of their
    arguments, and whether they return a set, as SQL.
    """
    sql = _FUNCTIONS.format(extension=extension, functions=functions)
    return Statement(sql, shape=_FUNCTIONS_SHAPE)


def name_in(row: Row) -> str:
    """Return the name of the function of a row."""
    return decode_name(row[4])


def refusal(extension: str, row: Row, powers: tuple[bool | None, bool]) -> str:
    """Return why a function may not be called; "" if it may."""
    *_, may_call, is_safe = row
    if not may_call:
        return f"this role may not call {extension}"
    # a power that cannot be read counts as one
    is_powerless = powers == (False, False)
    return "" if is_safe or is_powerless else replaceable(extension)


def replaceable(extension: str) -> str:
    """Return the reason not to call a function that others could replace."""
    return (
        f"the owner of the schema of {extension} could put another function in its place,"
        " which would run with the power of this role: put it into a schema of a superuser"
    )


def function_of(row: Row, extension: str, features: Features) -> ExtensionFunction:
    """Return the function of a row. Raises AnswerError."""
    oid, version, schema_version, schema, name, columns, *_ = row
    call_name = quoted_schema(schema, features.encoding, extension)
    return ExtensionFunction(
        oid,
        version,
        schema_version,
        f"{call_name}.{decode_name(name)}",
        frozenset(decode_name(columns or b"").split()),
    )


def verification(
    extension: LiteralString, functions: Sequence[ExtensionFunction]
) -> Statement:
    """Return the statement that ends its transaction with an error if one of the functions, of
    which there are one or two in one schema, has been replaced; it returns the time.
    """
    first, last = functions[0], functions[-1]
    parameters = {
        "count": len(functions),
        "function": first.oid,
        "version": first.version,
        "other": last.oid,
        "other_version": last.version,
        "schema_version": first.schema_version,
    }
    sql = _VERIFY.format(extension=extension, moved=MOVED)
    return Statement(sql, parameters, _VERIFY_SHAPE)


_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789_")


def quoted_schema(raw: bytes, encoding: str, extension: str) -> str:
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
        raise AnswerError(f"the schema of {extension} has no readable name") from None
    escapes = [f"\\+{ord(character):06x}" for character in name[:_LONGEST_SCHEMA]]
    return f'U&"{"".join(escapes)}"'
