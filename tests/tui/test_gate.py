"""When a key may answer a question, on scripted times: the gate itself."""

from hypothesis import given
from hypothesis import strategies as st

from pgtop.tui.gate import KeyGate


class _Line:
    """A terminal and its line: proofs are asked for, and come when the test says so."""

    def __init__(self, answers: bool = True) -> None:
        self.asked = 0
        self.gate = KeyGate(self._ask, lambda: answers)
        self.gate.close()

    def _ask(self) -> int:
        self.asked += 1
        return self.asked


def test_a_key_before_the_proof_is_dropped_and_one_after_it_is_not() -> None:
    """However long the line is: only the order counts."""
    line = _Line()
    assert not line.gate.is_drawn
    line.gate.drawn(0.0)
    line.gate.proven(1)
    assert line.gate.admits(0.001)


def test_after_a_dropped_key_there_must_be_a_pause() -> None:
    """What goes on coming is a paste, or was typed ahead."""
    line = _Line()
    line.gate.drawn(0.0)
    assert not line.gate.admits(0.3)
    line.gate.proven(1)
    assert not line.gate.admits(0.7)
    assert not line.gate.admits(1.1)
    assert line.gate.admits(1.7)


def test_a_key_that_means_nothing_closes_the_gate_for_a_breath() -> None:
    """So that the `y` in a word answers nothing."""
    line = _Line()
    line.gate.drawn(0.0)
    line.gate.proven(1)
    assert line.gate.admits(1.0)
    line.gate.stray(1.0)
    assert not line.gate.admits(1.2)
    assert line.gate.admits(1.8)


def test_a_late_proof_of_an_older_question_opens_nothing() -> None:
    """A question that takes another's place needs a proof of its own."""
    line = _Line()
    line.gate.drawn(0.0)
    line.gate.close()
    line.gate.drawn(0.5)
    line.gate.proven(1)
    assert not line.gate.admits(0.6)
    line.gate.proven(2)
    assert line.gate.admits(1.2)


def test_a_proof_that_is_lost_is_asked_for_again() -> None:
    """A terminal that answers is never taken to have seen what it did not prove."""
    line = _Line()
    line.gate.drawn(0.0)
    for at in (2.0, 4.0, 60.0):
        assert not line.gate.admits(at)
    assert line.asked == 4
    line.gate.proven(4)
    assert line.gate.admits(61.0)


def test_a_terminal_that_never_answers_is_waited_for_a_second() -> None:
    """Then a key is taken, unless it comes right behind one that was not."""
    line = _Line(answers=False)
    line.gate.drawn(0.0)
    assert not line.gate.admits(0.8)
    assert not line.gate.admits(1.1)
    assert line.gate.admits(1.7)


@given(st.lists(st.floats(0, 0.49), min_size=1), st.integers(0, 20))
def test_no_run_of_keys_that_began_before_the_proof_ever_answers(
    gaps: list[float], proven_after: int
) -> None:
    """Whenever in the run the proof comes."""
    line, at = _Line(), 0.0
    line.gate.drawn(at)
    assert not line.gate.admits(at)
    for place, gap in enumerate(gaps):
        if place == proven_after:
            line.gate.proven(1)
        at += gap
        assert not line.gate.admits(at)
