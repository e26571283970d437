"""declined attempts by reason in the per-minute rollup

The rollup is a cache: its rows lack the new counts, so they go and are counted again by the next
run. Until then the numbers are read from the transactions.

Revision: 0014
Follows: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "provider_minutes",
        sa.Column("declines", sa.JSON(), server_default="{}", nullable=False),
    )
    op.execute("DELETE FROM provider_minutes")
    op.execute("DELETE FROM rollup_state")


def downgrade() -> None:
    with op.batch_alter_table("provider_minutes") as table:
        table.drop_column("declines")
