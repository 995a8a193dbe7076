"""Sources with enrichers."""

from dataclasses import replace

from pgtop.model.section import SESSIONS_ONLY, Section, Topic
from pgtop.model.snapshot import Snapshot
from pgtop.sources.enriching import EnrichedSource
from pgtop.sources.redacting import RedactingSource
from tests.fakes import FakeSource
from tests.scenes.base import snapshot


class _Enricher:
    """Adds a section of its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.topics: list[frozenset[Topic]] = []
        self.is_closed = False

    def enrich(
        self, snapshot: Snapshot, topics: frozenset[Topic], requested_at: float
    ) -> Snapshot:
        self.topics.append(topics)
        section = Section(snapshot.taken_at, requested_at)
        return replace(snapshot, sections={**snapshot.sections, self.name: section})

    async def close(self) -> None:
        self.is_closed = True


async def test_each_enricher_adds_a_section_of_its_own() -> None:
    """The topics reach the enrichers, redaction keeps their sections, and all are closed."""
    enrichers = [_Enricher("pools"), _Enricher("host")]
    source = RedactingSource(EnrichedSource(FakeSource([snapshot([])]), enrichers))
    sample = await source.sample(SESSIONS_ONLY)
    assert sample.sections.keys() == {"pools", "host"}
    assert enrichers[0].topics == [SESSIONS_ONLY]
    await source.close()
    assert all(each.is_closed for each in enrichers)
