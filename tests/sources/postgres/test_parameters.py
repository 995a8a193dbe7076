"""Parameters as they are sent: read by psycopg, and by the server."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.adapt import Transformer
from psycopg.pq import Format

from pgtop.model.timestamp import from_datetime
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.parameters import Parameter, TimestampParam, encoded
from pgtop.sources.postgres.pipeline import Statement

INT4 = st.integers(-(2**31), 2**31 - 1)
INT8 = st.integers(-(2**63), 2**63 - 1)
OTHERS = st.none() | st.booleans() | INT4 | INT8 | st.binary() | st.lists(INT4)


def read(parameter: Parameter) -> object:
    raw, oid = encoded(parameter)
    return (
        None if raw is None else Transformer().get_loader(oid, Format.BINARY).load(raw)
    )


@given(OTHERS)
def test_psycopg_reads_the_same_parameter(
    parameter: bool | int | bytes | list[int] | None,
) -> None:
    """Every flag, number, string of bytes and list of numbers is read with its value and type."""
    assert repr(read(parameter)) == repr(parameter)


@given(st.datetimes(timezones=st.just(UTC)))
def test_psycopg_reads_the_same_instant(moment: datetime) -> None:
    """An instant is exact to the microsecond."""
    assert read(TimestampParam(from_datetime(moment))) == moment


@pytest.mark.parametrize(
    ("number", "oid"),
    [(0, 23), (-1, 23), (2**31 - 1, 23), (2**31, 20), (-(2**31), 20), (2**32 - 1, 20)],
)
def test_a_small_number_has_32_bits(number: int, oid: int) -> None:
    """The server would find no function for a larger type."""
    assert encoded(number)[1] == oid


async def test_the_server_reads_the_same_parameter(session: ServerConnection) -> None:
    """A list may be empty, and NULL has the type of its place in the statement."""
    values: dict[str, Parameter] = {
        "none": None, "flag": True, "oid": 2**32 - 1, "raw": b"\0\xff", "pids": (4711, 1),
        "no_pids": (),
        "at": TimestampParam(-1),
    }  # fmt: skip
    statement = Statement(
        "SELECT %(none)s::int4, %(flag)s, %(oid)s::oid, %(raw)s, %(pids)s::int4[], "
        "%(no_pids)s::int4[], %(at)s",
        values,
    )
    async with session.acquire() as channel:
        [[row]] = await channel.run(statement)
    assert row == (None, True, 2**32 - 1, b"\0\xff", (4711, 1), (), -1)
