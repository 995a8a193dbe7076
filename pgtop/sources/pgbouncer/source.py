"""The console of a pooler in place of a server: its pools alone, with nothing of the server's."""

from collections.abc import Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from pgtop.model.backend import BackendId
from pgtop.model.detail import Detail
from pgtop.model.section import SESSIONS_ONLY, Topic
from pgtop.model.server import Limits, Server
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant, from_datetime
from pgtop.model.waits import WaitSample
from pgtop.ports import SourceError
from pgtop.sources.pgbouncer.enricher import PoolersEnricher
from pgtop.sources.postgres.failures import pooler_console

if TYPE_CHECKING:
    from pgtop.analysis.wait_profile import SliceBy


class ConsoleSource:
    """`ports.Source` by one console. A pooler that does not answer has its reason in the
    snapshot.
    """

    def __init__(self, parameters: Mapping[str, str]) -> None:
        """Take libpq's keywords for the console."""
        self._parameters = parameters
        self._poolers = PoolersEnricher([parameters])
        self._is_read = False
        self._started_at = from_datetime(datetime.now(UTC))

    async def sample(self, topics: frozenset[Topic] = SESSIONS_ONLY) -> Snapshot:
        """Return the newest reading, the first one once it has come."""
        if not self._is_read:
            await self._poolers.read()
            self._is_read = True
        requested_at = monotonic()
        now = from_datetime(datetime.now(UTC))
        server = unknown_server(self._parameters, self._started_at)
        snapshot = Snapshot(now, server, ())
        return self._poolers.enrich(snapshot, topics, requested_at)

    def renew(self) -> None:
        """See `ports.Source`."""

    async def detail(self, backend_id: BackendId) -> Detail | None:
        """Return None: the console has no sessions."""
        return None

    async def waits(self, by: "SliceBy", pid: int | None = None) -> WaitSample:
        """Raise SourceError: the console has no sessions."""
        raise SourceError(pooler_console())

    async def close(self) -> None:
        """See `ports.Source`."""
        await self._poolers.close()


def unknown_server(parameters: Mapping[str, str], started_at: Instant) -> Server:
    """Return a server of which only the way to its pooler is known."""
    host = parameters.get("host") or parameters.get("hostaddr", "")
    port = parameters.get("port") or 0
    return Server(
        version="",
        version_num=0,
        host=host,
        port=int(port),
        database=parameters.get("dbname", ""),
        user=parameters.get("user", ""),
        pid=0,
        user_oid=0,
        database_oid=0,
        started_at=started_at,
        limits=Limits(0, 0),
    )
