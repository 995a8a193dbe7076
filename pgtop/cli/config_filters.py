"""Mistakes in the filters of the configuration: those of guards, of views and the saved ones."""

from collections.abc import Iterator

from pgtop.cli.args.filters import filter_for_protection, readable
from pgtop.config.guards import protection_errors
from pgtop.config.load import Configuration
from pgtop.config.tables import FILTERS, SERVERS, TABLES, VIEWS
from pgtop.config.toml_file import Problem
from pgtop.errors import UsageError
from pgtop.view_registry import VIEWS as BUILT_IN
from pgtop.view_registry import View


def filter_problems(read: Configuration) -> Iterator[Problem]:
    """Yield what is wrong with the filters of files and variables."""
    guarding = (*read.layers, *read.layers_of(SERVERS))
    yield from protection_errors(guarding, filter_for_protection)
    for name, value in read.own_values(FILTERS).items():
        yield from _mistakes(
            read,
            BUILT_IN[0],
            name,
            value.value,
            value.origin.place,
        )
    bases = {view.label: view for view in BUILT_IN}
    for name in read.names(VIEWS):
        values = read.values(TABLES[VIEWS], name)
        base = bases[values["view"].value]
        own = values["filter"]
        yield from _mistakes(
            read,
            base,
            "filter",
            own.value,
            own.origin.place,
        )


def _mistakes(
    read: Configuration, view: View, name: str, text: str, place: str
) -> Iterator[Problem]:
    """Yield what is wrong with the filter of a view."""
    if not text.strip():
        return
    try:
        with readable((text,), name):
            view.load_table().filter(text, read.table(FILTERS))
    except UsageError as error:
        yield Problem(
            place,
            f": {error.what.removesuffix('.')}",
            error.advice,
        )
