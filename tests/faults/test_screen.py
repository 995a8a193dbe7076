"""What the operator sees and can do while something breaks: the whole program in a
pseudo-terminal.
"""

import sys

import pytest

from tests.faults.fault_env import FAULTS, Fault, Ground
from tests.faults.screen import DRAWN, Diary, Keyboard
from tests.pty import Terminal


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_fault_is_told_and_got_over(fault: Fault, ground: Ground) -> None:
    """Keys answer within 200 ms throughout; the picture is marked within two intervals, and live
    again after two.
    """
    late = _late_keys(fault, ground)
    if late:  # a freeze of ours comes again, what the machine did by chance does not
        ground.mended()
        assert not _late_keys(fault, ground), late


def _late_keys(fault: Fault, ground: Ground) -> list[float]:
    """What the keys took that were late meanwhile; fails if the picture is not what it is to be."""
    command = [sys.executable, "-m", "pgtop", ground.dsn, "--interval", str(fault.interval)]
    with Terminal(command) as terminal:
        terminal.wait_for("q quit")
        with Keyboard(terminal) as keyboard, Diary(terminal) as diary:
            try:
                struck = keyboard.type_while(lambda: fault.strike(ground))
                keyboard.type_for(fault.lasts)
            finally:
                mended = keyboard.type_while(lambda: fault.mend(ground))
            terminal.send(fault.keys)
            keyboard.type_until(lambda: not fault.lost or (diary.was_stale and not diary.is_stale))
            keyboard.type_for(2 * fault.interval)
    assert diary.was_stale == fault.lost
    assert not diary.is_stale
    if fault.lost:
        soon = 2 * fault.interval + DRAWN
        assert keyboard.elapsed(struck, diary.first_stale) < soon
        assert keyboard.elapsed(mended, diary.live_again) < fault.untold + soon
    return keyboard.late
