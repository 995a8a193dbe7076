"""The line that tells what watching costs."""

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
def test_it_has_room_on_a_small_screen(
    trip: float, server: float, received: int | None, cpu: float, drawn: int | None
) -> None:
    """Whatever a sample costs on a server that can be watched at all, 80 columns show all of it."""
    [span] = cost_line(trip, server, received, cpu, drawn)
    assert len(span.text) <= 80
    assert span.text.endswith("drawn" if drawn is not None else "ms")
