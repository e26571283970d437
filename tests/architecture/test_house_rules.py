"""Rules of the house that no linter knows. Each test lists every place that breaks one."""

import ast
import re

from tests.architecture.source_tree import Module, attribute_of, dotted, modules, texts

MOST_LINES = 300

MAY_CATCH_ALL = {
    # Behind the wall stands a provider, of whom nothing is known.
    "payorch/infrastructure/gateways/exchange.py",
    # A page about an error has to come even when its own template is what broke.
    "payorch/presentation/errors.py",
    # One payment that cannot be settled must not keep the others from being settled.
    "payorch/application/reconcile.py",
    # Nor one job the other jobs: what breaks is tried again later, and is dead in the end.
    "payorch/infrastructure/jobs/job_run.py",
    "payorch/infrastructure/jobs/worker.py",
}

MAY_READ_ENVIRONMENT = ("config.py", "cli/", "sandbox_provider/__main__.py")
MAY_COMMIT = ("infrastructure/persistence/", "sandbox_provider/")
MAY_PRINT = ("cli/", "sandbox_provider/__main__.py")
NAMES_OF_KIND = {"utils", "util", "helpers", "helper", "misc", "common", "tools", "manager"}
NONDETERMINISM = re.compile(
    r"(datetime\.)?datetime\.(now|utcnow|today)|time\.(time|monotonic|sleep|perf_counter)"
    r"|random\.\w+|uuid\.uuid\d|secrets\.\w+|os\.urandom"
)


def _offenders(*, wanted, outside=(), inside=()) -> list[str]:
    return [
        place
        for module in modules()
        if not (outside and module.is_in(*outside)) and (not inside or module.is_in(*inside))
        for place in module.places(wanted)
    ]


def test_no_module_is_longer_than_one_can_read() -> None:
    assert not {m.path: len(m.lines) for m in modules() if len(m.lines) > MOST_LINES}


def test_modules_are_named_by_subject() -> None:
    assert not [m.path for m in modules() if m.path.split("/")[-1][:-3] in NAMES_OF_KIND]


def test_inner_modules_say_what_they_are_for() -> None:
    inner = [m for m in modules() if m.is_in("domain", "application") and m.text.strip()]

    assert not [m.path for m in inner if not ast.get_docstring(m.tree)]


def test_everything_is_caught_at_three_walls_only() -> None:
    def catches_all(node: ast.AST) -> bool:
        if not isinstance(node, ast.ExceptHandler):
            return False
        if any(isinstance(last, ast.Raise) and last.exc is None for last in node.body[-1:]):
            return False  # It puts something back and passes the error on.
        names = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        return any(n is None or dotted(n) in {"Exception", "BaseException"} for n in names)

    found = _offenders(wanted=catches_all)

    assert [place for place in found if place.split(":")[0] not in MAY_CATCH_ALL] == []


def test_only_persistence_commits() -> None:
    def commits(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and attribute_of(node.func, "commit")

    assert not _offenders(wanted=commits, outside=MAY_COMMIT)


def test_the_environment_is_read_at_the_start_only() -> None:
    def reads_environment(node: ast.AST) -> bool:
        return dotted(node) in {"os.environ", "os.getenv"}

    assert not _offenders(wanted=reads_environment, outside=MAY_READ_ENVIRONMENT)


def test_time_and_chance_enter_through_ports() -> None:
    def is_nondeterministic(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and bool(NONDETERMINISM.fullmatch(dotted(node.func)))

    assert not _offenders(wanted=is_nondeterministic, inside=("domain", "application"))


def test_money_is_never_a_float() -> None:
    def is_float_money(node: ast.AST) -> bool:
        if isinstance(node, ast.AnnAssign):
            name, annotation = dotted(node.target), node.annotation
        elif isinstance(node, ast.arg):
            name, annotation = node.arg, node.annotation
        else:
            return False
        is_money = re.search(r"amount(?!_share)|price|_minor$", name.rpartition(".")[2])
        return bool(is_money) and annotation is not None and "float" in ast.unparse(annotation)

    assert not _offenders(wanted=is_float_money)


def test_money_is_never_divided() -> None:
    def divides_money(node: ast.AST) -> bool:
        return (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Div)
            and bool(re.search(r"amount|_minor|money", ast.unparse(node.left)))
        )

    assert not _offenders(wanted=divides_money)


def test_only_commands_print() -> None:
    def prints(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and dotted(node.func) == "print"

    assert not _offenders(wanted=prints, outside=MAY_PRINT)


def test_nothing_is_unpickled_or_evaluated() -> None:
    def is_dangerous(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and dotted(node.func) in {
            "eval", "exec", "yaml.load", "pickle.load", "pickle.loads", "marshal.loads", "os.system"
        }  # fmt: skip

    assert not _offenders(wanted=is_dangerous)


def test_unfinished_work_is_an_issue_and_not_a_comment() -> None:
    marker = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    files = {
        **{m.path: m.text for m in modules()},
        **texts("templates", ".html"),
        **texts("payorch/presentation/static", ".js", ".css"),
    }

    assert not [path for path, text in files.items() if marker.search(text)]


def test_an_exception_from_a_check_gives_its_reason() -> None:
    def has_no_reason(line: str) -> bool:
        ignores = re.search(r"#\s*(noqa|type: ignore)\S*( [A-Z]+\d+,?)*(?P<reason>.*)$", line)
        return ignores is not None and len(ignores["reason"].strip(" -#,")) < 8

    def places(module: Module) -> list[str]:
        return [
            f"{module.path}:{number}"
            for number, line in enumerate(module.lines, start=1)
            if has_no_reason(line)
        ]

    assert not [place for module in modules() for place in places(module)]
