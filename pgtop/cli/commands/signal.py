"""`pgtop cancel` and `pgtop kill`: print the plan, ask, see it through, tell what was seen.

Nobody is signalled who was not in the plan as it was printed, and nothing is without a yes, from a terminal or --yes.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pgtop.analysis.planning import Guard, asked_again, changes, plan, plan_for_one, spared
from pgtop.cli import compose, interrupts, output
from pgtop.cli.commands.show import session_record
from pgtop.cli.exits import Exit
from pgtop.cli.options import SignalMany
from pgtop.cli.safety import Guards, check_judged_unmasked, guards_of
from pgtop.errand import Progress, survivors
from pgtop.errors import UsageError
from pgtop.model.backend import Backend, BackendId
from pgtop.model.instant import from_datetime, written
from pgtop.model.plan import MOVED_ON, Change, LeftOut, Plan, Why
from pgtop.model.signal import Answer, Outcome, Signal
from pgtop.model.snapshot import Snapshot
from pgtop.ports import SourceError
from pgtop.postgres.sampler import WHOLE
from pgtop.proof import PATIENCE
from pgtop.view.filter import Filter, FilterError
from pgtop.view.guard import guard
from pgtop.view.picture import Picture
from pgtop.view.plan import (
    TYPED_ABOVE,
    deed,
    facts,
    heading,
    layout,
    left_out_line,
    nobody,
    outcome_line,
    sessions,
    target_line,
    title,
    who_is_left_out,
)
from pgtop.view.results import REFUSED, SURVIVED, Result, result_of, summary
from pgtop.view.tone import Tone
from pgtop.view.wrap import Line, line, wrapped

_SIGNALS = {"cancel": Signal.CANCEL, "kill": Signal.TERMINATE}
_WIDTH = 160  # cells where the output is no terminal
_LEFT_OUT_SHOWN = 10
_SURVIVED = "surviving the cancel"
_NEVER_WISHED = frozenset({Why.HIDDEN, Why.CHANGED})
"""Why some are left out that the user meant all the same; the others are left out as pgtop says it always does."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A pid that was asked for, and the session that has it now, which is another one, or none."""

    pid: int
    now: Backend | None = None

    @property
    def words(self) -> str:
        if self.now is None:
            return f"{self.pid} is not there"
        return f"{self.pid} is another session: it started at {written(self.now.backend_start)}"

    def as_dict(self) -> dict[str, Any]:
        """The same for programs, by the codes of an outcome's `answer`."""
        why = Answer.GONE if self.now is None else Answer.REPLACED
        return {"pid": self.pid, "why": why.value, "backend_start": self.now and written(self.now.backend_start)}


@dataclass(frozen=True, slots=True)
class Proposed:
    """A plan, and what was asked for and is not there."""

    plan: Plan
    picture: Picture
    missing: tuple[Missing, ...] = ()


def run(command: SignalMany) -> int:
    """Carry the command out; returns the exit code. Raises PgtopError and SourceError."""
    guards = guards_of(command.safety)
    chosen = _filter(command.filter)
    if guards.redact:
        check_judged_unmasked(chosen, repr(command.filter))
    return interrupts.run(_Command(command, guards, chosen).run())


