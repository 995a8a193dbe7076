"""Words for the progress of a session, which load with the first work that is counted."""

from collections.abc import Iterator

from pgtop.analysis.progress import BYTES, measure, percent, step_number, steps_of
from pgtop.model.progress import Operation
from pgtop.text.units import bytes_text

_WORDS = {
    "VACUUM": "vacuum",
    "ANALYZE": "analyze",
    "CREATE INDEX": "index",
    "CREATE INDEX CONCURRENTLY": "index",
    "REINDEX": "reindex",
    "REINDEX CONCURRENTLY": "reindex",
    "CLUSTER": "cluster",
    "VACUUM FULL": "vacuum full",
    "REPACK": "repack",
    "COPY FROM": "copy",
    "COPY TO": "copy",
    "BASE BACKUP": "backup",
}
_SHORT = {"vacuum full": "vac full"}
_AUTOMATIC = {"vacuum": "autovacuum", "analyze": "autoanalyze"}
_LONGEST_WORD = 11


def progress_forms(operation: Operation, is_automatic: bool) -> Iterator[str]:
    """Yield ever shorter words for the progress: `vacuum 2/4 61%`, `vacuum 61%`, `vacuum`."""
    command = operation.command
    word = _WORDS.get(command, command.lower()[:_LONGEST_WORD])
    if is_automatic:
        word = _AUTOMATIC.get(word, word)
    step = _step(operation)
    share = percent(operation)
    percentage = _bytes_done(operation) if share is None else f"{int(share)}%"
    for name in dict.fromkeys((word, _SHORT.get(word, word))):
        yield " ".join(filter(None, (name, step, percentage)))
    yield " ".join(filter(None, (word, percentage or step)))
    yield percentage or step or word


def _bytes_done(operation: Operation) -> str:
    """Return the bytes that a copy without a size has transferred; "" for other work."""
    work = measure(operation)
    is_in_bytes = work is not None and work.unit == BYTES
    return bytes_text(work.done) if work is not None and is_in_bytes else ""


def _step(operation: Operation) -> str:
    """Return the number of the step and how many there are; "" for a command of one step."""
    steps = len(steps_of(operation))
    number = step_number(operation)
    return "" if number is None or steps < 2 else f"{number}/{steps}"
