"""Checks of the English: docstrings, comments, words and names."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import (
    Docstring,
    Function,
    Offence,
    Source,
    spaced,
    type_of_function,
)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Verbs that may start a docstring. A missing one belongs into the file.
VERBS = _set(Path(__file__).with_name("verbs.txt").read_text(encoding="utf-8"))

# Question words and pronouns: a docstring that starts with one has its subject somewhere else.
OPENERS = _set(
    "anybody everybody he her his how it its nobody of she somebody that their theirs these they"
    " this those we what whatever when where whether which whichever who whoever whom whose why "
    "you your"
)
SENTENCE_OPENERS = _set("of that those what where who whoever whom whose")
SPEECH = _set(
    "ask asked asking asks hear heard hearing hears said say saying says tell telling tells told"
)
PARTICIPLES = _set("asked found given heard lent made meant ours said theirs told")

BANNED = {
    r"all the same": "anyway, or leave it out",
    r"anew": "again",
    r"anybody": "any session, any user",
    r"at the door": "at start",
    r"befalls?|befell|befallen": "happens to",
    r"by now": "now, already",
    r"dear|dearer|dearest|dearly": "expensive",
    r"deeds?": "signal, action",
    r"errands?": "request, execution",
    r"everybody": "all sessions, all users",
    r"farewells?": "last words on exit",
    r"for ever": "forever, indefinitely",
    r"hang on|hangs on|hung on|hanging on": "wait for",
    r"lend|lends|lending|lent": "reuse, carry over",
    r"mend|mends|mended|mending": "repair",
    r"nobody": "no session, no user",
    r"pictures?": "snapshot, frame",
    r"somebody": "a session, a user",
    r"told": "reported, sent, known",
    r"who": "which, that",
    r"whoever|whomever": "any session that",
    r"whom": "which",
}

# `whose` is right for a thing, too: "in databases whose name contains shop" is read once.

# Phrases in which a banned word is right, and why.
ALLOWED = {
    r"who(-| )blocks(-| )whom": "people say it: the title of the lock tree",
    r"(?<=[\"'`])who(?=[\"'`])": "the name of a column, which scripts sort by",
    r"pid,? who\b": "the same, in a list of columns",
    r"(users?|persons?|people|humans?|operators?|administrators?|engineers?|developers?|newcomers?|readers?|DBAs?"
    r"|authors?|colleagues?|someone|anyone),? who(se)?": "a human at a keyboard",
}

OWN_LIST = "tests/architecture/prose.py"  # names the banned words, as it must


def _compiled(phrases: list[str]) -> re.Pattern[str]:
    joined = "|".join(phrases).replace(" ", r"[\s#]+")
    return re.compile(rf"\b(?:{joined})\b", re.IGNORECASE)


_BANNED = _compiled(list(BANNED))
_ALLOWED = _compiled(list(ALLOWED))
_ONE_EACH = {phrase: _compiled([phrase]) for phrase in BANNED}


def first_word(text: str) -> str:
    """Return the first word of `text` in small letters, without punctuation or quotes."""
    words = text.split(maxsplit=1)
    return words[0].strip(".,:;…!?()'\"").lower() if words else ""


def is_property(function: Function) -> bool:
    """Return whether `function` is read like an attribute, so that a noun describes it."""
    return any(
        "property" in ast.unparse(decorator) for decorator in function.decorator_list
    )


def must_start_with_verb(docstring: Docstring) -> bool:
    """Return whether the docstring belongs to a function that is neither a property nor a test."""
    owner = docstring.owner
    if not isinstance(owner, type_of_function):
        return False
    return not owner.name.startswith("test_") and not is_property(owner)


def verb_first(source: Source) -> Iterator[Offence]:
    """Yield the docstrings of functions that do not start with a verb."""
    for docstring in source.docstrings:
        word = first_word(docstring.text)
        if must_start_with_verb(docstring) and word not in VERBS:
            yield source.offence(
                docstring.line, f"docstring starts with {word!r}, not with a verb"
            )


def openers(source: Source) -> Iterator[Offence]:
    """Yield the docstrings that start with a question word or a pronoun."""
    for docstring in source.docstrings:
        word = first_word(docstring.text)
        if word in OPENERS:
            yield source.offence(docstring.line, f"docstring starts with {word!r}")


def fronted(source: Source) -> Iterator[Offence]:
    """Yield the sentences of comments and docstrings that start with Of, That, What, Where, Who."""
    texts = [(docstring.line, docstring.text) for docstring in source.docstrings]
    for line, text in [*texts, *source.comments]:
        for match in re.finditer(r"(?:\A|(?<=[.!?]\s)|\n\s*\n\s*)([A-Z]\w*)", text):
            word = match[1]
            if word.lower() in SENTENCE_OPENERS:
                offset = text.count("\n", 0, match.start(1))
                yield source.offence(line + offset, f"sentence starts with {word!r}")


def speech(source: Source) -> Iterator[Offence]:
    """Yield the functions and classes that tell, say, hear or ask."""
    for node in (*source.functions, *source.classes):
        words = set(spaced(node.name).lower().split())
        if words & SPEECH and not node.name.startswith("test_"):
            yield source.offence(node.lineno, f"{node.name}: code does not speak")


def words(source: Source) -> Iterator[Offence]:
    """Yield the banned words in code, comments, texts and the file's name."""
    if source.name == OWN_LIST:
        return
    text = spaced(source.text)
    allowed = [match.span() for match in _ALLOWED.finditer(text)]
    for match in _BANNED.finditer(spaced(source.name)):
        yield source.offence(1, f"file name: {_advice(match[0])}")
    for match in _BANNED.finditer(text):
        is_allowed = any(start <= match.start() < end for start, end in allowed)
        if not is_allowed:
            line = text.count("\n", 0, match.start()) + 1
            yield source.offence(line, _advice(match[0]))


def _advice(word: str) -> str:
    for phrase, better in BANNED.items():
        if _ONE_EACH[phrase].fullmatch(word):
            return f"{word!r}: {better}"
    raise AssertionError(word)


def participles(source: Source) -> Iterator[Offence]:
    """Yield the variables that are no nouns: `found`, `given`, `meant`."""
    for node in source.nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name, line = node.id, node.lineno
        elif isinstance(node, ast.arg):
            name, line = node.arg, node.lineno
        else:
            continue
        if name.strip("_") in PARTICIPLES:
            yield source.offence(line, f"variable {name!r} is no noun")
