"""The operator's screen and keys while something breaks: the whole program in a pseudo-terminal."""

import sys

import pytest

from tests.faults.fault_env import FAULTS, Fault, FaultEnv
from tests.faults.screen import DRAWN, Keyboard, StaleLog
from tests.keys import READY
from tests.pty import Terminal


@pytest.mark.parametrize(
    "fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-")
)
def test_a_fault_is_reported_and_overcome(fault: Fault, fault_env: FaultEnv) -> None:
    """Keys work within 200 ms, the screen is stale within two intervals, and live two after the
    repair."""
    late = _late_keys(fault, fault_env)
    if late:  # a freeze of pgtop's own comes again, a hiccup of the machine does not
        fault_env.restore()
        assert not _late_keys(fault, fault_env), late


def _late_keys(fault: Fault, fault_env: FaultEnv) -> list[float]:
    """Return how long each late key took; fail if the screen is stale when it should not be."""
    command = [
        sys.executable,
        "-m",
        "pgtop",
        fault_env.dsn,
        "--interval",
        str(fault.interval),
    ]
    with Terminal(command) as terminal:
        terminal.wait_for(READY)
        with Keyboard(terminal) as keyboard, StaleLog(terminal) as stale_log:
            try:
                struck_at = keyboard.type_while(lambda: fault.strike(fault_env))
                keyboard.type_for(fault.lasts)
            finally:
                repaired_at = keyboard.type_while(lambda: fault.repair(fault_env))
            terminal.send(fault.keys)
            keyboard.type_until(
                lambda: (
                    not fault.is_lost
                    or (stale_log.was_stale and not stale_log.is_stale)
                )
            )
            keyboard.type_for(2 * fault.interval)
    assert stale_log.was_stale == fault.is_lost
    assert not stale_log.is_stale
    if fault.is_lost:
        soon = 2 * fault.interval + DRAWN
        assert keyboard.elapsed(struck_at, stale_log.first_stale) < soon
        assert (
            keyboard.elapsed(repaired_at, stale_log.live_again)
            < fault.undetected + soon
        )
    return keyboard.late
