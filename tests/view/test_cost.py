"""The line about pgtop's own overhead."""

from hypothesis import given
from hypothesis import strategies as st

from pgtop.view.cost import cost_line


@given(
    st.floats(0, 9.9),
    st.floats(0, 0.99),
    st.none() | st.integers(0, 999_999),
    st.floats(0, 0.99),
    st.none() | st.integers(0, 99_999),
)
def test_the_line_fits_on_80_columns(
    trip: float, server: float, received: int | None, cpu: float, drawn: int | None
) -> None:
    """The line fits on 80 columns for every cost of a server that can be monitored at all."""
    [span] = cost_line(trip, server, received, cpu, drawn)
    assert len(span.text) <= 80
    assert span.text.endswith("drawn" if drawn is not None else "ms")
