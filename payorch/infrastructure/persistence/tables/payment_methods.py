"""Payment methods (provider accounts) and the stamp that tells every process of a change."""

from typing import Any

from sqlalchemy import JSON, CheckConstraint, Enum, String
from sqlalchemy.orm import Mapped, mapped_column

from payorch.domain.payment_method import MethodKind
from payorch.infrastructure.persistence.database import Base, Pk, UtcTime

MethodKindColumn = Enum(
    MethodKind,
    native_enum=False,
    create_constraint=True,
    name="method_kind",
    length=20,
    values_callable=lambda enum: [member.value for member in enum],
)


class PaymentMethodRow(Base):
    """One provider account. Credentials are not here: they come from the environment."""

    __tablename__ = "payment_methods"
    __table_args__ = (
        CheckConstraint("timeout_ms > 0", name="timeout_positive"),
        CheckConstraint("max_concurrency > 0", name="max_concurrency_positive"),
    )

    id: Mapped[Pk]
    code: Mapped[str] = mapped_column(String(40), unique=True)
    display_name: Mapped[str] = mapped_column(String(80))
    kind: Mapped[MethodKind] = mapped_column(MethodKindColumn)
    connector: Mapped[str] = mapped_column(String(40))
    account: Mapped[str] = mapped_column(String(80))
    countries: Mapped[list[str]] = mapped_column(JSON, default=list)
    currencies: Mapped[list[str]] = mapped_column(JSON, default=list)
    amount_limits: Mapped[dict[str, dict[str, int | None]]] = mapped_column(JSON, default=dict)
    required_fields: Mapped[list[str]] = mapped_column(JSON, default=list)
    capabilities: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    is_enabled: Mapped[bool] = mapped_column(default=True)
    timeout_ms: Mapped[int] = mapped_column(default=10_000)
    max_concurrency: Mapped[int] = mapped_column(default=16)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[UtcTime]
    updated_at: Mapped[UtcTime]

    def __str__(self) -> str:
        return self.display_name


class ConfigurationRow(Base):
    """One row. `revision` grows in the transaction of every change to methods or policy.

    A payment reads it together with its order; a process whose copy is older loads again. That
    is how a reordering takes effect at the next order in every process. `mode` is "normal", or
    "safe" after a restored backup: then no payment is taken until the books are reconciled.
    """

    __tablename__ = "configuration"
    __table_args__ = (
        CheckConstraint("id = 1", name="single_row"),
        CheckConstraint("mode IN ('normal', 'safe')", name="mode"),
    )

    id: Mapped[Pk]
    revision: Mapped[int] = mapped_column(default=1)
    policy_version: Mapped[int] = mapped_column(default=0)
    mode: Mapped[str] = mapped_column(String(10), default="normal", server_default="normal")
    mode_since: Mapped[UtcTime | None]
