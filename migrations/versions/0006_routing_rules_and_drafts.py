"""routing rules: which one applied; drafts of policies; which version one restores

Revision: 0006
Follows: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "routing_drafts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("owner", sa.String(length=254), nullable=False),
        sa.Column("based_on_version", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routing_drafts")),
        sa.UniqueConstraint("owner", name=op.f("uq_routing_drafts_owner")),
    )
    op.add_column("routing_policies", sa.Column("restores_version", sa.Integer(), nullable=True))
    op.add_column("submissions", sa.Column("routing_rule", sa.String(length=60), nullable=True))


def downgrade() -> None:
    op.drop_column("submissions", "routing_rule")
    op.drop_column("routing_policies", "restores_version")
    op.drop_table("routing_drafts")
