"""The evaluation of a tree, by Kleene's logic: two tests of a row, of which at most one is true.

A conjunction holds if all its nodes hold, and fails if any of them fails; otherwise it is
undecided.
"""

from collections.abc import Sequence
from typing import Any

from pgtop.table.language.tree import (
    And,
    Node,
    Not,
    Or,
    Term,
)
from pgtop.table.matchers import Scan
from pgtop.table.predicates import Test


def holds(node: Node, scan: Scan) -> Test:
    """Prepare the test that is true if the filter surely holds."""
    match node:
        case Term(criterion=criterion):
            return criterion.fails(scan) if node.is_negated else criterion.holds(scan)
        case Not(inner):
            return fails(inner, scan)
        case And(nodes):
            return _all_of([holds(each, scan) for each in nodes])
        case Or(nodes):
            return _any_of([holds(each, scan) for each in nodes])


def fails(node: Node, scan: Scan) -> Test:
    """Prepare the test that is true if the filter surely does not hold."""
    match node:
        case Term(criterion=criterion):
            return criterion.holds(scan) if node.is_negated else criterion.fails(scan)
        case Not(inner):
            return holds(inner, scan)
        case And(nodes):
            return _any_of([fails(each, scan) for each in nodes])
        case Or(nodes):
            return _all_of([fails(each, scan) for each in nodes])


def _all_of(tests: Sequence[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]

    def test(row: Any) -> bool:
        return all(test(row) for test in tests)

    return test


def _any_of(tests: Sequence[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]

    def test(row: Any) -> bool:
        return any(test(row) for test in tests)

    return test