class _Command:
    """One command and the connection that it uses."""

    def __init__(self, command: SignalMany, guards: Guards, chosen: Filter) -> None:
        self._command = command
        self._guards = guards
        self._filter = chosen
        self._session = compose.session_for(command.connection, compose.Asker())
        self._source = compose.source_for(self._session, guards.redact, WHOLE)
        self._errands = compose.errands_for(self._session, guards)

    async def run(self) -> Exit:
        try:
            snapshot = await compose.first_sample(self._source, self._command.connection.wait)
            return await self._carry_out(self._proposed(snapshot))
        except FilterError as error:
            raise _wrong_filter(error) from error
        finally:
            await self._source.close()

    async def _carry_out(self, proposed: Proposed) -> Exit:
        self._print_plan(proposed)
        if not proposed.plan.targets:
            self._say_nobody(proposed)
            return self._without_outcome(proposed, Exit.SOME_REFUSED if self._refused(proposed) else Exit.NOBODY)
        if self._command.dry_run:
            return self._without_outcome(proposed, Exit.DONE)
        if self._guards.read_only:
            output.say(f"Nothing was signalled: {self._guards.read_only}")
            return await self._send(proposed)  # to a door that refuses, so that the audit trail tells of it
        agreed = await self._agreed(proposed)
        if agreed is None:
            return self._without_outcome(proposed, Exit.NOT_CONFIRMED)
        agreed_on = replace(proposed, plan=agreed)
        if not agreed.targets:
            output.say("Nothing was signalled: all of them have changed.")
            return self._without_outcome(agreed_on, Exit.SOME_REFUSED)
        return await self._send(agreed_on)

    # The plan.

    def _proposed(self, snapshot: Snapshot) -> Proposed:
        picture = Picture.of(snapshot)
        guarded = guard(self._guards.protect, picture)
        signal = _SIGNALS[self._command.signal]
        if self._command.pids:
            return self._named(signal, picture, guarded)
        found = self._found(picture)
        pinned = not (self._command.all_clients or self._command.changed_too)
        return Proposed(plan(signal, found, snapshot, guarded, pinned=pinned), picture)

    def _named(self, signal: Signal, picture: Picture, guarded: Guard) -> Proposed:
        """Pids given by hand: the session is meant, whatever it does; a cancel is for the query that is shown."""
        snapshot = picture.snapshot
        now = {backend.pid: backend for backend in snapshot.backends}
        there = [pid for pid in self._command.pids if self._is_meant(now.get(pid))]
        missing = tuple(Missing(pid, now.get(pid)) for pid in self._command.pids if pid not in there)
        found = [now[pid] for pid in there]
        if self._command.started is not None and any(backend.backend_start is None for backend in found):
            return Proposed(Plan(signal, snapshot.server, snapshot.taken_at, (), _unpinned(found)), picture)
        made = plan(signal, found, snapshot, guarded, pinned=False)
        alone = len(self._command.pids) == 1 and any(left.why is not Why.NOTHING_RUNS for left in made.left_out)
        if alone and not self._command.yes:
            made = plan_for_one(signal, found[0], snapshot, guarded)
        return Proposed(made, picture, missing)

    def _is_meant(self, backend: Backend | None) -> bool:
        """There is such a session, and nothing shows that it began at another time than --started says."""
        if backend is None:
            return False
        wanted = self._command.started
        return wanted is None or backend.backend_start in (None, from_datetime(wanted))

    def _found(self, picture: Picture) -> list[Backend]:
        """Those whom the filter lets through; with --all-clients every client but ourselves."""
        snapshot = picture.snapshot
        if self._command.all_clients:
            return [b for b in snapshot.backends if b.is_client and b.pid != snapshot.server.pid]
        matches = self._filter.on(picture)
        return [backend for backend in snapshot.backends if matches(backend)]

    def _refused(self, proposed: Proposed) -> bool:
        """Somebody who was meant got no signal: hidden, changed, or protected and named by pid."""
        refused = _NEVER_WISHED | ({Why.PROTECTED} if self._command.pids else set())
        return any(left.why in refused for left in proposed.plan.left_out)

    def _say_nobody(self, proposed: Proposed) -> None:
        """Why there are no targets; pids that are not there have been told."""
        if proposed.plan.left_out:
            output.say(nobody(proposed.plan))
        elif self._command.all_clients:
            output.say("There is no other client session.")
        elif self._command.filter:
            hidden = sum(b.hidden and b.is_client for b in proposed.picture.snapshot.backends)
            advice = f"{sessions(hidden)} of other roles cannot be seen: grant pg_read_all_stats." if hidden else ""
            output.say(f"No session matches {self._command.filter!r}.", advice)

    # The consent.

    async def _agreed(self, proposed: Proposed) -> Plan | None:
        """The plan as it may be carried out now, or None."""
        if self._command.yes:
            return proposed.plan
        if not self._will_ask:
            output.say("Nothing was signalled, as there is no terminal to ask on.", "--yes signals without asking.")
            return None
        if self._command.escalate:
            output.say("Those that survive the cancel are terminated.")
        if not _consents(proposed.plan, self._whose):
            output.say("Nothing was signalled.")
            return None
        return await self._still_meant(proposed.plan)

    @property
    def _will_ask(self) -> bool:
        """The user is asked, on a terminal."""
        return not (self._command.yes or self._command.dry_run) and sys.stdin is not None and sys.stdin.isatty()

    async def _still_meant(self, agreed: Plan) -> Plan | None:
        """The plan without those that changed while the user was thinking, unless they are asked for again."""
        snapshot, guarded = await self._sample_anew()
        changed = _changes_of_the_living(agreed, snapshot, guarded)
        moved = sum(change in MOVED_ON for change in changed.values())
        words = f"{sessions(moved)} changed since (another query or transaction). As they are now too? [y/N] "
        if moved and _answer(words).lower() in ("y", "yes"):
            return asked_again(agreed, snapshot, guarded)
        return spared(agreed, changed)

    async def _sample_anew(self) -> tuple[Snapshot, Guard]:
        """The server as it is now, its roles too, and who is protected by that. Raises SourceError."""
        self._source.renew()
        try:
            snapshot = await self._source.sample()
        except SourceError:  # our session, idle while the user was thinking, may have been ended: on a new one
            snapshot = await self._source.sample()
        return snapshot, guard(self._guards.protect, Picture.of(snapshot))

    # The deed.

    async def _send(self, proposed: Proposed) -> Exit:
        progress = await self._see_through(proposed.plan)
        outcomes = {outcome.order.target: outcome for outcome in progress.outcomes}
        left = await self._escalated(progress) if self._command.escalate else None
        if left is not None and left.targets:
            second = await self._see_through(left)
            outcomes |= {outcome.order.target: outcome for outcome in second.outcomes}
            progress = replace(progress, trouble=progress.trouble or second.trouble)
        if progress.trouble:
            output.say(progress.trouble)
        final = tuple(outcomes.values())
        code = _exit_of(final) or (Exit.SOME_REFUSED if self._refused(proposed) else Exit.DONE)
        self._print_outcomes(proposed, final, code)
        return code

    async def _escalated(self, progress: Progress) -> Plan | None:
        """The plan to terminate the survivors that may be, guarded anew; a protected one has to be asked for."""
        left = survivors(progress)
        if not left.targets:
            return None
        try:
            snapshot, guarded = await self._sample_anew()
        except SourceError as error:
            output.say(f"Nobody was terminated: {error.failure.what}", error.failure.advice)
            return None
        meant = spared(left, _changes_of_the_living(left, snapshot, guarded))
        if meant.left_out:
            output.say(f"not terminated: {who_is_left_out(meant)}")
        asks = any(target.protection for target in meant.targets)
        if asks and not _consents(meant, _SURVIVED):
            return None
        output.say(f"the cancel did not help with {sessions(len(meant.targets))}: terminating")
        return meant

    async def _see_through(self, agreed: Plan) -> Progress:
        progress = Progress(agreed, ())
        patience = PATIENCE if self._command.timeout is None else self._command.timeout
        async for progress in self._errands.run(agreed, self._command.reason, patience):  # noqa: B007
            pass
        return progress

    # What is told.

    @property
    def _whose(self) -> str:
        """By what they were chosen, going on from "sessions"."""
        return f"matching {self._command.filter!r}" if self._command.filter else ""

    def _intent(self, made: Plan) -> str:
        """What is going to be done, or would be."""
        if not made.targets:
            return "Nobody is signalled."
        words = deed(made, self._whose)
        return f"Would {words[0].lower()}{words[1:]}; nothing was signalled." if self._command.dry_run else f"{words}:"

    def _print_plan(self, proposed: Proposed) -> None:
        for missing in proposed.missing:
            output.say(missing.words)
        page = output.page(_page(proposed, self._intent(proposed.plan)), self._command.color)
        if not self._command.json:
            output.write(page)
        if self._will_ask and (self._command.json or not output.for_eyes()):  # nobody agrees to what they have not seen
            sys.stderr.write(page)

    def _print_outcomes(self, proposed: Proposed, outcomes: Sequence[Outcome], code: Exit) -> None:
        if self._command.json:
            self._print_json(proposed, outcomes, code)
            return
        pairs = zip(outcomes, proposed.plan.targets, strict=True)
        changed = [left for left in proposed.plan.left_out if left.why is Why.CHANGED]
        lines = [
            *(outcome_line(outcome, target, _width(), proposed.plan.signal) for outcome, target in pairs),
            *(left_out_line(left, _width()) for left in changed),
            summary(outcomes),
        ]
        output.write(output.page(lines, self._command.color))

    def _without_outcome(self, proposed: Proposed, code: Exit) -> Exit:
        if self._command.json:
            self._print_json(proposed, (), code)
        return code

    def _print_json(self, proposed: Proposed, outcomes: Sequence[Outcome], code: Exit) -> None:
        output.write_data(json.dumps(as_record(proposed, outcomes, self._command, code)) + "\n")


