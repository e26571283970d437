"""Provider codes as people know them, read once per request: a handful of rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import g
from sqlalchemy import select

from payorch.infrastructure.persistence.tables.payment_methods import PaymentMethodRow


def provider_names(session: Any) -> Mapping[str, str]:
    """Display name by code. A code that is gone from the table is its own name."""
    if "provider_names" not in g:
        rows = session.execute(select(PaymentMethodRow.code, PaymentMethodRow.display_name))
        g.provider_names = dict(rows.all())
    names: Mapping[str, str] = g.provider_names
    return names


def provider_choices(session: Any) -> Sequence[tuple[str, str]]:
    """(code, name) for a filter, by name."""
    return sorted(provider_names(session).items(), key=lambda item: item[1].casefold())
