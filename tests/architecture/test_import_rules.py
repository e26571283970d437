"""Which room may know which. The layers stand in pyproject.toml; the rest stands here."""

import subprocess
import sys

from tests.architecture.source_tree import TOP, Module, modules

OUTSIDE_DOMAIN = {"iso4217"}
"""The one package that the domain may use: a list of currencies, no behavior."""


def _roots(module: Module) -> set[str]:
    return {name.partition(".")[0] for name in module.imported_names()}


def test_layers_point_inwards() -> None:
    linter = subprocess.run(
        # Its cache goes by the files' times and has called a moved import a broken one.
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as lint; lint()",
            "--no-cache",
        ],
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert linter.returncode == 0, linter.stdout + linter.stderr


def test_domain_and_application_use_the_standard_library_only() -> None:
    allowed = sys.stdlib_module_names | OUTSIDE_DOMAIN | {"payorch"}

    offenders = {
        module.path: _roots(module) - allowed
        for module in modules()
        if module.is_in("domain", "application") and _roots(module) - allowed
    }

    assert not offenders


def test_the_practice_provider_knows_nothing_of_payorch() -> None:
    offenders = [
        f"{module.path}: {name}"
        for module in modules()
        if module.is_in("sandbox_provider")
        for name in module.imported_names()
        if name.startswith("payorch") and not name.startswith("payorch.sandbox_provider")
    ]

    assert not offenders


def test_only_commands_know_the_practice_provider() -> None:
    offenders = [
        module.path
        for module in modules()
        if not module.is_in("sandbox_provider", "cli")
        and any(name.startswith("payorch.sandbox_provider") for name in module.imported_names())
    ]

    assert not offenders


def test_rooms_of_providers_do_not_know_each_other() -> None:
    gateways = "payorch.infrastructure.gateways."
    rooms = {
        module.path.split("/")[3]
        for module in modules()
        if module.is_in("infrastructure/gateways/") and module.path.count("/") > 3
    }

    offenders = [
        f"{module.path}: {name}"
        for module in modules()
        for room in rooms
        if module.is_in(f"infrastructure/gateways/{room}/")
        for name in module.imported_names()
        for other in rooms - {room}
        if name.startswith(gateways + other)
    ]

    assert not offenders


def test_tables_are_known_to_persistence_and_back_office_only() -> None:
    tables = "payorch.infrastructure.persistence.tables"
    homes = ("infrastructure", "presentation/backoffice", "wiring", "factory", "cli")

    offenders = [
        module.path
        for module in modules()
        if not module.is_in(*homes) and any(n.startswith(tables) for n in module.imported_names())
    ]

    assert not offenders
