"""The completion script of fish."""

from collections.abc import Iterator

from pgtop.cli.args.options import parsers
from pgtop.cli.completion.words import (
    Offer,
    ShellOption,
    WordSource,
    offer_of,
    options_of,
    plain,
    purposes,
    quoted,
)


def fish() -> str:
    """Return one line for each command and option."""
    lines = [*_FISH, *_commands(), *_options()]
    return "".join(f"{line}\n" for line in lines)


def _commands() -> Iterator[str]:
    for name, line in purposes().items():
        yield f"{_ON_COMMAND} -a {name} -d {quoted([plain(line)])}"
    for name, parser in parsers().items():
        if words := _words(offer_of(parser)):
            start = f"{_COMPLETE} -n '{_SEEN} {name}'" if name else _ON_COMMAND
            yield f"{start} {words}"


def _options() -> Iterator[str]:
    for name, parser in parsers().items():
        start = f"{_COMPLETE} -n '{_SEEN} {name}'" if name else _ON_COMMAND
        for option in options_of(parser):
            yield f"{start} {_option(option)}"


def _option(option: ShellOption) -> str:
    words = [_name(name) for name in option.names]
    if option.value:
        is_file = option.offer.source is WordSource.FILES
        words.append("-r -F" if is_file else "-x")
        words.append(_words(option.offer))
    return f"{' '.join(filter(None, words))} -d {quoted([plain(option.help)])}"


def _words(offer: Offer) -> str:
    """Return the parameters that offer these words."""
    if offer.source is not None:
        return _BY_SOURCE[offer.source]
    return f"-a {quoted(offer.words)}" if offer.words else ""


def _name(name: str) -> str:
    return f"-l {name[2:]}" if name.startswith("--") else f"-s {quoted([name[1:]])}"


_BY_SOURCE = {
    WordSource.FILES: "",
    WordSource.RECORDINGS: "-a '(__pgtop_recordings)'",
    WordSource.SOCKETS: "-a '(__pgtop_sockets)'",
    WordSource.SERVICES: "-a '(__pgtop_services)'",
}
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
end
function __pgtop_services
    set -l file $PGSERVICEFILE ~/.pg_service.conf
    set -l folder $PGSYSCONFDIR /etc/postgresql-common
    command sed -n 's/^ *\\[\\([A-Za-z0-9_.-]*\\)\\] *$/service=\\1/p' \\
        $file[1] $folder[1]/pg_service.conf 2>/dev/null
end
function __pgtop_recordings
    __fish_complete_path (commandline -ct) | string match -r '.*(?:/|\\.pgtop)(?:\\t.*)?$'
end
function __pgtop_sockets
    command find $PGHOST /var/run/postgresql /tmp -maxdepth 1 -type s \\
        -name '.s.PGSQL.*[0-9]' 2>/dev/null | command sed 's,/[^/]*$,,' | command sort -u
end""",
    f"{_COMPLETE} -n 'string match -q \"@*\" -- (commandline -ct)' -a '(__pgtop_servers)'",
)
