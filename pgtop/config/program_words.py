"""Words that no program of the user's own may have: to run the names of clients, or to signal.

Clients choose names such as `x'; DROP TABLE users; --`. A check of words cannot see into a script:
it refuses what is written by mistake, and what a client could abuse.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

BRACES = re.compile(r"\{(\w*)\}")
"""A placeholder."""
_SHELLS = frozenset(
    [
        "sh",
        "ash",
        "bash",
        "csh",
        "dash",
        "elvish",
        "fish",
        "ksh",
        "mksh",
        "nu",
        "pwsh",
        "rbash",
        "tcsh",
        "xonsh",
        "zsh",
    ]
)
_RUNNERS = frozenset(
    [
        "awk",
        "gawk",
        "mawk",
        "nawk",
        "parallel",
        "rsh",
        "screen",
        "script",
        "ssh",
        "su",
        "tmux",
        "watch",
    ]
)
"""Programs that hand their arguments to a shell, here or elsewhere, or run them themselves."""
_NUMBERS = frozenset({"pid", "port"})
"""Placeholders with digits alone, which no client can make into code."""
_NO_NAMES = _NUMBERS | {"host"}
"""Placeholders that no client chooses."""
_CODE_OPTION = re.compile(r"-(?!.*(.).*\1)[0-9aAbBEHiIlnNOpqQrsStTuUvwWxXz]*[ceE]")
"""The option behind which an argument is run, perhaps behind others: psql -Atc, perl -ne. No letter
occurs twice, as in -state.
"""
_LONG_CODE_OPTIONS = ("--command", "--eval", "--execute", "--split-string")
_SHORTEST = len("--c")
_ATTACHED_CODE = re.compile(r"-(?:[ce]|\w+[\s'\"(])")
_SIGNALLER = re.compile(
    r"""
      (?<![\w-])(?:kill|pkill|killall|skill|snice|slay|tgkill|pidfd_send_signal)(?![\w-])
    | pg_(?:cancel|terminate)_backend
    | \bpgtop\s+(?:[-@]\S*\s+)*cancel\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
_OWN_SIGNALS = frozenset({"cancel", "kill"})


def check_runs_no_names(texts: Sequence[str]) -> None:
    """Raise ValueError if a shell or an interpreter may run a name that a client has chosen."""
    programs = {_base_name(text) for text in texts}
    used = set(_placeholders(texts))
    for name in sorted(programs & _SHELLS):
        if used:
            raise _runs_names(name)
    for name in sorted(programs & _RUNNERS):
        if used - _NO_NAMES:
            raise _runs_names(name)
    for before, text in pairwise(texts):
        option = _code_option(before, text, "env" in programs)
        if option and set(_placeholders([text])) - _NUMBERS:
            raise _runs_names(option)


def check_signals_nothing(texts: Sequence[str]) -> None:
    """Raise ValueError for a program that ends sessions without the question and the audit log."""
    programs = {_base_name(text) for text in texts}
    is_own = "pgtop" in programs and bool(programs & _OWN_SIGNALS)
    if is_own or _SIGNALLER.search(" ".join(texts)):
        raise ValueError(
            "would end sessions without a question: cancel and terminate have keys"
        )


def _code_option(before: str, text: str, has_env: bool) -> str:
    """Return the option that makes the text code, or ""."""
    if not text.startswith("-"):
        return before if _is_code_option(before, has_env) else ""
    name = text.partition("=")[0]
    if _is_long_code_option(name):
        return name
    is_code = _ATTACHED_CODE.match(text) or (has_env and text.startswith("-S"))
    return text[:2] if is_code else ""


def _is_code_option(option: str, has_env: bool) -> bool:
    if _is_long_code_option(option):
        return True
    return bool(_CODE_OPTION.fullmatch(option)) or (has_env and option == "-S")


def _is_long_code_option(option: str) -> bool:
    """Return whether it is such an option, perhaps shortened, as many programs allow."""
    is_long = option.startswith("--") and len(option) >= _SHORTEST
    return is_long and any(each.startswith(option) for each in _LONG_CODE_OPTIONS)


def _placeholders(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from BRACES.findall(text)


def _runs_names(name: str) -> ValueError:
    return ValueError(
        f"hands placeholders to {name}, which would run what clients choose as names:"
        " write a script, and name the script"
    )


def _base_name(text: str) -> str:
    return text.rpartition("/")[2]
