"""What is sent for a parameter: read by psycopg, and by the server."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.adapt import Transformer
from psycopg.pq import Format

from pgtop.model.timestamp import from_datetime
from pgtop.sources.postgres.connection import ServerConnection, Statement
from pgtop.sources.postgres.parameters import Parameter, TimestampParam, encoded

INT4 = st.integers(-(2**31), 2**31 - 1)
INT8 = st.integers(-(2**63), 2**63 - 1)
OTHERS = st.none() | st.booleans() | INT4 | INT8 | st.binary() | st.lists(INT4)


def read(parameter: Parameter) -> object:
    raw, oid = encoded(parameter)
    return None if raw is None else Transformer().get_loader(oid, Format.BINARY).load(raw)


@given(OTHERS)
def test_psycopg_reads_what_was_meant(parameter: bool | int | bytes | list[int] | None) -> None:
    """Every flag, number, string of bytes and list of numbers is read as the same, and of the same
    type.
    """
    assert repr(read(parameter)) == repr(parameter)


@given(st.datetimes(timezones=st.just(UTC)))
def test_psycopg_reads_the_instant_that_was_meant(moment: datetime) -> None:
    """An instant is that instant, to the microsecond."""
    assert read(TimestampParam(from_datetime(moment))) == moment


@pytest.mark.parametrize(
    ("number", "oid"),
    [(0, 23), (-1, 23), (2**31 - 1, 23), (2**31, 20), (-(2**31), 20), (2**32 - 1, 20)],
)
def test_a_number_is_of_32_bits_if_it_can_be(number: int, oid: int) -> None:
    """For a larger type the server would find no function."""
    assert encoded(number)[1] == oid


async def test_the_server_reads_what_was_meant(session: ServerConnection) -> None:
    """As the statement has them: a list may be empty, and NULL is of the type that it stands
    for.
    """
    values: dict[str, Parameter] = {
        "none": None, "flag": True, "oid": 2**32 - 1, "raw": b"\0\xff", "pids": (4711, 1), "nobody": (),
        "at": TimestampParam(-1),
    }  # fmt: skip
    asked = Statement(
        "SELECT %(none)s::int4, %(flag)s, %(oid)s::oid, %(raw)s, %(pids)s::int4[], %(nobody)s::int4[], %(at)s",
        values,
    )
    async with session.acquire() as channel:
        [[row]] = await channel.run(asked)
    assert row == (None, True, 2**32 - 1, b"\0\xff", (4711, 1), (), -1)
