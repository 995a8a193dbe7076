"""The completion script of zsh."""

import argparse
from collections.abc import Iterator

from pgtop.cli.completion.words import (
    SHARED,
    Offer,
    ShellOption,
    WordSource,
    dashboard_last,
    is_unfinished,
    offer_of,
    options_of,
    plain,
    purposes,
    quoted,
)


def zsh() -> str:
    """Return a function for zsh's _arguments, with the help of each option."""
    described = [quoted([f"{name}:{plain(line)}"]) for name, line in purposes().items()]
    return _ZSH.format(
        shared=SHARED, commands=" ".join(described), cases="".join(_cases())
    )


def _cases() -> Iterator[str]:
    for name, parser in dashboard_last():
        specs = " ".join(_specs(parser))
        yield f"        {name or '*'})\n"
        yield f"            _arguments {specs} ;;\n"


def _specs(parser: argparse.ArgumentParser) -> Iterator[str]:
    for option in options_of(parser):
        yield from _option_specs(option)
    if action := _action(offer_of(parser)):
        yield quoted([f"*:word:{action}"])


def _option_specs(option: ShellOption) -> Iterator[str]:
    """Yield a specification of each spelling; `=` and `+` let the value follow at once."""
    for name in option.names:
        if not option.value:
            yield quoted([f"{name}[{plain(option.help)}]"])
            continue
        joint = "=" if name.startswith("--") else "+"
        value = f"{plain(option.value)}:{_action(option.offer)}"
        yield quoted([f"{name}{joint}[{plain(option.help)}]:{value}"])


def _action(offer: Offer) -> str:
    """Return what `_arguments` evaluates for a value."""
    if offer.source is not None:
        return _BY_SOURCE[offer.source]
    if not offer.words:
        return ""
    words = " ".join(word.replace(":", "\\:") for word in offer.words)
    suffix = '-S "" ' if is_unfinished(offer.words) else ""
    return f"{{compadd {suffix}-- {words}}}"


_BY_SOURCE = {
    WordSource.FILES: "_files",
    WordSource.RECORDINGS: '_files -g "*.pgtop"',
    WordSource.SOCKETS: "{compadd -f -- $(_pgtop_sockets)}",
    WordSource.SERVICES: '{compadd -P service= -- $(_pgtop_services); compadd -S "" -- service=}',
}

_ZSH = """\
#compdef pgtop
# pgtop completion for zsh: pgtop completion zsh > a folder of $fpath, as _pgtop
{shared}_pgtop() {{
    local -a commands
    commands=({commands})
    if [[ $words[CURRENT] == @* ]]; then
        compadd -P @ -- $(_pgtop_servers)
        return
    fi
    if (( CURRENT == 2 )) && [[ $words[2] != (-*|service=*) ]]; then
        _describe command commands
        return
    fi
    case $words[2] in
{cases}    esac
}}
if [[ $funcstack[1] == _pgtop ]]; then
    _pgtop "$@"
else
    # Before compinit there is no compdef.
    (( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit; }}
    compdef _pgtop pgtop
fi
"""
