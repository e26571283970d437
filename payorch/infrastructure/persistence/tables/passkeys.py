"""Passkeys of staff, and the challenges that wait for an answer."""

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from payorch.application.passkeys import MAX_NAME
from payorch.infrastructure.persistence.database import Base, BigKey, Pk, PublicId, UtcTime

MAX_TRANSPORTS = 100


class StaffPasskeyRow(Base):
    """Nothing here is sealed: with a public key answers are proved, and none can be made.

    Whoever could write it could write any other column of staff as well.
    """

    __tablename__ = "staff_passkeys"

    id: Mapped[Pk]
    public_id: Mapped[PublicId]
    staff_id: Mapped[int] = mapped_column(BigKey, ForeignKey("staff.id"), index=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    transports: Mapped[str] = mapped_column(String(MAX_TRANSPORTS))
    name: Mapped[str] = mapped_column(String(MAX_NAME))
    created_at: Mapped[UtcTime]
    last_used_at: Mapped[UtcTime | None]

    def __str__(self) -> str:
        return self.public_id


class StaffChallengeRow(Base):
    """`challenge_hash` is of the challenge together with the session that it was given to."""

    __tablename__ = "staff_challenges"

    id: Mapped[Pk]
    staff_id: Mapped[int] = mapped_column(BigKey, ForeignKey("staff.id"), index=True)
    challenge_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[UtcTime] = mapped_column(index=True)

    def __str__(self) -> str:
        return str(self.id)