def as_record(proposed: Proposed, outcomes: Sequence[Outcome], command: SignalMany, code: Exit) -> dict[str, Any]:
    """Plan and outcomes as scripts see them."""
    made, picture = proposed.plan, proposed.picture
    return {
        "signal": made.signal.value,
        "dry_run": command.dry_run,
        "escalate": command.escalate,
        "taken_at": written(picture.now),
        "targets": [
            {
                **session_record(target.backend, picture),
                "refusal": target.refusal,
                "protection": target.protection,
            }
            for target in made.targets
        ],
        "left_out": [
            {**session_record(left.backend, picture), "why": left.why.value, "reason": left.reason}
            for left in made.left_out
        ],
        "missing": [missing.as_dict() for missing in proposed.missing],
        "frees": made.frees,
        "outcomes": [_outcome_record(outcome) for outcome in outcomes],
        "exit": int(code),
    }


def _changes_of_the_living(made: Plan, snapshot: Snapshot, guarded: Guard) -> Mapping[BackendId, Change]:
    """What has happened to the targets; those that have ended are not spared, the door will tell that they are gone."""
    found = changes(made, snapshot, guarded)
    return {who: change for who, change in found.items() if change is not Change.ENDED}


def _unpinned(found: Iterable[Backend]) -> tuple[LeftOut, ...]:
    """Those whose start cannot be compared with --started."""
    reason = "when it started is hidden from this role: grant pg_read_all_stats"
    return tuple(LeftOut(backend, Why.HIDDEN, reason) for backend in found)


