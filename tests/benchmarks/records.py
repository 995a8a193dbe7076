"""Compare the kinds of immutable records that Python has: `python -m tests.benchmarks.records`.

Defining a record costs start-up time, and making one costs time at every sample of a large server.
The figures are why pgtop's records are named tuples: see `pgtop.model`.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

_KINDS = {
    "named tuple": "class Record(NamedTuple):",
    "dataclass": "@dataclass(frozen=True)\nclass Record:",
    "dataclass with slots": "@dataclass(frozen=True, slots=True)\nclass Record:",
}
_DEFINITIONS, _INSTANCES = 200, 100_000
_COUNT = """
import sys
import pgtop.cli.main, pgtop.tui.app, pgtop.sources.postgres.sampler
classes = {
    value
    for name, module in sys.modules.items() if name.startswith('pgtop')
    for value in vars(module).values() if isinstance(value, type)
}
print(sum(issubclass(kind, tuple) and hasattr(kind, '_fields') for kind in classes))
"""


def _source(kind: str, fields: int) -> str:
    return "\n    ".join(
        [kind, *[f"field_{n}: int | None = None" for n in range(fields)]]
    )


def _least(action: Callable[[], object], times: int) -> float:
    """Return the shortest CPU time of the action in microseconds."""
    durations = []
    for _ in range(times):
        began = time.process_time_ns()
        action()
        durations.append(time.process_time_ns() - began)
    return min(durations) / 1000


def _figures(kind: str) -> tuple[float, float]:
    """Return the microseconds to define a record of 8 fields, and to make one of 24."""
    names: dict[str, object] = {
        "NamedTuple": NamedTuple,
        "dataclass": dataclass,
        "__name__": "x",
    }
    code = compile(_source(kind, 8), "record", "exec")
    define = _least(lambda: exec(code, names), _DEFINITIONS)
    exec(_source(kind, 24), names)
    record, values = names["Record"], range(24)
    assert callable(record)

    def make() -> None:
        for _ in range(_INSTANCES):
            record(*values)

    return define, _least(make, 3) / _INSTANCES


def main() -> None:
    """Print a line for each kind, and the number of records that the dashboard loads."""
    for name, kind in _KINDS.items():
        define, make = _figures(kind)
        print(f"{name:22} define {define:5.0f} us, make {make:5.2f} us")
    command = [sys.executable, "-c", _COUNT]
    count = subprocess.run(
        command, capture_output=True, text=True, check=True
    ).stdout.strip()
    print(f"the dashboard loads {count} named tuples")


if __name__ == "__main__":
    main()
