"""The files of payorch as the rules of the house see them: text and syntax tree, read once."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Module:
    path: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def is_in(self, *folders: str) -> bool:
        return any(self.path.startswith(f"payorch/{folder}") for folder in folders)

    def places(self, wanted: Callable[[ast.AST], bool]) -> Iterator[str]:
        """ "path:line" of every node that `wanted` accepts."""
        for node in ast.walk(self.tree):
            if wanted(node):
                yield f"{self.path}:{getattr(node, 'lineno', 1)}"

    def imported_names(self) -> Iterator[str]:
        """Dotted names of everything this module imports, lazily or not."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                yield node.module


@cache
def modules() -> tuple[Module, ...]:
    files = [*sorted((TOP / "payorch").rglob("*.py")), TOP / "wsgi.py"]
    return tuple(
        Module(str(file.relative_to(TOP)), text, ast.parse(text))
        for file in files
        for text in [file.read_text(encoding="utf-8")]
    )


@cache
def texts(folder: str, *suffixes: str) -> dict[str, str]:
    """Text files below `folder` by their path, vendored ones left out."""
    return {
        str(file.relative_to(TOP)): file.read_text(encoding="utf-8")
        for file in sorted((TOP / folder).rglob("*"))
        if file.suffix in suffixes and "vendor" not in file.parts
    }


def attribute_of(node: ast.AST, *names: str) -> bool:
    """Whether `node` is `<something>.<one of names>`."""
    return isinstance(node, ast.Attribute) and node.attr in names


def dotted(node: ast.AST) -> str:
    """`a.b.c` as text; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (left := dotted(node.value)):
        return f"{left}.{node.attr}"
    return ""
