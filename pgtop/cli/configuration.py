"""The configuration in force for a command: read, refused or tolerated, and laid over by options.

A command that could send a signal refuses a wrong configuration. The dashboard opens on it,
read-only. Commands that only print go on, unless it may order to mask literals and cannot be read.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from pgtop.cli import output
from pgtop.cli.args.filters import filter_for_protection
from pgtop.config.guards import (
    Guards,
    command_line_layer,
    guards_of,
    without_filters,
)
from pgtop.config.layers import Layer, LayeredValue, LayerKind, Origin, merge
from pgtop.config.load import Configuration, load
from pgtop.config.mistakes import advice_of
from pgtop.config.settings import THEMES, Safety, Settings
from pgtop.config.toml_file import Problem
from pgtop.errors import UsageError
from pgtop.key_names import key_called
from pgtop.keys import Keymap

if TYPE_CHECKING:
    from pgtop.config.servers import ServerProfile

_GUARDS = ("read_only", "protect")
"""Fields of a server that guard it."""


_LOG_FIELDS = frozenset(("log", "log_file"))


class Dashboard(NamedTuple):
    """Guards and settings that the dashboard starts with."""

    guards: Guards
    settings: Settings


def read(environ: Mapping[str, str] = os.environ) -> Configuration:
    """Read files and environment, and begin the log that they order. Nothing wrong there raises."""
    read = load(output.report, environ)
    if any(_LOG_FIELDS & layer.values.keys() for layer in read.layers):
        from pgtop.cli.own_log import begin_or_report

        begin_or_report(read.layers)
    return read


# Commands that signal.


def guards_for(
    options: Safety,
    environ: Mapping[str, str] = os.environ,
    server: "ServerProfile | None" = None,
) -> Guards:
    """Return the guards in force. Raises UsageError for anything wrong in a file or variable."""
    configuration = read(environ)
    check_is_right(problems_of(configuration))
    return guards_of(_layers(configuration, options, server), filter_for_protection)


def problems_of(configuration: Configuration) -> list[Problem]:
    """Return all that is wrong, with the filters, which are read only if there are any."""
    problems = list(configuration.problems)
    has_values = any(layer.values for layer in configuration.layers)
    if configuration.files or has_values:
        from pgtop.cli.config_filters import filter_problems

        problems += filter_problems(configuration)
    return problems


def check_is_right(problems: Sequence[Problem]) -> None:
    """Raise UsageError for the first problem."""
    if problems:
        raise as_error(problems)


def as_error(problems: Sequence[Problem]) -> UsageError:
    """Return the first problem as an error that names how many more there are."""
    first, *others = problems
    more = f"{len(others)} more: pgtop config check." if others else ""
    advice = " ".join(filter(None, (first.advice, more)))
    return UsageError(first.sentence, advice)


# Commands that only print.


def redacts(option: bool, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether literals are masked. Raises UsageError if that cannot be known."""
    configuration = read(environ)
    problems = configuration.problems
    check_is_right([problem for problem in problems if problem.hides_guards])
    if problems:
        error = as_error(problems)
        output.report(error.what, error.advice)
    layers = _layers(configuration, Safety(redact=option), None)
    return any(
        layer.values["redact"].value for layer in layers if "redact" in layer.values
    )


def saved_filters(environ: Mapping[str, str] = os.environ) -> Mapping[str, str]:
    """Return the user's saved filters; none of them if the configuration has them wrong."""
    from pgtop.config.tables import FILTERS

    return read(environ).table(FILTERS)


def host_figures(
    option: str,
    server: "ServerProfile | None" = None,
    environ: Mapping[str, str] = os.environ,
) -> str:
    """Return when figures of the machine are read: as the option has it, or the configuration."""
    return option or layered(Settings(), read(environ), server).host_figures


# The dashboard.


def dashboard_for(
    options: Settings,
    safety: Safety,
    server: "ServerProfile | None" = None,
    environ: Mapping[str, str] = os.environ,
) -> Dashboard:
    """Return guards and settings, read-only if anything is wrong in a file or variable. Raises
    UsageError for the options.
    """
    configuration = read(environ)
    problems = problems_of(configuration)
    guards = _tolerant_guards(_layers(configuration, safety, server), safety, problems)
    settings = layered(options, configuration, server)
    settings = settings._replace(
        view=_first_view(options, settings, configuration, server)
    )
    if settings.warn > settings.alarm:
        settings = _with_right_levels(options, settings)
    settings = settings._replace(server=server)
    settings = _with_theme(options, settings, configuration, problems)
    if problems:
        guards = _locked(guards, problems)
    if configuration.files or configuration.table("keys") or settings.preset:
        settings = _with_tables(settings, configuration)
    settings = settings._replace(complaint=_complaint(problems))
    return Dashboard(guards, settings)


def _first_view(
    options: Settings,
    settings: Settings,
    configuration: Configuration,
    server: "ServerProfile | None",
) -> str:
    """Return the view that opens first. Raises UsageError if an option names none."""
    if "view" in options.chosen:
        from pgtop.config.joint import view_names
        from pgtop.config.mistakes import one_of

        names = view_names(configuration)
        if settings.view.lower() not in names:
            what = f"There is no view {settings.view!r}."
            raise UsageError(what, one_of(settings.view, names))
        return settings.view
    return server.view if server and server.view else settings.view


