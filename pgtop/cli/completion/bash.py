"""The completion script of bash."""

from collections.abc import Iterator

from pgtop.cli.args.command_list import commands
from pgtop.cli.args.options import parsers
from pgtop.cli.completion.words import (
    SHARED,
    Offer,
    dashboard_last,
    names_of,
    offer_of,
    options_of,
    quoted,
)


def bash() -> str:
    """Return a function that offers words by the command and the option before the cursor.

    Bash splits the line at a colon, an equals sign and an @, each of which is a word.
    """
    return _BASH.format(
        shared=SHARED,
        cases="".join(_cases()),
        values="".join(_values()),
        commands=quoted(commands()),
    )


def _cases() -> Iterator[str]:
    for name, parser in dashboard_last():
        options = options_of(parser)
        with_value = [option for option in options if option.value]
        yield f"        {name or '*'})\n"
        yield f"            options={quoted(names_of(options))}\n"
        yield f"            with_value={quoted(names_of(with_value))}\n"
        yield f"            {_assigned(offer_of(parser))} ;;\n"


def _values() -> Iterator[str]:
    """Yield what may follow each option that takes a value."""
    offers: dict[str, Offer] = {}
    for parser in parsers().values():
        for option in options_of(parser):
            offers.update(dict.fromkeys(option.names, option.offer))
    for name, offer in offers.items():
        if offer != Offer():
            yield f"        {name}) {_assigned(offer)} ;;\n"


def _assigned(offer: Offer) -> str:
    source = offer.source.value if offer.source else ""
    return f"words={quoted(offer.words)} source={source}"


_BASH = """\
# pgtop completion for bash: source <(pgtop completion bash)
{shared}_pgtop() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
    local options with_value words source
    case ${{COMP_WORDS[1]}} in
{cases}    esac
    if [[ $word == @* || $before == @ ]]; then
        COMPREPLY=($(compgen -P @ -W "$(_pgtop_servers)" -- "${{word#@}}"))
        return
    fi
    if [[ $word == = ]]; then
        word=
    elif [[ $before == = ]]; then
        before=${{COMP_WORDS[COMP_CWORD-2]}}
    fi
    if [[ $before == service ]]; then
        words=$(_pgtop_services) source=
    elif [[ $COMP_CWORD -gt 1 && " $with_value " == *" $before "* ]]; then
        words= source=
        case $before in
{values}        esac
    elif [[ $COMP_CWORD -eq 1 && $word != -* ]]; then
        words={commands}
    elif [[ $word == : || $before == : ]]; then
        words= source=
    elif [[ $word == -* ]]; then
        words=$options source=
    elif [[ $words == *: ]]; then
        compopt -o nospace
    fi
    case $source in
        files) compopt -o filenames; COMPREPLY=($(compgen -f -- "$word")); return ;;
        recordings)
            compopt -o filenames
            COMPREPLY=($(compgen -f -X '!*.pgtop' -- "$word") $(compgen -d -- "$word"))
            return ;;
        sockets) words=$(_pgtop_sockets) ;;
        services)
            if [[ $word == s* && service= == "$word"* ]]; then
                compopt -o nospace
                words="$words service="
            fi ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -F _pgtop pgtop
"""
