import ast
from pathlib import Path

ROOM = Path(__file__).parents[2] / "payorch" / "sandbox_provider"


def imported_names(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


def test_the_practice_provider_knows_nothing_of_the_rest_of_the_house():
    foreign = {
        (path.name, name)
        for path in ROOM.glob("**/*.py")
        for name in imported_names(path)
        if name.partition(".")[0] == "payorch" and not name.startswith("payorch.sandbox_provider")
    }

    assert foreign == set()
