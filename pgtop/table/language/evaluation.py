"""A tree put to sessions, by Kleene's logic: two tests of two values each, of which at most one is
true.

A conjunction holds where all of it does and fails where some of it does; what does neither is
undecided.
"""

from collections.abc import Sequence

from pgtop.table.language.tree import All, Either, Node, Not, Term
from pgtop.table.predicates import Look, Test


def holds(node: Node, look: Look) -> Test:
    """Prepare the test that is true where the filter surely holds."""
    match node:
        case Term():
            return node.criterion.fails(look) if node.negated else node.criterion.holds(look)
        case Not(inner):
            return fails(inner, look)
        case All(nodes):
            return _every([holds(each, look) for each in nodes])
        case Either(nodes):
            return _some([holds(each, look) for each in nodes])


def fails(node: Node, look: Look) -> Test:
    """Prepare the test that is true where the filter surely does not hold."""
    match node:
        case Term():
            return node.criterion.holds(look) if node.negated else node.criterion.fails(look)
        case Not(inner):
            return holds(inner, look)
        case All(nodes):
            return _some([fails(each, look) for each in nodes])
        case Either(nodes):
            return _every([fails(each, look) for each in nodes])


def _every(tests: Sequence[Test]) -> Test:
    return tests[0] if len(tests) == 1 else lambda backend: all(test(backend) for test in tests)


def _some(tests: Sequence[Test]) -> Test:
    return tests[0] if len(tests) == 1 else lambda backend: any(test(backend) for test in tests)
