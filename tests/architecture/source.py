"""Files as the rules read them, and offences against a rule."""

import ast
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path

type_of_function = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = Function | ast.ClassDef | ast.Module


@dataclass(frozen=True)
class Offence:
    """A place that breaks a rule, and what is wrong there."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


@dataclass(frozen=True)
class Docstring:
    """A docstring, the definition that it documents, and the line that it starts on."""

    owner: Documented
    text: str
    line: int


@dataclass(frozen=True)
class Source:
    """A file, with its syntax tree and tokens if it is Python."""

    path: Path
    name: str  # the path that reports show

    @property
    def is_python(self) -> bool:
        """True if the file is Python; README and other texts are only read for their words."""
        return self.path.suffix == ".py"

    @property
    def is_test(self) -> bool:
        """True if the file belongs to the tests."""
        return self.name.startswith("tests")

    @cached_property
    def text(self) -> str:
        """The whole text."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All nodes of the syntax tree; none if the file is not Python."""
        if not self.is_python:
            return ()
        return tuple(ast.walk(ast.parse(self.text)))

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """All functions and methods, nested ones included."""
        return tuple(node for node in self.nodes if isinstance(node, type_of_function))

    @cached_property
    def classes(self) -> tuple[ast.ClassDef, ...]:
        """All classes, nested ones included."""
        return tuple(node for node in self.nodes if isinstance(node, ast.ClassDef))

    @cached_property
    def tokens(self) -> tuple[tokenize.TokenInfo, ...]:
        """All tokens; none if the file is not Python."""
        if not self.is_python:
            return ()
        return tuple(tokenize.generate_tokens(StringIO(self.text).readline))

    @cached_property
    def docstrings(self) -> tuple[Docstring, ...]:
        """The docstrings of the module, its classes, their attributes and its functions."""
        return tuple(_docstrings(self.nodes))

    @cached_property
    def comments(self) -> tuple[tuple[int, str], ...]:
        """Comments with the line that each starts on; lines of comment in a row are one."""
        return tuple(_comments(self.tokens))

    def offence(self, line: int, text: str) -> Offence:
        """Return an offence in this file."""
        return Offence(self.name, line, text)


def _docstrings(nodes: tuple[ast.AST, ...]) -> Iterator[Docstring]:
    for node in nodes:
        if not isinstance(node, Documented):
            continue
        text = ast.get_docstring(node)
        if text:
            yield Docstring(node, text, node.body[0].lineno)


def _comments(tokens: tuple[tokenize.TokenInfo, ...]) -> Iterator[tuple[int, str]]:
    start, end, words = 0, 0, ""
    for token in tokens:
        if token.type != tokenize.COMMENT:
            continue
        line = token.start[0]
        text = token.string.lstrip("# ")
        is_own_line = token.line.lstrip().startswith("#")
        if words and is_own_line and line == end + 1:
            words += "\n" + text
            end = line
            continue
        if words:
            yield start, words
        start, words = line, text
        end = line if is_own_line else 0
    if words:
        yield start, words


def sources(root: Path, paths: list[Path]) -> list[Source]:
    """Return the Python files and texts below `paths`, named relative to `root`."""
    files: list[Path] = []
    for path in paths:
        if path.is_file():
            files.append(path)
        else:
            for suffix in ("py", "md", "txt"):
                files.extend(path.rglob(f"*.{suffix}"))
    return [Source(file, str(file.relative_to(root))) for file in sorted(files)]


def spaced(text: str) -> str:
    """Return `text` with the words of its names apart, so that `LeftOut` has two."""
    return re.sub(r"_|(?<=[a-z0-9])(?=[A-Z])", " ", text)
