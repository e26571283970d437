"""Payment methods that share one account at a provider: its reports do not tell them apart."""

from collections.abc import Sequence

from sqlalchemy import Connection, select
from sqlalchemy.orm import aliased

from payorch.infrastructure.persistence.tables import PaymentMethodRow


def codes_of_account(connection: Connection, provider_code: str) -> Sequence[str]:
    """`provider_code` and the methods beside it, by name."""
    named = aliased(PaymentMethodRow)
    statement = (
        select(PaymentMethodRow.code)
        .join(
            named,
            (named.connector == PaymentMethodRow.connector)
            & (named.account == PaymentMethodRow.account),
        )
        .where(named.code == provider_code)
    )
    return sorted({provider_code, *connection.scalars(statement)})