def _with_tables(settings: Settings, configuration: Configuration) -> Settings:
    """Return the settings with keys and filters of the user's own."""
    from pgtop.config.tables import ACTIONS, FILTERS, KEYS, VIEWS

    keymap = _keymap(settings, configuration.table(KEYS))
    own_actions = _records(configuration, ACTIONS)
    for name, action in own_actions.items():
        key = key_called(action.key)
        owners = keymap.actions_of(key) if key else []
        if settings.preset and owners:
            raise UsageError(
                f"With --keys {settings.preset} the key {action.key} stands for {owners[0].id}"
                f" and for [actions.{name}].",
                f"Give [actions.{name}] another key, or leave the option out.",
            )
    return settings._replace(
        keymap=keymap,
        views=_records(configuration, VIEWS),
        own_actions=own_actions,
        filters=configuration.table(FILTERS),
    )


def _keymap(settings: Settings, keys: Mapping[str, Any]) -> Keymap:
    """Return the keys of the user's own, of the preset that the command line chose if it chose one.

    Raises UsageError if the two do not go together.
    """
    if not keys and not settings.preset:
        return settings.keymap
    from pgtop.config.keymap import KeymapError, keymap_from

    preset = {"preset": settings.preset} if settings.preset else {}
    try:
        keymap_from(keys)
    except KeymapError:  # a problem already
        keys = {}
    try:
        return keymap_from({**keys, **preset})
    except KeymapError as error:
        raise UsageError(
            f"--keys {settings.preset} does not go with [keys]: {error}.",
            "Change the keys, or leave the option out.",
        ) from None


def _records(configuration: Configuration, section: str) -> Mapping[str, Any]:
    """Return the named records of a section that are right."""
    from pgtop.config.tables import TABLES

    records = {}
    for name in configuration.names(section):
        with suppress(ValueError):  # a problem already
            records[name] = configuration.record(TABLES[section], name)
    return records


def _tolerant_guards(
    layers: tuple[Layer, ...], safety: Safety, problems: list[Problem]
) -> Guards:
    """Return the guards. If the filters of files are wrong, which is a problem, all guards but
    those filters stay, as nothing is signalled then.
    """
    options = (command_line_layer(safety),)
    own = guards_of(options, filter_for_protection)
    try:
        return guards_of(layers, filter_for_protection)
    except UsageError as error:
        if not problems:  # together with an option only, such as --redact
            problems.append(Problem(error.what.removesuffix("."), "", error.advice))
    others = guards_of(without_filters(layers), filter_for_protection)
    return others._replace(protect=own.protect)


def _locked(guards: Guards, problems: Sequence[Problem]) -> Guards:
    """Return the guards of read-only mode; they mask literals if a file may order that."""
    hides_guards = any(problem.hides_guards for problem in problems)
    return guards._replace(
        read_only=guards.read_only or problems[0].sentence.removesuffix("."),
        require_audit=True,
        redact=guards.redact or hides_guards,
    )


def _complaint(problems: Sequence[Problem]) -> str:
    if not problems:
        return ""
    error = as_error(problems)
    output.report(f"Read-only: {error.what}", error.advice)
    advice = f" {error.advice}" if error.advice else ""
    return f"read-only: {error.what}{advice}"


def layered(
    options: Settings, configuration: Configuration, server: "ServerProfile | None"
) -> Settings:
    """Return the settings of all layers, below those that the command line gave."""
    layers = [*configuration.layers, *_display_layer(server)]
    if not any(layer.values for layer in layers):
        return options
    from pgtop.config.tables import screen_fields

    named = {name for layer in layers for name in layer.values}
    free = [field for field in screen_fields() if field.name in named - options.chosen]
    values = {name: value.value for name, value in merge(free, layers).items()}
    return options._replace(**values)


def _with_right_levels(options: Settings, settings: Settings) -> Settings:
    """Return settings with the default levels: those of a file are a problem already. Raises
    UsageError if an option made them wrong.
    """
    what = f"{settings.warn:g} is above --alarm {settings.alarm:g}"
    if options.chosen & {"warn", "alarm"}:
        raise UsageError(f"--warn {what}.", "The warning must come first.")
    return settings._replace(warn=options.warn, alarm=options.alarm)


def _with_theme(
    options: Settings,
    settings: Settings,
    configuration: Configuration,
    problems: list[Problem],
) -> Settings:
    """Return settings with the user's own theme. Raises UsageError if an option named none."""
    if settings.theme in THEMES:
        return settings
    from pgtop.config.themes import theme_named

    try:
        theme = theme_named(settings.theme, configuration.table("themes"))
    except ValueError as error:
        if "theme" in options.chosen:
            raise UsageError(f"--theme: {error}.", advice_of(error)) from None
        if not problems:  # a file's theme is one of them already
            problems.append(Problem("theme", f": {error}", advice_of(error)))
        return settings._replace(theme=THEMES[0])
    return settings._replace(own_theme=theme)


# Layers.


def _layers(
    configuration: Configuration, options: Safety, server: "ServerProfile | None"
) -> tuple[Layer, ...]:
    """Return the layers of the guards, the weakest first."""
    return (
        *configuration.layers,
        *_guard_layer(server),
        command_line_layer(options),
    )


def _guard_layer(server: "ServerProfile | None") -> Iterator[Layer]:
    if server:
        origin = Origin(LayerKind.SERVER, f"the configuration of @{server.name}")
        values = {name: LayeredValue(getattr(server, name), origin) for name in _GUARDS}
        yield Layer(LayerKind.SERVER, values)


def _display_layer(server: "ServerProfile | None") -> Iterator[Layer]:
    if server:
        origin = Origin(LayerKind.SERVER, f"@{server.name}")
        values = {
            name: LayeredValue(value, origin) for name, value in server.display.items()
        }
        yield Layer(LayerKind.SERVER, values)
