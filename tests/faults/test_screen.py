"""What the operator sees and can do while something breaks: the whole program in a pseudo-terminal."""

import sys

import pytest

from tests.faults.ground import FAULTS, Fault, Ground
from tests.faults.screen import DRAWN, INTERVAL, Diary, Keyboard, check_keys
from tests.pty import Terminal


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_fault_is_told_and_got_over(fault: Fault, ground: Ground) -> None:
    """Keys answer within 200 ms throughout; the picture is marked within two intervals, and live again after two."""
    with Terminal([sys.executable, "-m", "pgtop", ground.dsn, "--interval", str(INTERVAL)]) as terminal:
        terminal.wait_for("q quit")
        keyboard = Keyboard(terminal)
        with Diary(terminal) as diary:
            struck = keyboard.type_while(lambda: fault.strike(ground))
            keyboard.type_for(fault.lasts)
            mended = keyboard.type_while(lambda: fault.mend(ground))
            keyboard.type_until(lambda: not fault.lost or (diary.was_stale and not diary.is_stale))
            keyboard.type_for(2 * INTERVAL)
    check_keys(keyboard)
    assert diary.was_stale == fault.lost
    assert not diary.is_stale
    if fault.lost:
        assert diary.first_stale - struck < 2 * INTERVAL + DRAWN
        assert diary.live_again - mended < 2 * INTERVAL + DRAWN
