"""the rollup counts voided amounts as approved: everything is recounted by the next run

Revision: 0007
Follows: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _forget_how_far_the_rollup_is()


def downgrade() -> None:
    _forget_how_far_the_rollup_is()


def _forget_how_far_the_rollup_is() -> None:
    """Without a watermark charts count the transactions themselves until the rollup is rebuilt."""
    op.execute("DELETE FROM rollup_state")
