"""Completion scripts for shells, made from the declarations of the options.

The scripts stand alone: pressing Tab starts no pgtop and queries no server.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pgtop.cli.args.options import commands, parsers
from pgtop.config.settings import THEMES
from pgtop.help.topics import BY_NAME
from pgtop.table.language.help import FILTER_HELP
from pgtop.table.session_columns import COLUMNS


class ShellOption(NamedTuple):
    """An option as a shell completes it."""

    names: tuple[str, ...]
    help: str
    """One line."""
    value: str = ""
    """The name of its value, or "" for a flag."""
    choices: tuple[str, ...] = ()


def options_of(parser: argparse.ArgumentParser) -> list[ShellOption]:
    """Return the parser's options."""
    return [
        _shell_option(action) for action in parser._actions if action.option_strings
    ]


def _shell_option(action: argparse.Action) -> ShellOption:
    is_flag = action.nargs == 0
    help_words = (action.help or "").split()
    return ShellOption(
        names=tuple(action.option_strings),
        help=" ".join(help_words),
        value="" if is_flag else str(action.metavar),
        choices=tuple(action.choices or ()),
    )


def filter_keys() -> list[str]:
    """Return the keys of the filter language with their colon."""
    keys = {
        f"{entry.name}:" for entry in FILTER_HELP if f"{entry.name}:" in entry.example
    }
    return sorted(keys)


def _column_names() -> list[str]:
    return [column.name for column in COLUMNS]


def _help_words() -> list[str]:
    return [*BY_NAME, *commands()]


_WORDS: Mapping[str, Callable[[], list[str]]] = {
    "COLUMN": _column_names,
    "FILTER": filter_keys,
    "PID | FILTER": filter_keys,
    "THEME": lambda: list(THEMES),
    "TOPIC | COMMAND": _help_words,
}
"""Words that the shells offer for a value or an argument, by its name in `--help`."""


def words_of(parser: argparse.ArgumentParser) -> Sequence[str]:
    """Return the words that the parser takes without an option."""
    for action in parser._actions:
        if not action.option_strings:
            return _offered(str(action.metavar), tuple(action.choices or ()))
    return ()


def _offered(name: str, choices: Sequence[str]) -> Sequence[str]:
    return _WORDS[name]() if name in _WORDS else choices


def _purposes() -> Mapping[str, str]:
    """Return what each command does, in a line."""
    lines = {}
    for name in commands():
        description = parsers()[name].description or ""
        lines[name] = description.splitlines()[0]
    return lines


def _values() -> Mapping[str, Iterable[str]]:
    """Return the words that may follow an option, for each option that takes one of a few."""
    values: dict[str, Iterable[str]] = {}
    for parser in parsers().values():
        for option in options_of(parser):
            if words := _offered(option.value, option.choices):
                values.update(dict.fromkeys(option.names, words))
    return values


def _names(options: Iterable[ShellOption]) -> list[str]:
    return [name for option in options for name in option.names]


def _dashboard_last() -> list[tuple[str, argparse.ArgumentParser]]:
    """Return all parsers by name; the dashboard is the default of a shell's `case`."""
    named = parsers()
    return sorted(named.items(), key=lambda item: item[0] == "")


def bash() -> str:
    """Return a function that offers words by the command and the option before the cursor.

    Bash splits the line at a colon, so the key and the value of a filter's term are separate words.
    """
    return _BASH.format(
        servers=_SERVERS,
        cases="".join(_bash_cases()),
        values="".join(_bash_values()),
        commands=_quoted(commands()),
    )


def _bash_cases() -> Iterator[str]:
    for name, parser in _dashboard_last():
        options = options_of(parser)
        with_value = [option for option in options if option.value]
        yield f"        {name or '*'})\n"
        yield f"            options={_quoted(_names(options))}\n"
        yield f"            with_value={_quoted(_names(with_value))}\n"
        yield f"            words={_quoted(words_of(parser))} ;;\n"


def _bash_values() -> Iterator[str]:
    for name, words in _values().items():
        yield f"        {name}) words={_quoted(words)} ;;\n"


_SERVERS = """\
_pgtop_servers() {
    local user=${XDG_CONFIG_HOME:-$HOME/.config}/pgtop/config.toml
    [ "$(uname)" != Darwin ] || user="$HOME/Library/Application Support/pgtop/config.toml"
    command sed -n 's/^ *\\[servers\\.\\([A-Za-z0-9_-]*\\)\\] *\\(#.*\\)*$/\\1/p' \\
        "${PGTOP_CONFIG:-$user}" /etc/pgtop/config.toml 2>/dev/null
}
"""
"""A shell function that prints the names of servers, which stand in the heads of their tables."""

