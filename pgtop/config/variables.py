"""Values from the environment: a variable for each, and what is wrong with them."""

from collections.abc import Iterator, Mapping
from typing import Any

from pgtop.config.checking import GUARDS, words_of
from pgtop.config.layers import Layer, LayeredValue, LayerKind, Origin
from pgtop.config.mistakes import MistakeError
from pgtop.config.schema import Field
from pgtop.config.tables import VARIABLE_PREFIX, plain_fields, variable_of
from pgtop.config.toml_file import VARIABLE, Problem
from pgtop.config.values import from_text


def environment_layer(environ: Mapping[str, str]) -> tuple[Layer, tuple[Problem, ...]]:
    """Return what the variables set, and what is wrong with them."""
    known = {variable_of(field): field for field in plain_fields()}
    values = {}
    problems: list[Problem] = []
    for name in own_variables(environ):
        if name not in known:
            problems += _misspelt(name, known)
            continue
        field = known[name]
        try:
            value = _variable_value(field, environ[name])
        except ValueError as error:
            is_guard = field.name in GUARDS
            what, advice = words_of(field.name, error)
            problem = Problem(
                name,
                f": {what}",
                advice,
                hides_guards=is_guard,
            )
            problems.append(problem)
            continue
        if value is not None:
            values[field.name] = LayeredValue(
                value,
                Origin(
                    LayerKind.ENVIRONMENT,
                    name,
                ),
            )
    return Layer(LayerKind.ENVIRONMENT, values), tuple(problems)


def own_variables(environ: Mapping[str, str]) -> list[str]:
    """Return the variables that may set a value, or were meant to: in any case."""
    return [
        name
        for name in sorted(environ)
        if name.upper().startswith(VARIABLE_PREFIX) and name != VARIABLE
    ]


def _variable_value(field: Field, text: str) -> Any:
    """Return the value of a variable; None for an empty one, which no guard may be."""
    if text.strip():
        return from_text(field, text)
    if field.setting and field.setting.is_guard:
        raise MistakeError(
            "is empty",
            "Give it a value, or unset the variable.",
        )
    return None


def _misspelt(name: str, known: Mapping[str, Field]) -> Iterator[Problem]:
    """Yield a problem if the variable looks like one of ours: a misspelt guard guards nothing."""
    from difflib import get_close_matches

    if matches := get_close_matches(name.upper(), tuple(known), 1, _LIKENESS):
        yield Problem(
            name,
            ": there is no such variable",
            f"Did you mean {matches[0]}?",
            hides_guards=known[matches[0]].name in GUARDS,
        )


_LIKENESS = 0.85
"""Least likeness of a misspelt variable: PGTOP_READONLY has 0.97 to PGTOP_READ_ONLY."""
