"""tries to log in are counted

Revision: 0018
Follows: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "login_counts",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_login_counts")),
    )
    op.create_index(op.f("ix_login_counts_ends_at"), "login_counts", ["ends_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_login_counts_ends_at"), table_name="login_counts")
    op.drop_table("login_counts")
