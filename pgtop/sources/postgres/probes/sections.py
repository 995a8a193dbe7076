"""Sections: which probes take part in a poll, and what becomes of their answers."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import psycopg

from pgtop.model.section import Section, Topic
from pgtop.model.server import Server
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant
from pgtop.sources.postgres.failures import error_text
from pgtop.sources.postgres.features import Features
from pgtop.sources.postgres.pipeline import Answer, Statement
from pgtop.sources.postgres.probes import (
    Probe,
    ProbeContext,
    Remembered,
    recovered,
)
from pgtop.sources.postgres.probes.lock_target import NO_NAMES, Names

RETRY_AFTER = 30 * MICROSECONDS
"""A refused statement leaves an error in the server's log each time."""


class _Poll(NamedTuple):
    """A probe that takes part in this poll."""

    probe: Probe
    context: ProbeContext
    statements: Sequence[Statement]


class SectionReader:
    """Reads sections over one connection, each in a transaction of its own."""

    def __init__(
        self, probes: Sequence[Probe], features: Features, names: Names = NO_NAMES
    ) -> None:
        self._probes = probes
        self._features = features
        self._names = names
        self._polls: list[_Poll] = []
        self._kept: dict[str, Section[Any]] = {}
        self._memories: dict[str, object] = {}

    def transactions(
        self, topics: frozenset[Topic], server: Server | None, last: Snapshot | None
    ) -> list[Sequence[Statement]]:
        """Return the statements of each probe that serves one of the topics and is due."""
        self._polls = []
        self._kept = {}
        wanted = [probe for probe in self._probes if probe.topic in topics]
        for probe in wanted:
            context = self._context(probe, server, last)
            if context.section is not None:
                self._kept[probe.name] = context.section
            statements = () if _is_resting(context) else probe.statements(context)
            if statements:
                self._polls.append(_Poll(probe, context, statements))
        return [poll.statements for poll in self._polls]

    def _context(
        self, probe: Probe, server: Server | None, last: Snapshot | None
    ) -> ProbeContext:
        if last is None:
            return ProbeContext(
                self._features,
                server,
                section=None,
                now=0,
            )
        section = last.sections.get(probe.name)
        return ProbeContext(
            self._features,
            server,
            section,
            last.taken_at,
            last,
            self._names,
            self._memories.get(probe.name),
        )

    def read(
        self, answers: Sequence[Answer], server: Server, taken_at: Instant
    ) -> Mapping[str, Section[Any]]:
        """Return the sections: new ones from the answers to `transactions`, and those that were not
        due.
        """
        sections = {**self._kept}
        for poll, answer in zip(self._polls, answers, strict=True):
            context = poll.context._replace(server=server, now=taken_at)
            sections[poll.probe.name] = self._section(poll.probe, answer, context)
        return sections

    def _section(
        self, probe: Probe, answer: Answer, context: ProbeContext
    ) -> Section[Any]:
        """Return the section in the answer; remember what the probe needs again."""
        self._memories.pop(probe.name, None)
        try:
            data = _data(probe, answer, context)
        except psycopg.Error as error:
            return Section(context.now, reason=error_text(error))
        if not isinstance(data, Remembered):
            return Section(context.now, data)
        self._memories[probe.name] = data.memory
        return Section(context.now, data.data)


def _data(probe: Probe, answer: Answer, context: ProbeContext) -> object:
    """Return the data in an answer. Raises psycopg.Error."""
    if not isinstance(answer, psycopg.Error):
        return probe.read(answer, context)
    data = recovered(probe, error_text(answer), context)
    if data is None:
        raise answer
    return data


def _is_resting(context: ProbeContext) -> bool:
    """Return whether the last try has failed a short while ago."""
    section = context.section
    if section is None or not section.reason:
        return False
    return context.now - section.taken_at < RETRY_AFTER
