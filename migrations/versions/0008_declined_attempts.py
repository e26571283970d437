"""indexes of declined attempts alone, for the limits on declines

Revision: 0008
Follows: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_DECLINED = sa.text("status = 'declined'")
_OF_CARD = sa.text("card_fingerprint IS NOT NULL")


def upgrade() -> None:
    for column in ("card_bin", "card_fingerprint"):
        op.create_index(
            f"ix_transactions_declined_{column}",
            "transactions",
            [column, "started_at"],
            unique=False,
            sqlite_where=_DECLINED,
            postgresql_where=_DECLINED,
        )
    op.drop_index(
        "ix_transactions_card_fingerprint_started_at",
        table_name="transactions",
        sqlite_where=_OF_CARD,
        postgresql_where=_OF_CARD,
    )


def downgrade() -> None:
    op.create_index(
        "ix_transactions_card_fingerprint_started_at",
        "transactions",
        ["card_fingerprint", "started_at"],
        unique=False,
        sqlite_where=_OF_CARD,
        postgresql_where=_OF_CARD,
    )
    for column in ("card_fingerprint", "card_bin"):
        op.drop_index(
            f"ix_transactions_declined_{column}",
            table_name="transactions",
            sqlite_where=_DECLINED,
            postgresql_where=_DECLINED,
        )
