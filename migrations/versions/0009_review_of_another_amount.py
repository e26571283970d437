"""reviews may conclude that another amount was charged

Revision: 0009
Follows: 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NEW = "conclusion IN ('charged', 'not_charged', 'charged_other_amount')"
OLD = "conclusion IN ('charged', 'not_charged')"


def upgrade() -> None:
    _allow(NEW)


def downgrade() -> None:
    """What the earlier release cannot read is what it would have concluded: not charged."""
    op.execute(
        "UPDATE reviews SET conclusion = 'not_charged' WHERE conclusion = 'charged_other_amount'"
    )
    _allow(OLD)


def _allow(conclusions: str) -> None:
    with op.batch_alter_table("reviews") as batch:
        batch.drop_constraint(op.f("ck_reviews_conclusion"), type_="check")
        batch.create_check_constraint(op.f("ck_reviews_conclusion"), conclusions)
