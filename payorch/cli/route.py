"""`payorch route`: why an order goes, or went, to whom."""

from collections.abc import Iterator, Mapping

import click

from payorch.application.explain_routing import RoutingExplanation
from payorch.application.payment_method_registry import RoutingQuestion
from payorch.application.services import Services
from payorch.application.stored_decision import StoredDecision
from payorch.cli.environment import read_settings
from payorch.cli.wired_application import wired_application
from payorch.domain.instrument import CARD_BRANDS
from payorch.domain.payment_order import OrderId
from payorch.presentation.backoffice.routing.decision_sentence import decision_sentence
from payorch.presentation.backoffice.routing.explain_form import METHOD_LABELS, read_explain_form
from payorch.presentation.backoffice.routing.explain_page import explanation_text
from payorch.presentation.backoffice.routing.order_decisions import policies_of


@click.group("route")
def route_group() -> None:
    """Routing: which provider is asked first, and why."""


@route_group.command()
@click.option("--order", "order_id", help="An order that is there, such as po_...")
@click.option("--amount", help="In major units: 25.00")
@click.option("--currency", help="ISO code: EUR")
@click.option("--country", help="Two letters: DE")
@click.option("--method", type=click.Choice(list(METHOD_LABELS)), default="card", show_default=True)
@click.option("--brand", type=click.Choice(list(CARD_BRANDS)))
@click.option("--bin", "card_bin", help="The first six to eight digits of the card.")
def explain(*, order_id: str | None, **order: str | None) -> None:
    """Say which providers an order is tried at, in which order, and why each other one is not.

    With --order: how it was decided then, and how the same order would be decided now. Circuits
    are of this moment and of a process that has made no calls: all of them are closed.
    """
    with wired_application(read_settings()) as wired:
        services = wired.services
        names = {m.code: m.display_name for m in services.registry.configuration().methods}
        if order_id is None:
            order["bin"] = order.pop("card_bin")
            _explain_typed(services, {k: v for k, v in order.items() if v is not None}, names)
        else:
            _explain_order(services, OrderId(order_id), names)


def _explain_typed(services: Services, order: Mapping[str, str], names: Mapping[str, str]) -> None:
    missing = [f"--{name}" for name in ("amount", "currency", "country") if name not in order]
    if missing:
        raise click.UsageError(f"Give --order, or {', '.join(missing)}.")
    form = read_explain_form(order)
    if form.question is None:
        field, problem = next(iter(form.problems.items()))
        raise click.UsageError(f"--{field}: {problem}")
    _show(services.explain_routing.execute(form.question), names)


def _explain_order(services: Services, order_id: OrderId, names: Mapping[str, str]) -> None:
    view = services.orders.by_id(order_id)
    if view is None:
        raise click.ClickException(f"There is no order {order_id[:64]}.")
    decisions = services.decisions.of_order(order_id)
    policies = policies_of(decisions, services.policies, services.trials)
    for decision in decisions:
        sentence = decision_sentence(decision, policies[decision.number], names)
        click.echo(f"Payment {decision.number}, {decision.at:%Y-%m-%d %H:%M:%S} UTC: {sentence}")
    if not decisions:
        click.echo("Nobody has tried to pay this order yet.")
    last = decisions[-1] if decisions else None
    order = view.order
    question = RoutingQuestion(
        order.money,
        order.country,
        None,
        has_typed_card=last is None or last.card is not None,
        preferred_provider=last.preferred_provider if last else None,
        card_brand=last.card.brand if last and last.card else None,
        card_bin=last.card.bin if last and last.card else None,
        order_id=order_id,
    )
    click.echo(f"\nSuch an order now{_six_digits(last)}:")
    _show(services.explain_routing.execute(question), names)


def _six_digits(decision: StoredDecision | None) -> str:
    """The books keep six digits of a card, so rules that ask for more do not fit it now."""
    return " (by the six digits of the card that are kept)" if decision and decision.card else ""


def _show(explanation: RoutingExplanation, names: Mapping[str, str]) -> None:
    for line in _lines(explanation, names):
        click.echo(line)


def _lines(explanation: RoutingExplanation, names: Mapping[str, str]) -> Iterator[str]:
    text = explanation_text(explanation, names)
    when = f" ({text.when})" if text.when else ""
    yield f"{text.decided_by}{when} of {text.document} decides."
    if text.trial:
        yield text.trial
    for number, place in enumerate(text.places, start=1):
        note = f". {place.first}" if place.first else ""
        spare = "" if place.is_tried else f" (only {text.max_tried} are tried)"
        yield f"{number}. {place.name}: {place.reason}{note}{spare}"
    if not text.places:
        yield "No provider can take such an order."
    for name, reason in text.left_out:
        yield f"-  {name}: left out, {reason}"
