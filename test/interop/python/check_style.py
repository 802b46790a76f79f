"""Holds the Python of this folder to the repository's rules: standard library only, typed, short, and explained.

Prints a line for each fault, and nothing where there is none.
"""
from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 120


def faults_of(path: Path) -> Iterator[str]:
    text = path.read_text("utf-8")
    lines = text.splitlines()
    tree = ast.parse(text, filename=str(path), feature_version=(3, 10))
    if not ast.get_docstring(tree):
        yield f"{path.name}: does not say what it is for"
    if len(lines) > FILE_LINES_MAX:
        yield f"{path.name}: has {len(lines)} lines, over {FILE_LINES_MAX}"
    for number, line in enumerate(lines, start=1):
        if len(line) > COLUMNS_MAX or line != line.rstrip():
            yield f"{path.name}:{number}: is over {COLUMNS_MAX} columns, or ends in a space"
        if "type: " + "ignore" in line or "noqa" + ":" in line:
            yield f"{path.name}:{number}: silences a check"
    for node in ast.walk(tree):
        yield from (f"{path.name}:{getattr(node, 'lineno', 0)}: {fault}" for fault in faults_at(node))


def faults_at(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (f"imports {name.name}" for name in node.names if not is_known(name.name))
    elif isinstance(node, ast.ImportFrom) and not is_known(node.module or ""):
        yield f"imports {node.module}"
    elif isinstance(node, ast.FunctionDef):
        if (node.end_lineno or node.lineno) - node.lineno >= FUNCTION_LINES_MAX:
            yield f"{node.name} has over {FUNCTION_LINES_MAX} lines"
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        untyped = [each.arg for each in arguments if each.annotation is None and each.arg not in ("self", "cls")]
        if untyped or node.returns is None:
            yield f"{node.name} is not typed: {', '.join(untyped) or 'what it returns'}"


def is_known(module: str) -> bool:
    """A part of Python, or a file beside this one."""
    top = module.split(".", 1)[0]
    return top in sys.stdlib_module_names or (HERE / f"{top}.py").exists()


if __name__ == "__main__":
    for file in sorted(HERE.glob("*.py")):
        for found in faults_of(file):
            print(found)
