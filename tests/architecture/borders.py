"""Borders between rooms that import-linter cannot see: late imports, and the private names of a
library.
"""

import ast
import importlib
from collections.abc import Iterator, Sequence

from tests.architecture.source import Offence, Source, type_of_function

PSYCOPG_ROOMS = ("pgtop/sources/", "pgtop/demo/workload.py", "pgtop/demo/schema.py")
TEXTUAL_ROOMS = ("pgtop/tui/", "pgtop/terminal/")
PRIVATE_NAMES = "pgtop/terminal/textual_private.py"
SIGNALS = ("pg_cancel_backend", "pg_terminate_backend")

# Private names that Python gives to classes, files and named tuples.
_OF_PYTHON = frozenset(("_abc_impl", "_asdict", "_exit", "_make", "_replace"))


def psycopg_imports(source: Source) -> Iterator[Offence]:
    """Yield the imports of psycopg outside the sources, late ones included."""
    if not source.name.startswith(PSYCOPG_ROOMS):
        yield from _imports(source, "psycopg")


def textual_imports(source: Source) -> Iterator[Offence]:
    """Yield the imports of Textual and Rich outside the screen and the terminal."""
    if not source.name.startswith(TEXTUAL_ROOMS):
        yield from _imports(source, "textual")
        yield from _imports(source, "rich")


def _imports(source: Source, library: str) -> Iterator[Offence]:
    for node in source.nodes:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        for name in names:
            if name.partition(".")[0] == library:
                yield source.offence(node.lineno, f"imports {name}")


def signalling_functions(package: Sequence[Source]) -> Iterator[Offence]:
    """Yield the modules that name the two signalling functions, if there is more than one."""
    modules = [source for source in package if _names_signals(source)]
    if len(modules) > 1:
        for source in modules:
            yield source.offence(1, "names a function that signals")


def _names_signals(source: Source) -> bool:
    return source.is_python and any(name in source.text for name in SIGNALS)


def textual_private(package: Sequence[Source]) -> Iterator[Offence]:
    """Yield the private names of Textual that are imported, read or replaced outside their
    module.
    """
    own_names = set(_defined_names(package))
    for source in package:
        if source.name.startswith(TEXTUAL_ROOMS) and source.name != PRIVATE_NAMES:
            yield from _private_imports(source)
            yield from _foreign_attributes(source, own_names)
            yield from _replaced_methods(source)


def _defined_names(package: Sequence[Source]) -> Iterator[str]:
    """Yield all names that the package itself defines, attributes included."""
    for source in package:
        for node in source.nodes:
            if isinstance(node, (*type_of_function, ast.ClassDef)):
                yield node.name
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                yield node.attr
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in _OF_PYTHON


def _private_imports(source: Source) -> Iterator[Offence]:
    for node in source.nodes:
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith(
            "textual"
        ):
            continue
        for alias in node.names:
            path = f"{node.module}.{alias.name}"
            if "._" in path:
                yield source.offence(node.lineno, f"imports {path}")


def _foreign_attributes(source: Source, own_names: set[str]) -> Iterator[Offence]:
    for node in source.nodes:
        if not isinstance(node, ast.Attribute) or not _is_private(node.attr):
            continue
        if node.attr not in own_names:
            yield source.offence(node.lineno, f"reads {node.attr}")


def _replaced_methods(source: Source) -> Iterator[Offence]:
    """Yield the methods of our classes under a private name that a class of Textual has, too."""
    module = importlib.import_module(source.name.removesuffix(".py").replace("/", "."))
    for definition in source.classes:
        subclass = getattr(module, definition.name, None)
        names = (
            _private_names_of_textual(subclass) if isinstance(subclass, type) else set()
        )
        for node in definition.body:
            if isinstance(node, type_of_function) and node.name in names:
                yield source.offence(node.lineno, f"replaces {node.name}")


def _private_names_of_textual(subclass: type) -> set[str]:
    bases = [base for base in subclass.__mro__ if base.__module__.startswith("textual")]
    return {name for base in bases for name in vars(base) if _is_private(name)}
