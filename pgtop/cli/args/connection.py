"""The options that name the server and the role, as in psql.

`-h` is the host, so help is `--help` or `-?`.
"""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pgtop.config.schema import Argument, OptionGroup, option

if TYPE_CHECKING:
    from pgtop.config.servers import ServerProfile


class Password(Enum):
    """The time at which pgtop prompts for the password."""

    WHEN_WANTED = "when the server wants one"
    FIRST = "-W"
    NEVER = "-w"


class ConnectionOptions(NamedTuple):
    """The server and the role, as the user named them.

    libpq fills in what is None, from its PG* variables, its files and its defaults.
    """

    target: Annotated[
        str | None,
        Argument(
            "DBNAME | URI | CONNINFO", help="database, or a whole connection string"
        ),
        option(
            "-d",
            "--dbname",
            metavar="DBNAME",
            help="database, URI or connection string",
        ),
    ] = None
    """A database name, a URI or a conninfo string."""
    host: Annotated[
        str | None,
        option("-h", "--host", metavar="HOST", help="server host or socket folder"),
    ] = None
    port: Annotated[
        str | None,
        option("-p", "--port", metavar="PORT", help="server port"),
    ] = None
    user: Annotated[
        str | None,
        option("-U", "--username", metavar="NAME", help="role"),
    ] = None
    password: Annotated[
        Password,
        option(
            "-w",
            "--no-password",
            constant=Password.NEVER,
            excludes="password",
            help="never prompt for a password",
        ),
        option(
            "-W",
            "--password",
            constant=Password.FIRST,
            excludes="password",
            help="prompt for the password before connecting",
        ),
    ] = Password.WHEN_WANTED
    wait: Annotated[
        bool,
        option("--wait", help="keep trying until the server accepts a connection"),
    ] = False
    """True if pgtop keeps trying while the server is full, starting, stopping or unreachable."""
    poolers: tuple[str, ...] = ()
    """URIs of the consoles of poolers, of a command that reads them."""
    server_name: str = ""
    """The name behind the @ of a named server."""
    server: "ServerProfile | None" = None
    """The named server, once the configuration has been read."""


_TITLE = "Connection (as in psql; PG* variables and libpq's defaults supply the rest)"

Connection = Annotated[ConnectionOptions, OptionGroup(_TITLE)]
"""The connection of a command that takes a database without `-d`."""

Poolers = Annotated[
    tuple[str, ...],
    option(
        "--pooler",
        metavar="URI",
        help="console of the PgBouncer in front of the server; one for each of its processes",
    ),
]
"""The poolers of a command that reads them, behind its connection."""

NamedConnection = Annotated[ConnectionOptions, OptionGroup(_TITLE, has_argument=False)]
"""The connection of a command that needs its plain words for something else."""
