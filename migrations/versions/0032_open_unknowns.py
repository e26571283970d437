"""unknown outcomes are counted without reading their rows

Revision: 0032
Follows: 0031
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_UNKNOWN = "status = 'unknown'"


def upgrade() -> None:
    op.create_index(
        "ix_transactions_unknown",
        "transactions",
        ["started_at", "provider_code", "currency"],
        unique=False,
        sqlite_where=sa.text(_UNKNOWN),
        postgresql_where=sa.text(_UNKNOWN),
    )


def downgrade() -> None:
    op.drop_index("ix_transactions_unknown", table_name="transactions")
