"""The gate itself, on scripted times: when may a key answer a question?"""

from hypothesis import given
from hypothesis import strategies as st

from pgtop.tui.gate import KeyGate


class _Line:
    """A terminal and its line: proofs are requested, and come when the test gives them."""

    def __init__(self, answers: bool = True) -> None:
        self.requests = 0
        self.gate = KeyGate(self._request, lambda: answers)
        self.gate.close()

    def _request(self) -> int:
        self.requests += 1
        return self.requests


def test_a_key_before_the_proof_is_dropped_and_one_after_it_is_not() -> None:
    """The order alone counts, however slow the line is."""
    line = _Line()
    assert not line.gate.is_drawn
    line.gate.drawn(0.0)
    line.gate.proven(1)
    assert line.gate.admits(0.001)


def test_after_a_dropped_key_there_must_be_a_pause() -> None:
    """Keys that keep coming are a paste, or were typed ahead."""
    line = _Line()
    line.gate.drawn(0.0)
    assert not line.gate.admits(0.3)
    line.gate.proven(1)
    assert not line.gate.admits(0.7)
    assert not line.gate.admits(1.1)
    assert line.gate.admits(1.7)


def test_a_key_that_means_nothing_closes_the_gate_until_a_pause() -> None:
    """The `y` in a word answers nothing."""
    line = _Line()
    line.gate.drawn(0.0)
    line.gate.proven(1)
    assert line.gate.admits(1.0)
    line.gate.stray(1.0)
    assert not line.gate.admits(1.2)
    assert line.gate.admits(1.8)


def test_a_late_proof_of_an_older_question_opens_nothing() -> None:
    """A question that replaces another needs a proof of its own."""
    line = _Line()
    line.gate.drawn(0.0)
    line.gate.close()
    line.gate.drawn(0.5)
    line.gate.proven(1)
    assert not line.gate.admits(0.6)
    line.gate.proven(2)
    assert line.gate.admits(1.2)


def test_a_lost_proof_is_requested_again() -> None:
    """A terminal that answers is never believed to show what it did not prove."""
    line = _Line()
    line.gate.drawn(0.0)
    for at in (2.0, 4.0, 60.0):
        assert not line.gate.admits(at)
    assert line.requests == 4
    line.gate.proven(4)
    assert line.gate.admits(61.0)


def test_a_terminal_that_never_answers_is_waited_for_a_second() -> None:
    """After that a key is taken, unless it comes right after one that was dropped."""
    line = _Line(answers=False)
    line.gate.drawn(0.0)
    assert not line.gate.admits(0.8)
    assert not line.gate.admits(1.1)
    assert line.gate.admits(1.7)


@given(st.lists(st.floats(0, 0.49), min_size=1), st.integers(0, 20))
def test_no_run_of_keys_that_began_before_the_proof_ever_answers(
    gaps: list[float], proven_after: int
) -> None:
    """The place of the proof in the run makes no difference."""
    line, at = _Line(), 0.0
    line.gate.drawn(at)
    assert not line.gate.admits(at)
    for place, gap in enumerate(gaps):
        if place == proven_after:
            line.gate.proven(1)
        at += gap
        assert not line.gate.admits(at)
