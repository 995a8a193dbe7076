"""Parameters of libpq from options and connection strings."""

import pytest

from pgtop.cli.args.connection import ConnectionOptions
from pgtop.cli.connection_string import parameters_of
from pgtop.errors import UsageError


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        (ConnectionOptions(), {}),
        (ConnectionOptions(""), {}),
        (ConnectionOptions("shop"), {"dbname": "shop"}),
        (
            ConnectionOptions("shop", "db1", "5433", "web"),
            {"dbname": "shop", "host": "db1", "port": "5433", "user": "web"},
        ),
        (ConnectionOptions("host=db1 dbname=shop"), {"host": "db1", "dbname": "shop"}),
        (ConnectionOptions("host=db1 port=1", "db2"), {"host": "db1", "port": "1"}),
        (
            ConnectionOptions("postgres://web@db1,db2:7/shop"),
            {"user": "web", "host": "db1,db2", "port": ",7", "dbname": "shop"},
        ),
        (
            ConnectionOptions("postgresql:///?sslmode=require", port="9"),
            {"sslmode": "require", "port": "9"},
        ),
        (
            ConnectionOptions("host=/tmp//pg dbname=a://b"),
            {"host": "/tmp//pg", "dbname": "a://b"},
        ),
        (
            ConnectionOptions("dbname = 'a=b' user='c:d@e'"),
            {"dbname": "a=b", "user": "c:d@e"},
        ),
    ],
)
def test_options_and_connection_strings_are_merged(
    options: ConnectionOptions, parameters: dict[str, str]
) -> None:
    """A name with = or a URI's scheme is a connection string, and overrides options, as in psql."""
    assert parameters_of(options) == parameters


def test_a_wrong_connection_string_is_wrong_usage() -> None:
    """The message has libpq's reason."""
    with pytest.raises(UsageError, match="invalid connection option"):
        parameters_of(ConnectionOptions("colour=blue"))
