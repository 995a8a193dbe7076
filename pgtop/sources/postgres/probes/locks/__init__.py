"""Locks: which session waits for which lock, which sessions block it, and what holds back vacuum.

How locks are polled. The lock manager is expensive: `pg_blocking_pids` stops all of it, and for
each waiter it walks the whole queue. So locks are read as rarely as the truth allows. While no
session waits, nothing is read, except for a consumer that wants locks, and every five seconds if
sessions are hidden from this role, as only the locks show that those wait. With up to
POLLED_AT_ONCE waiters, each poll reads the blockers of every waiter and the locks that they wait
for. With more waiters, polls alternate: one reads the blockers of the POLLED_AT_ONCE waiters that
were polled longest ago (new waiters, and waiters with a blocker that has ended, come first), the
next one reads locks. Whatever is not read in a poll is reused from the previous one, if the waiter
is still at the same query, and the snapshot names each waiter with reused blockers
(`LockState.reused`). A poll that took the server SLOW seconds or more is followed by a rest of
REST_FACTOR times as long; one that failed, by a rest of REST_AFTER_FAILURE seconds.

`LockPollSchedule` is immutable: each poll leaves the schedule of the next one, `schedule.after(…)`.
`LockPollPlan` is the decision for one poll: which statements are sent, and which data are reused.
The trap: reused data are true only while the waiter *and* its blocker go on with what they did.
`carry_over` drops a reused blocker as soon as it has moved on; anything else that is reused in
future must be checked there, too.

A lock's target is named only where this connection can know the name: a relation's number has a
name in its own database alone.
"""
