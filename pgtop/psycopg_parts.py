"""psycopg by its parts: without the cursors and the adapters of all types that `import psycopg`
loads.

pgtop uses `psycopg.pq`, which is libpq, the errors, and the loaders of a few types. The package and
all that it imports take 65 ms of a start and 13 MB of memory, these parts 28 ms and 8 MB.

The first `import psycopg` gets a module with the errors alone, which imports submodules as they are
named. Any other name, of which pgtop itself needs none, has that module run the package's own
`__init__`: from then on it is the whole package, and what was imported before stays in use.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final

_PACKAGE: Final = "psycopg"

_ERRORS: Final = (
    "DataError",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "Warning",
)
"""The errors that the package offers under its own name."""

_COMPILED: Final = ("psycopg_binary", "psycopg_c")
"""The packages with psycopg's compiled parts, whichever is installed."""


def use_parts() -> None:
    """Let the next `import psycopg` load the parts alone. Does nothing after the first."""
    if _PACKAGE not in sys.modules and _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


class _Parts(ModuleType):
    """The package, as long as nothing but its parts was used."""

    def __init__(self, name: str, make_whole: Callable[[ModuleType], None]) -> None:
        super().__init__(name)
        self._make_whole = make_whole

    def __getattr__(self, name: str) -> Any:
        """Return a submodule; for anything else, run the package's own `__init__` first."""
        if name.startswith("__"):
            raise AttributeError(name)
        if find_spec(f"{_PACKAGE}.{name}"):
            return import_module(f"{_PACKAGE}.{name}")
        # whole from now on, so that no other name comes here
        self.__class__ = ModuleType  # type: ignore[assignment]
        self._make_whole(self)
        return getattr(self, name)


class _PartsLoader:
    """Loads the parts in place of the package's `__init__`."""

    def __init__(self, whole: Any) -> None:
        self._whole = whole
        """The loader of the whole package."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Parts(spec.name, self._whole.exec_module)

    def exec_module(self, package: ModuleType) -> None:
        # as in the package's `__init__`: libpq first
        import_module(f"{_PACKAGE}.pq")
        errors = import_module(f"{_PACKAGE}.errors")
        vars(package).update({name: getattr(errors, name) for name in _ERRORS})


class _Finder:
    """Stands before all other finders until psycopg is imported."""

    def find_spec(
        self, name: str, path: object = None, target: object = None
    ) -> ModuleSpec | None:
        if name != _PACKAGE:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)  # by the other finders
        if spec is not None:
            loader: Any = _PartsLoader(spec.loader)
            spec.loader = loader
            for package in _COMPILED:
                _give_version(package)
        return spec


_FINDER: Final = _Finder()


def _give_version(package: str) -> None:
    """Give a compiled package a version, which pgtop never shows: reading it from the metadata
    takes the parsers of e-mails, zip files and CSV, and 9 ms.
    """
    name = f"{package}.version"
    version = ModuleType(name)
    vars(version)["__version__"] = "0"
    sys.modules.setdefault(name, version)