_BASH = """\
# pgtop completion for bash: source <(pgtop completion bash)
{servers}_pgtop() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
    local options with_value words
    case ${{COMP_WORDS[1]}} in
{cases}    esac
    if [[ $word == @* || $before == @ ]]; then
        COMPREPLY=($(compgen -P @ -W "$(_pgtop_servers)" -- "${{word#@}}"))
        return
    fi
    if [[ $COMP_CWORD -gt 1 && " $with_value " == *" $before "* ]]; then
        case $before in
{values}        *) words= ;;
        esac
    elif [[ $COMP_CWORD -eq 1 && $word != -* ]]; then
        words={commands}
    elif [[ $word == : || $before == : ]]; then
        words=
    elif [[ $word == -* ]]; then
        words=$options
    elif [[ $words == *: ]]; then
        compopt -o nospace
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -F _pgtop pgtop
"""


def zsh() -> str:
    """Return a function for zsh's _arguments, with the help of each option."""
    described = [
        _quoted([f"{name}:{_plain(line)}"]) for name, line in _purposes().items()
    ]
    return _ZSH.format(
        servers=_SERVERS, commands=" ".join(described), cases="".join(_zsh_cases())
    )


def _zsh_cases() -> Iterator[str]:
    for name, parser in _dashboard_last():
        specs = " ".join(_zsh_specs(parser))
        words = [_quoted([word]) for word in words_of(parser)]
        yield f"        {name or '*'})\n"
        yield f"            offered=({' '.join(words)})\n"
        yield f"            _arguments {specs} ;;\n"


def _zsh_specs(parser: argparse.ArgumentParser) -> Iterator[str]:
    for option in options_of(parser):
        value = (
            f":{_plain(option.value)}:({' '.join(option.choices)})"
            if option.value
            else ""
        )
        for name in option.names:
            yield _quoted([f"{name}[{_plain(option.help)}]{value}"])
    if words := words_of(parser):
        suffix = '-S "" ' if words[0].endswith(":") else ""
        yield f"'*:word:compadd {suffix}-a offered'"


_ZSH = """\
#compdef pgtop
# pgtop completion for zsh: pgtop completion zsh > a folder of $fpath, as _pgtop
{servers}_pgtop() {{
    local -a commands offered
    commands=({commands})
    if [[ $words[CURRENT] == @* ]]; then
        compadd -P @ -- $(_pgtop_servers)
        return
    fi
    if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
        _describe command commands
        return
    fi
    case $words[2] in
{cases}    esac
}}
if [[ $funcstack[1] == _pgtop ]]; then _pgtop "$@"; else compdef _pgtop pgtop; fi
"""


def fish() -> str:
    """Return one line for each command and option."""
    lines = [*_FISH, *_fish_commands(), *_fish_options()]
    return "".join(f"{line}\n" for line in lines)


def _fish_commands() -> Iterator[str]:
    for name, line in _purposes().items():
        yield f"{_ON_COMMAND} -a {name} -d {_quoted([_plain(line)])}"
    for name, parser in parsers().items():
        if words := words_of(parser):
            yield f"{_COMPLETE} -n '{_SEEN} {name}' -a {_quoted(words)}"


def _fish_options() -> Iterator[str]:
    for name, parser in parsers().items():
        start = f"{_COMPLETE} -n '{_SEEN} {name}'" if name else _ON_COMMAND
        for option in options_of(parser):
            yield f"{start} {_fish_option(option)}"


def _fish_option(option: ShellOption) -> str:
    words = [_fish_name(name) for name in option.names]
    if option.value:
        words.append("-x")
    if option.choices:
        words.append(f"-a {_quoted(option.choices)}")
    return f"{' '.join(words)} -d {_quoted([_plain(option.help)])}"


def _fish_name(name: str) -> str:
    return f"-l {name[2:]}" if name.startswith("--") else f"-s {_quoted([name[1:]])}"


_COMPLETE = "complete -c pgtop"
_SEEN = "__fish_seen_subcommand_from"
_ON_COMMAND = f"{_COMPLETE} -n __fish_use_subcommand"
_FISH = (
    "# pgtop completion for fish: pgtop completion fish > ~/.config/fish/completions/pgtop.fish",
    f"{_COMPLETE} -f",
    """\
function __pgtop_servers
    set -l folder $XDG_CONFIG_HOME ~/.config
    test (uname) = Darwin; and set folder ~/Library/Application\\ Support
    set -l file $PGTOP_CONFIG $folder[1]/pgtop/config.toml
    command sed -n 's/^ *\\[servers\\.\\([A-Za-z0-9_-]*\\)\\] *\\(#.*\\)*$/@\\1/p' \\
        $file[1] /etc/pgtop/config.toml 2>/dev/null
end""",
    f"{_COMPLETE} -n 'string match -q \"@*\" -- (commandline -ct)' -a '(__pgtop_servers)'",
)


def _plain(text: str) -> str:
    """Remove the characters that have a meaning in a specification."""
    return "".join(character for character in text if character not in "'\"[]:`$\\%")


def _quoted(words: Iterable[str]) -> str:
    """Quote the words as one word of a shell."""
    text = " ".join(words).replace("'", "'\\''")
    return f"'{text}'"


SCRIPTS: Mapping[str, Callable[[], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
