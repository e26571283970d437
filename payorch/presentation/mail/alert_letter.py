"""What the staff are told: what happened in plain words, the facts, and where to look. English,
like the back office.
"""

from collections.abc import Mapping

from payorch.presentation.mail.letter_parts import LetterParts

_ALERTS: Mapping[str, str] = {
    "amount_mismatch": "A provider approved another amount than was asked for",
    "reference_mismatch": "A provider answered about another payment",
    "contradicting_outcome": "A provider contradicts what the books say",
    "late_approval": "A provider approved a payment that the books had closed",
    "surplus_charge": "A customer was charged too much; it is being given back",
    "surplus_charge_given_back": "A customer was charged too much; it is being given back",
    "review_entered": "A payment's outcome could not be proved; finance has to settle it",
    "orphan_money": "A provider has taken money that belongs to no payment of ours",
    "orphan_refund": "A provider has paid money back that nobody here asked for",
    "settled_there_not_here": "A provider has settled money that the books say never moved",
    "settled_there_unknown_here": "A provider's settlement report has money unknown to us",
    "voided_elsewhere": "A payment was voided, but not by this payorch",
    "status_not_known": "A provider shows a closed payment in a state that payorch does not know",
    "refund_to_approve": "A large refund waits for a second person",
    "bad_credentials": "A provider refused our credentials and was switched off",
    "provider_not_disabled": "A provider that refuses our credentials could not be switched off",
    "reconcile_broke": "A payment could not be reconciled because of an error",
    "metric_alert": "The numbers of your payments need a look",
    "decline_needs_attention": "A provider declines for a reason that lies with us",
}


def alert_title(name: str) -> str:
    """One sentence without its period; an alert of another release is shown by its name."""
    return _ALERTS.get(name) or name.replace("_", " ").capitalize()


def alert_letter(name: str, facts: Mapping[str, str], *, base_url: str) -> LetterParts:
    """The links need a login; they hold ids only."""
    title = _title_of(name, facts)
    admin = f"{base_url}/admin"
    links = []
    if "metric_alert" in facts:
        links.append(("Open the alerts", f"{admin}/alerts/"))
        links.append(("Open the dashboard", f"{admin}/dashboard/"))
    elif order := _id_of(facts, "order"):
        links.append(("Open the order", f"{admin}/orders/{order}"))
    elif transaction := _id_of(facts, "transaction"):
        links.append(("Find the payment", f"{admin}/orders/?search={transaction}"))
    if proposal := _id_of(facts, "refund_proposal"):
        links.append(("Open the proposed refund", f"{admin}/refund-proposals/{proposal}"))
    if report := _id_of(facts, "settlement_import"):
        differences = f"{admin}/settlement-differences/?import={report}"
        links.append(("Open the differences of the report", differences))
    links.append(("All that needs attention", f"{admin}/attention/"))
    return LetterParts(
        language="en",
        subject=f"payorch: {title}",
        heading=title,
        paragraphs=["The same alert about the same thing is not sent again."],
        facts=[
            (key.replace("_", " ").capitalize(), value)
            for key, value in facts.items()
            if key != "metric_alert"
        ],
        links=links,
        sender="payorch",
    )


def _title_of(name: str, facts: Mapping[str, str]) -> str:
    """Of an alert about the numbers the rule and the provider, which says the most."""
    if name != "metric_alert" or "rule" not in facts:
        return alert_title(name)
    provider = facts.get("provider")
    return f"{facts['rule']} at {provider}" if provider else facts["rule"]


def _id_of(facts: Mapping[str, str], name: str) -> str | None:
    """An id of ours that is fit for a URL as it is; anything else makes no link."""
    value = facts.get(name, "")
    return value if value.isascii() and value.replace("_", "").isalnum() else None