def _outcome_record(outcome: Outcome) -> dict[str, Any]:
    return {
        "pid": outcome.order.target.pid,
        "backend_start": written(outcome.order.target.backend_start),
        "signal": outcome.order.signal.value,
        "result": result_of(outcome).value,
        "answer": outcome.receipt.answer.value,
        "effect": outcome.effect.value,
        "after": round(outcome.after, 3),
        "said": outcome.receipt.reason,
    }


def _page(proposed: Proposed, intent: str) -> list[Line]:
    """What will happen, to whom, and who is left out."""
    made, width = proposed.plan, _width()
    placed = layout(width)
    rows = [target_line(placed, target, proposed.picture) for target in made.targets]
    more = len(made.left_out) - _LEFT_OUT_SHOWN
    return [
        *wrapped(line(intent, Tone.STRONG), width),
        *(row for spans in facts(made) for row in wrapped(spans, width)),
        *((heading(placed), *rows) if rows else ()),
        *(left_out_line(left, width) for left in made.left_out[:_LEFT_OUT_SHOWN]),
        *([line(f"and {more} more left out", Tone.NOTICE)] if more > 0 else []),
    ]


def _exit_of(outcomes: Iterable[Outcome]) -> Exit | None:
    """The worst of the outcomes; None where all is as it was wanted."""
    results = {result_of(outcome) for outcome in outcomes}
    if Result.UNREACHED in results:
        return Exit.NO_CONNECTION
    if results & SURVIVED:
        return Exit.SURVIVED
    return Exit.SOME_REFUSED if results & REFUSED else None


def _consents(made: Plan, whose: str) -> bool:
    """Whether the user says yes: by y, by the number of many, by the pid of a protected one."""
    asked = title(made, whose)
    [*others, target] = made.targets
    if not others and target.protection:
        pid = str(target.backend.pid)
        return _answer(f"{asked} It is protected. Type {pid} to go on: ") == pid
    if len(made.targets) > TYPED_ABOVE:
        count = str(len(made.targets))
        return _answer(f"{asked} Type {count} to go on: ") == count
    return _answer(f"{asked} [y/N] ").lower() in ("y", "yes")


def _answer(question: str) -> str:
    """What the user types; the question goes to stderr, as stdout may be a file."""
    sys.stderr.write(question)
    sys.stderr.flush()
    with interrupts.unwinding():
        return sys.stdin.readline().strip()


def _filter(text: str) -> Filter:
    try:
        return Filter.parse(text)
    except FilterError as error:
        raise _wrong_filter(error) from error


def _wrong_filter(error: FilterError) -> UsageError:
    return UsageError(f"The filter is wrong at character {error.position + 1}: {error.message}.")


def _width() -> int:
    return output.columns() or _WIDTH
