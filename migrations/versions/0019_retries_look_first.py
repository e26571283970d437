"""a retried refund keeps the trace of what was sent, and a contradicted one counts

Revision: 0019
Follows: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "refunds",
        sa.Column("may_send_once_more", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column("refunds", sa.Column("retries", sa.Integer(), server_default="0", nullable=False))
    op.add_column(
        "refund_reviews", sa.Column("of_retry", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("refunds", sa.Column("contradicted_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    with op.batch_alter_table("refunds") as table:
        table.drop_column("contradicted_at")
        table.drop_column("retries")
        table.drop_column("may_send_once_more")
    with op.batch_alter_table("refund_reviews") as table:
        table.drop_column("of_retry")
