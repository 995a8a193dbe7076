"""Measures what pgtop itself spends between two pictures."""

import time

from textual.driver import Driver

from pgtop.monitor.state import Spent
from pgtop.terminal.driver import PgtopDriver


class CostMeter:
    """Each reading is what was spent since the one before."""

    def __init__(self) -> None:
        self._cpu = time.process_time()
        self._drawn = 0

    def read(self, driver: Driver | None) -> Spent:
        """CPU of all threads of this process, and the bytes that our driver sent."""
        cpu, drawn = (
            time.process_time(),
            driver.sent_bytes if isinstance(driver, PgtopDriver) else None,
        )
        spent = Spent(cpu - self._cpu, None if drawn is None else max(0, drawn - self._drawn))
        self._cpu, self._drawn = cpu, drawn or 0
        return spent
