"""Completion scripts for shells, made from the parsers: what pgtop takes is what they offer.

The scripts stand alone: pressing Tab starts no pgtop and asks no server.
"""

import argparse
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from pgtop.cli.args.options import parsers
from pgtop.help.topics import BY_NAME
from pgtop.table.columns import COLUMNS
from pgtop.table.language.help import FILTER_HELP


class Option(NamedTuple):
    """One option: its spellings, its help in one line, and what it takes: "", a choice of words, or
    anything.
    """

    names: tuple[str, ...]
    help: str
    takes: str = ""
    choices: tuple[str, ...] = ()


def options_of(parser: argparse.ArgumentParser) -> list[Option]:
    """The parser's options."""
    return [_option(action) for action in parser._actions if action.option_strings]


def commands() -> Mapping[str, str]:
    """Every command but the dashboard, and what it does in a line."""
    return {
        name: (parser.description or "").splitlines()[0]
        for name, parser in parsers().items()
        if name
    }


def filter_keys() -> list[str]:
    """The keys of the filter language with their sign."""
    return sorted({f"{entry.name}:" for entry in FILTER_HELP if f"{entry.name}:" in entry.example})


def help_words() -> list[str]:
    """Return what `pgtop help` takes: the topics, then the commands."""
    return [*BY_NAME, *commands()]


def _option(action: argparse.Action) -> Option:
    takes = "" if action.nargs == 0 else str(action.metavar or action.dest)
    choices = tuple(map(str, action.choices or ()))
    return Option(
        tuple(action.option_strings), " ".join((action.help or "").split()), takes, choices
    )


def bash() -> str:
    """A function that offers words by the command in front, or the values of the option before;
    else nothing.

    Bash splits what is typed at a colon, so the key of a filter's term stands alone, and its value
    after it.
    """
    by_name = sorted(parsers().items(), key=lambda item: item[0] == "")
    cases = "".join(
        f"        {name or '*'}) words={_quoted(_words(parser))} taking={_quoted(_taking(parser))} ;;\n"
        for name, parser in by_name
    )
    values = "".join(
        f"        {name}) words={_quoted(words)} ;;\n" for name, words in _values().items()
    )
    return f"""\
# pgtop completion for bash: source <(pgtop completion bash)
_pgtop() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} words taking
    case ${{COMP_WORDS[1]}} in
{cases}    esac
    if [[ $COMP_CWORD -gt 1 && " $taking " == *" $before "* ]]; then
        case $before in
{values}        *) words= ;;
        esac
    elif [[ $COMP_CWORD -eq 1 && $word != -* ]]; then
        words={_quoted(commands())}
    elif [[ $word == : || $before == : ]]; then
        words=
    elif [[ $word != -* ]]; then
        case ${{COMP_WORDS[1]}} in
            completion) words={_quoted(SCRIPTS)} ;;
            help) words={_quoted(help_words())} ;;
            cancel|kill) words={_quoted(filter_keys())}; compopt -o nospace ;;
            *) words= ;;
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -F _pgtop pgtop
"""


def zsh() -> str:
    """A function for zsh's _arguments, with the help of each option."""
    cases = "".join(
        f"        {name or '*'}) _arguments {' '.join(_zsh_specs(parser))} ;;\n"
        for name, parser in sorted(parsers().items(), key=lambda item: item[0] == "")
    )
    described = " ".join(_quoted([f"{name}:{_plain(does)}"]) for name, does in commands().items())
    return f"""\
#compdef pgtop
# pgtop completion for zsh: pgtop completion zsh > a folder of $fpath, as _pgtop
_pgtop() {{
    local -a commands filters
    commands=({described})
    filters=({" ".join(_quoted([key]) for key in filter_keys())})
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
    """One line for each command and option."""
    lines = [
        "# pgtop completion for fish: pgtop completion fish > ~/.config/fish/completions/pgtop.fish",
        "complete -c pgtop -f",
    ]
    for name, does in commands().items():
        lines.append(
            f"complete -c pgtop -n __fish_use_subcommand -a {name} -d {_quoted([_plain(does)])}"
        )
    lines.append("complete -c pgtop -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'")
    topics = _quoted(help_words())
    lines.append(f"complete -c pgtop -n '__fish_seen_subcommand_from help' -a {topics}")
    keys = _quoted(filter_keys())
    lines.append(f"complete -c pgtop -n '__fish_seen_subcommand_from kill cancel' -a {keys}")
    for name, parser in parsers().items():
        when = f"'__fish_seen_subcommand_from {name}'" if name else "__fish_use_subcommand"
        lines += [
            f"complete -c pgtop -n {when} {_fish_option(option)}" for option in options_of(parser)
        ]
    return "\n".join(lines) + "\n"


def _values() -> Mapping[str, Iterable[str]]:
    """What an option takes, of those that take one of a few words, or words of the filter's
    language.
    """
    choices = {
        name: option.choices
        for parser in parsers().values() for option in options_of(parser) if option.choices
        for name in option.names
    }  # fmt: skip
    sorts = [each.name for each in COLUMNS]
    return {**choices, "--sort": sorts, "--filter": filter_keys(), "--protect": filter_keys()}


def _taking(parser: argparse.ArgumentParser) -> Iterable[str]:
    """Its options behind which a value stands."""
    return (name for option in options_of(parser) if option.takes for name in option.names)


def _words(parser: argparse.ArgumentParser) -> Iterable[str]:
    return (name for option in options_of(parser) for name in option.names)


def _zsh_specs(parser: argparse.ArgumentParser) -> list[str]:
    specs = [
        _quoted([f"{name}[{_plain(option.help)}]{_zsh_value(option)}"])
        for option in options_of(parser)
        for name in option.names
    ]
    if parser.prog == "pgtop help":
        return [*specs, f"'*:topic:({' '.join(help_words())})'"]
    return [*specs, "'*:filter:compadd -S \"\" -a filters'"]


def _zsh_value(option: Option) -> str:
    if not option.takes:
        return ""
    return f":{_plain(option.takes)}:({' '.join(option.choices)})"


def _fish_option(option: Option) -> str:
    words = [
        f"-l {name[2:]}" if name.startswith("--") else f"-s {_quoted([name[1:]])}"
        for name in option.names
    ]
    if option.takes:
        words.append(f"-x -a {_quoted(option.choices)}" if option.choices else "-x")
    return f"{' '.join(words)} -d {_quoted([_plain(option.help)])}"


def _plain(text: str) -> str:
    """Without what has a meaning of its own in a specification."""
    return "".join(character for character in text if character not in "'\"[]:`$\\%")


def _quoted(words: Iterable[str]) -> str:
    """The words, as one word of a shell."""
    return "'" + " ".join(words).replace("'", "'\\''") + "'"


SCRIPTS: Mapping[str, Callable[[], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
