"""Times that a user types."""

import pytest

from pgtop.model.timestamp import MICROSECONDS
from pgtop.text.when import parse_when

_FIRST = 800_000_000 * MICROSECONDS
_LAST = _FIRST + 40 * MICROSECONDS


def test_an_offset_leads_before_no_sample() -> None:
    """A minute back in the first minute of the dashboard is its first sample."""
    assert parse_when("-1m", _FIRST, _LAST, bounds_offset=True) == _FIRST
    assert (
        parse_when("-5s", _FIRST, _LAST, bounds_offset=True) == _LAST - 5 * MICROSECONDS
    )
    with pytest.raises(ValueError, match="is not in the recording"):
        parse_when("-1m", _FIRST, _LAST)
