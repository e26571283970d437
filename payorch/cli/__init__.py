"""The `payorch` command. Subcommands are imported only when they run, so that `--help` is quick."""

from importlib import import_module

import click

from payorch.version import __version__

_SUBCOMMANDS = {
    "api-keys": "payorch.cli.api_keys:api_keys_group",
    "audit": "payorch.cli.audit:audit_group",
    "db": "payorch.cli.database:database_group",
    "demo": "payorch.cli.demo:demo",
    "doctor": "payorch.cli.doctor:doctor",
    "encryption": "payorch.cli.encryption:encryption_group",
    "erase": "payorch.cli.erase:erase",
    "metrics": "payorch.cli.metrics:metrics_group",
    "reconcile": "payorch.cli.reconcile:reconcile",
    "recover": "payorch.cli.recover:recover",
    "replay": "payorch.cli.replay:replay",
    "report": "payorch.cli.report:report",
    "route": "payorch.cli.route:route_group",
    "sandbox": "payorch.cli.sandbox:sandbox",
    "serve": "payorch.cli.serve:serve",
    "simulate": "payorch.cli.simulate:simulate",
    "staff": "payorch.cli.staff:staff_group",
    "verify": "payorch.cli.verify:verify",
    "worker": "payorch.cli.worker:worker",
}


class _LazyGroup(click.Group):
    """Finds a subcommand by name and imports its module then, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(_SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _SUBCOMMANDS:
            return None
        module, _, attribute = _SUBCOMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Payment orchestration: one checkout, several providers, safe fallback, honest numbers.",
)
@click.version_option(__version__, prog_name="payorch")
def main() -> None:
    """Settings come from the environment (PAYORCH_...); the README lists them."""
