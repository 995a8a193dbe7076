"""Measures what pgtop itself spends between two snapshots."""

import time

from pgtop.monitor.state import Spent
from pgtop.terminal.driver import PgtopDriver


class CostMeter:
    """Reads what was spent since the last reading."""

    def __init__(self) -> None:
        self._cpu = time.process_time()
        self._drawn = 0

    def read(self, driver: PgtopDriver | None) -> Spent:
        """Return the CPU of all threads of this process, and the bytes that our driver sent."""
        cpu = time.process_time()
        before = self._cpu
        self._cpu = cpu
        if driver is None:
            return Spent(cpu - before, None)
        drawn = max(0, driver.sent_bytes - self._drawn)
        self._drawn = driver.sent_bytes
        return Spent(cpu - before, drawn)
