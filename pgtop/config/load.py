"""The configuration in force: what the files and the environment set, and what is wrong there.

Without a file and without a variable nothing but this module and the search for files is loaded.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from pgtop.config.layers import Layer, LayeredValue, Origin, merge
from pgtop.config.toml_file import (
    VARIABLE,
    ConfigFile,
    FileError,
    Problem,
    Report,
    read_system,
    read_user,
)

if TYPE_CHECKING:
    from pgtop.config.checking import CheckedFile
    from pgtop.config.tables import FileTable

_PREFIX = "PGTOP_"


class Configuration(NamedTuple):
    """The layers below the command line."""

    layers: tuple[Layer, ...] = ()
    """Files and environment, the weakest first."""
    files: "tuple[CheckedFile, ...]" = ()
    problems: tuple[Problem, ...] = ()

    def values(self, section: "FileTable", name: str) -> dict[str, LayeredValue]:
        """Return the values of a named record, such as a server."""
        return merge(section.fields, self._layers_of(section.name, name))

    def names(self, section: str) -> list[str]:
        """Return the names of a section's records, in the order of the files."""
        names: dict[str, None] = {}
        for file in self.files:
            names |= dict.fromkeys(file.records[section])
        return list(names)

    def record(self, section: "FileTable", name: str) -> Any:
        """Return a named record. Raises ValueError for keys that are missing or do not match."""
        values = self.values(section, name)
        for field in section.fields:
            if field.is_required and not values[field.name].is_set:
                raise ValueError(f"needs a {field.name}")
        bare = {key: value.value for key, value in values.items()}
        record = section.record(name=name, **bare)
        section.check(record)
        return record

    def origin(self, section: str, name: str, *keys: str) -> Origin:
        """Return the place of a named record, or of a key in it, in the last file that has it."""
        owners = [file for file in self.files if name in file.records[section]]
        setters = [
            file
            for file in owners
            if {*keys} <= file.records[section][name].values.keys()
        ]
        return (setters or owners)[-1].origin(section, name, *keys)

    def table(self, section: str) -> dict[str, Any]:
        """Return a table with keys of its user's own."""
        values = self.own_values(section)
        return {key: value.value for key, value in values.items()}

    def own_values(self, section: str) -> dict[str, LayeredValue]:
        """Return the values of a table with keys of its user's own, with their origins."""
        values: dict[str, LayeredValue] = {}
        for file in self.files:
            for key, value in file.tables[section].items():
                values[key] = LayeredValue(value, file.origin(section, key))
        return values | self._of_variables(section)

    def _of_variables(self, section: str) -> dict[str, LayeredValue]:
        """Return the values of such a table that a variable sets."""
        if not any(layer.values for layer in self.layers):
            return {}
        from pgtop.config.tables import plain_fields

        merged = merge(plain_fields(section), self.layers)
        return {name: value for name, value in merged.items() if value.is_set}

    def layers_of(self, section: str) -> list[Layer]:
        """Return the layers of all records of a section."""
        layers: list[Layer] = []
        for file in self.files:
            layers += file.records[section].values()
        return layers

    def _layers_of(self, section: str, name: str) -> list[Layer]:
        records = (file.records[section] for file in self.files)
        return [record[name] for record in records if name in record]


def load(report: Report, environ: Mapping[str, str]) -> Configuration:
    """Read the files and the environment. Nothing wrong there raises: see the problems."""
    problems: list[Problem] = []
    readers = (read_system, lambda: read_user(report, environ))
    files = [file for read in readers if (file := _read(read, problems))]
    has_variables = any(
        name.upper().startswith(_PREFIX) and name != VARIABLE for name in environ
    )
    if not files and not has_variables:
        return Configuration(problems=tuple(problems))
    return _checked(files, environ, problems)


def _read(
    read: Callable[[], ConfigFile | None], problems: list[Problem]
) -> ConfigFile | None:
    try:
        return read()
    except FileError as error:
        problems.append(error.problem)
        return None


def _checked(
    files: list[ConfigFile], environ: Mapping[str, str], problems: list[Problem]
) -> Configuration:
    from pgtop.config.checking import checked
    from pgtop.config.joint import joint_problems
    from pgtop.config.variables import environment_layer

    checked_files = tuple(map(checked, files))
    for file in checked_files:
        problems += file.problems
    environment, wrong = environment_layer(environ)
    layers = (*(file.layer for file in checked_files), environment)
    read = Configuration(layers, checked_files, (*problems, *wrong))
    return read._replace(problems=(*read.problems, *joint_problems(read)))
