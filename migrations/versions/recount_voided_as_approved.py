"""the rollup counts voided amounts as approved: everything is recounted by the next run

Revision: recount_voided_as_approved
Follows: 0002
"""

from alembic import op

revision = "recount_voided_as_approved"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _forget_how_far_the_rollup_is()


def downgrade() -> None:
    _forget_how_far_the_rollup_is()


def _forget_how_far_the_rollup_is() -> None:
    """Without a watermark charts count the transactions themselves until the rollup is rebuilt."""
    op.execute("DELETE FROM rollup_state")
