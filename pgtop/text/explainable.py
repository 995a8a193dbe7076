"""The traits of a query that decide whether it may stand behind EXPLAIN."""

from typing import NamedTuple

from pgtop.text.redact import tokens

_NOT_SHOWN = frozenset({"space", "line", "comment"})
_QUOTED = frozenset({"string", "escaped", "quoted", "tag", "line", "comment"})
_PLANNED = frozenset(
    {"select", "insert", "update", "delete", "merge", "values", "with", "table"}
)
"""First words of the statements that EXPLAIN takes as they are."""
GENERIC_PLAN = 16
"""The first version that plans a query with parameters without values for them."""


class Explainable(NamedTuple):
    """The traits of a query that decide whether it may stand behind EXPLAIN."""

    first_word: str
    parameters: int
    """The highest number of a parameter; 0 without any."""
    is_single: bool
    """False if a second statement would run, or may: the text cannot be split for sure."""
    has_command: bool
    """True if psql would take a part of it for a command of its own, such as one of the shell."""

    @classmethod
    def of(cls, query: str) -> "Explainable":
        """Read a query of which every token may be hostile."""
        first_word = ""
        parameters = 0
        is_single = True
        has_ended = False
        has_command = False
        for kind, text in tokens(query):
            if kind in _NOT_SHOWN:
                continue
            is_single &= not has_ended and kind != "rest"
            has_ended |= text == ";"
            has_command |= "\\" in text and kind not in _QUOTED
            first_word = first_word or text.lower().strip("(")
            if kind == "parameter":
                parameters = max(parameters, int(text[1:]))
        return cls(first_word, parameters, is_single, has_command)

    @property
    def refusal(self) -> str:
        """The reason to copy no EXPLAIN of the query; "" if nothing speaks against it."""
        if self.has_command:
            return "its text contains a command for psql"
        if not self.is_single:
            return "its text may be more than one statement, and the second would run"
        if self.first_word not in _PLANNED:
            return "EXPLAIN takes no such statement"
        if self.parameters > _MOST_PARAMETERS:
            return f"it has a parameter ${self.parameters}"
        return ""


_MOST_PARAMETERS = 65_535
"""The protocol has no more."""


def explained(query: str, parameters: int, has_generic_plan: bool) -> str:
    """Return the statements that explain the query, for psql."""
    if not parameters:
        return f"EXPLAIN\n{query}\n;\n"
    if has_generic_plan:
        return f"EXPLAIN (GENERIC_PLAN)\n{query}\n;\n"
    values = ", ".join(["NULL"] * parameters)
    return (
        "SET plan_cache_mode = force_generic_plan;\n"
        f"PREPARE pgtop_plan AS\n{query}\n;\n"
        f"EXPLAIN EXECUTE pgtop_plan({values});\n"
        "DEALLOCATE pgtop_plan;\nRESET plan_cache_mode;\n"
    )
