"""The types of the data of all sections, by name: a recording is read by them."""

from collections.abc import Mapping
from typing import Any, Final

from pgtop.model import (
    backend_io,
    host,
    pools,
    progress,
    rates,
    replication,
    statements,
)

SECTION_TYPES: Final[Mapping[str, Any]] = {
    rates.SECTION: rates.RatesReading,
    progress.SECTION: progress.ProgressReading,
    pools.SECTION: pools.PoolsReading,
    replication.SECTION: replication.ReplicationReading,
    statements.SECTION: statements.StatementsReading,
    statements.USUAL_SECTION: statements.UsualReading,
    backend_io.SECTION: backend_io.BackendIoReading,
    host.SECTION: host.HostReading,
}
