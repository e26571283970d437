"""`payorch replay`: what another order of providers would have done to the orders of the last days.

The same numbers as on the routing board, for a terminal, a spreadsheet or a script.
"""

import csv
import io
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import click

from payorch.application.replay_policy import MAX_DAYS, AnsweredReplay
from payorch.application.services import Services
from payorch.cli.environment import read_settings
from payorch.cli.wired_application import wired_application
from payorch.domain.errors import InvalidRoutingPolicy
from payorch.domain.policy_replay import ReplayedFigure, ReplayedOrders
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy
from payorch.presentation.backoffice.routing.replay_texts import (
    OrdersText,
    ReplayText,
    replay_text,
)
from payorch.presentation.backoffice.routing.routing_draft import fitted

_PLACE = re.compile(r"([a-z0-9_]+)(?::([0-9]{1,4}))?")


@click.command()
@click.option(
    "--order",
    "order",
    help="Tiers by comma, weights inside a tier: alpha:70+beta:30,gamma. Others come last.",
)
@click.option("--version", type=click.IntRange(min=1), help="A published version instead.")
@click.option("--draft-of", help="The draft of this e-mail address instead.")
@click.option(
    "--exploration",
    type=click.FloatRange(0, 100),
    help="Percent of orders whose first provider is drawn at random; else as it is now.",
)
@click.option(
    "--days", type=click.IntRange(1, MAX_DAYS), default=7, show_default=True, help="How far back."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "csv", "json"]),
    default="text",
    show_default=True,
)
def replay(
    *,
    order: str | None,
    version: int | None,
    draft_of: str | None,
    exploration: float | None,
    days: int,
    form: str,
) -> None:
    """Replay a routing policy on the last days' real orders: nothing is changed.

    Without --order, --version or --draft-of it is the policy in force, whose replay shows what
    the orders of before its publication would have gained or lost.
    """
    if sum(chosen is not None for chosen in (order, version, draft_of)) > 1:
        raise click.UsageError("Give one of --order, --version and --draft-of.")
    with wired_application(read_settings()) as wired:
        services = wired.services
        policy = _policy(services, order=order, version=version, draft_of=draft_of)
        if exploration is not None:
            policy = replace(policy, exploration_share=exploration / 100)
        names = {m.code: m.display_name for m in services.registry.configuration().methods}
        if sys.stderr.isatty():
            answer = _with_progress(services, policy, days)
        else:
            answer = services.replay_policy.execute(policy, days=days)
    if form == "json":
        click.echo(json.dumps(_as_json(answer), indent=2))
    elif form == "csv":
        click.echo(_as_csv(answer), nl=False)
    else:
        _print_text(replay_text(answer, policy, names))


def _with_progress(services: Services, policy: RoutingPolicy, days: int) -> AnsweredReplay:
    with click.progressbar(length=1000, label="Reading the orders", file=sys.stderr) as bar:

        def show(done: int, of: int) -> None:
            bar.update(1000 * done // of - bar.pos)

        return services.replay_policy.execute(policy, days=days, progress=show)


def _policy(
    services: Services, *, order: str | None, version: int | None, draft_of: str | None
) -> RoutingPolicy:
    configuration = services.registry.configuration()
    if version is not None:
        published = services.policies.version(version)
        if published is None:
            raise click.UsageError(f"There is no version {version}.")
        return published.policy
    if draft_of is not None:
        saved = services.drafts.of(draft_of)
        if saved is None:
            raise click.UsageError(f"{draft_of} has no draft.")
        return saved.policy
    if order is None:
        return configuration.policy
    entries = _entries(order, {method.code for method in configuration.methods})
    try:
        return replace(configuration.policy, entries=fitted(entries, configuration.methods))
    except InvalidRoutingPolicy as error:
        raise click.UsageError(f"--order: {error.message}") from error


def _entries(order: str, known: set[str]) -> list[PolicyEntry]:
    entries = []
    for tier, together in enumerate(order.split(","), start=1):
        for place in together.split("+"):
            match = _PLACE.fullmatch(place.strip())
            if match is None:
                raise click.UsageError(f"--order: {place.strip()!r} is no provider:weight.")
            if match[1] not in known:
                raise click.UsageError(f"--order: there is no provider {match[1]!r}.")
            entries.append(PolicyEntry(match[1], tier, int(match[2] or 1)))
    return entries


def _print_text(text: ReplayText) -> None:
    click.echo(text.sentence)
    for part in text.parts:
        click.echo(f"\n{part.title}, {part.orders:,} orders")
        for line in _lines(part):
            click.echo(line)
    if text.assumptions:
        click.echo("\nHow this was worked out, and what it assumes (intervals are of 95 %):")
    for line in text.assumptions:
        click.echo(f"- {line}")


def _lines(part: OrdersText) -> Sequence[str]:
    wide = max(len(figure.label) for figure in part.figures)
    lines = []
    for figure in part.figures:
        said = ", ".join(text for text in (figure.change, figure.verdict) if text)
        numbers = f"{figure.was} -> {figure.would_be}"
        lines.append(f"  {figure.label:<{wide}}  {numbers}  {said}")
    firsts = ", ".join(f"{f.provider} {f.was} -> {f.would_be}" for f in part.firsts)
    lines += [f"  Tried first: {firsts}", f"  {part.evidence}"]
    return [*lines, f"  {part.caution}"] if part.caution else lines


def _parts(answer: AnsweredReplay) -> Mapping[str, ReplayedOrders]:
    total = answer.replay.total
    return {} if total is None else {"all": total, **answer.replay.by_currency}


def _figures(orders: ReplayedOrders) -> Mapping[str, ReplayedFigure | None]:
    return {
        "first_approval": orders.first_approval,
        "conversion": orders.conversion,
        "extra_attempts": orders.extra_attempts,
        "p95_time_to_result_ms": orders.time_to_result_ms,
        "fees_minor": orders.fees_minor,
    }


def _as_json(answer: AnsweredReplay) -> dict[str, object]:
    return {
        "start": answer.window.start.isoformat(),
        "end": answer.window.end.isoformat(),
        "unfinished_orders": answer.unfinished,
        "orders_left_to_chance": answer.replay.explored,
        "new_providers": list(answer.new_providers),
        "parts": {
            name: {
                "orders": orders.orders,
                "figures": {
                    key: None if figure is None else asdict(figure)
                    for key, figure in _figures(orders).items()
                },
                "evidence": asdict(orders.evidence),
                "first_provider": {
                    code: {"was": was, "would_be": will}
                    for code, (was, will) in orders.firsts.items()
                },
            }
            for name, orders in _parts(answer).items()
        },
    }


def _as_csv(answer: AnsweredReplay) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(
        ["currency", "figure", "orders", "was", "would_be", "change_low", "change_high"]
    )
    for name, orders in _parts(answer).items():
        for key, figure in _figures(orders).items():
            if figure is not None:
                numbers = (figure.was, figure.would_be, figure.change.low, figure.change.high)
                writer.writerow([name, key, orders.orders, *(f"{n:.6f}" for n in numbers)])
    return text.getvalue()
