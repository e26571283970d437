"""Second factors of staff, and the recovery codes that stand in for them."""

from enum import StrEnum

from sqlalchemy import BigInteger, Enum, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from payorch.infrastructure.persistence.database import Base, BigKey, Pk, PublicId, UtcTime


class FactorKind(StrEnum):
    TOTP = "totp"


FactorKindColumn = Enum(
    FactorKind,
    native_enum=False,
    create_constraint=True,
    name="factor_kind",
    length=10,
    values_callable=lambda enum: [member.value for member in enum],
)


class StaffFactorRow(Base):
    """`sealed` is encrypted about `public_id`: it opens in this row only."""

    __tablename__ = "staff_factors"
    __table_args__ = (UniqueConstraint("staff_id", "kind"),)

    id: Mapped[Pk]
    public_id: Mapped[PublicId]
    staff_id: Mapped[int] = mapped_column(BigKey, ForeignKey("staff.id"))
    kind: Mapped[FactorKind] = mapped_column(FactorKindColumn)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    last_step: Mapped[int] = mapped_column(BigInteger)
    enrolled_at: Mapped[UtcTime]

    def __str__(self) -> str:
        return self.public_id


class RecoveryCodeRow(Base):
    __tablename__ = "staff_recovery_codes"

    id: Mapped[Pk]
    staff_id: Mapped[int] = mapped_column(BigKey, ForeignKey("staff.id"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[UtcTime]
    used_at: Mapped[UtcTime | None]

    def __str__(self) -> str:
        return str(self.id)
