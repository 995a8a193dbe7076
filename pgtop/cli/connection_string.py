"""libpq's parameters from the options and the connection string of a command line.

No error quotes a string that may hold a password, and a secret is taken off the list of processes.
"""

import re
from typing import TYPE_CHECKING

from pgtop.cli import argv_secrets
from pgtop.cli.args.connection import ConnectionOptions
from pgtop.errors import UsageError
from pgtop.sources.postgres.conninfo import parse_conninfo
from pgtop.sources.postgres.option_checks import ENCODE, refusal

if TYPE_CHECKING:
    from pgtop.config.servers import ServerProfile

_FOREIGN_URI = re.compile(
    r"""(?!postgres(?:ql)?://)\s*(?i:["']*[a-z][a-z0-9+.:-]*?(?::/|//))"""
)
"""A connection string of another program. As the name of a database it would reach the server's
log.
"""
_BAD_URI = re.compile(r"postgres(?:ql)?://(?:\S*\s|[^?/]*/[^?]*[@:]|[^?@]*@[^?]*@)")
"""A URI with a blank, a colon in the database's name or an @ too many: the rest may be a part of
the password.
"""
_URI_START = ("postgresql://", "postgres://")
_QUOTED_NAME = re.compile(r"(?:^|\s)(dbname|user)\s*=\s*'")
_SCHEME = "Begin it with postgresql://, without a driver's name or jdbc: before it."
_CONNINFO_HELP = (
    "See https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING"
)


def parameters_of(connection: ConnectionOptions) -> dict[str, str]:
    """Return libpq's keywords for the options. Raises UsageError for a wrong connection string.

    As in psql, a name with `=` in it or with a URI's scheme is a whole connection string, and it
    overrides the options. https://www.postgresql.org/docs/current/app-psql.html
    """
    target = connection.target or ""
    profile = _profile_parameters(connection.server)
    options = {
        "host": connection.host,
        "port": connection.port,
        "user": connection.user,
    }
    named = {name: value for name, value in options.items() if value is not None}
    parameters = {**profile, **named}
    written = _parameters_in(target)
    parameters.update(written)
    if argv_secrets.SECRETS & parameters.keys():
        argv_secrets.hide(target)
    by_keyword = written if _is_conninfo(target) else ()
    quoted = set(_QUOTED_NAME.findall(target))
    if reason := refusal(parameters, by_keyword, quoted):
        argv_secrets.hide(target)
        raise UsageError(reason, ENCODE if "://" in target else "")
    return parameters


def pooler_parameters(uri: str) -> dict[str, str]:
    """Return libpq's keywords for the console of a pooler. Raises UsageError for a wrong URI, or
    one with a password.
    """
    if not _is_conninfo(uri):
        argv_secrets.hide(uri)
        raise UsageError(
            "A pooler is given by the URI of its console.",
            "Such as --pooler postgresql://USER@HOST:6432/pgbouncer.",
        )
    parameters = parameters_of(ConnectionOptions(uri))
    if argv_secrets.SECRETS & parameters.keys():
        raise UsageError(
            "The URI of a pooler holds a password.",
            "Keep it in ~/.pgpass, in a line for the database pgbouncer.",
        )
    return parameters


def _profile_parameters(server: "ServerProfile | None") -> dict[str, str]:
    """Return the keywords of a named server. Raises UsageError for a password among them."""
    if server is None:
        return {}
    if server.service:
        return {"service": server.service}
    try:
        parameters = parse_conninfo(server.uri)
    except ValueError:
        raise UsageError(
            f"The URI of @{server.name} is wrong.", _CONNINFO_HELP
        ) from None
    if argv_secrets.SECRETS & parameters.keys():
        raise UsageError(
            f"The URI of @{server.name} holds a password.",
            "Keep it in ~/.pgpass or in a service file with mode 0600.",
        )
    return parameters


def _parameters_in(target: str) -> dict[str, str]:
    """Return the keywords of a database's name, a URI or a connection string. Raises UsageError,
    which quotes nothing.
    """
    if _FOREIGN_URI.match(target):
        argv_secrets.hide(target)
        raise UsageError(
            "The connection string begins in a way that libpq does not know.", _SCHEME
        )
    if not _is_conninfo(target):
        return {"dbname": target} if target else {}
    if _BAD_URI.match(target):
        argv_secrets.hide(target)
        raise UsageError(
            "The URI has a blank, an @ or a colon too many in it.",
            f"Write a blank as %20. {ENCODE}",
        )
    try:
        return parse_conninfo(target)
    except ValueError as error:
        argv_secrets.hide(target)
        keyword = argv_secrets.wrong_keyword(str(error), target)
        reason = f': invalid connection option "{keyword}"' if keyword else ""
        raise UsageError(
            f"The connection string is wrong{reason}.", _CONNINFO_HELP
        ) from None


def _is_conninfo(target: str) -> bool:
    return "=" in target or target.startswith(_URI_START)
