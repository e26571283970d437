"""a day of the rollup says which hours it was added up from

The rows of days are a cache: they are emptied here, and the next runs of the rollup add them up
again. Until then the hours are read.

Revision: 0031
Follows: 0030
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_DAYS = sa.table("provider_days")
_SPREADS = sa.table("provider_day_spreads")


def upgrade() -> None:
    op.execute(_DAYS.delete())
    op.execute(_SPREADS.delete())
    with op.batch_alter_table("provider_day_spreads") as table:
        table.add_column(sa.Column("of_hours", sa.LargeBinary(), nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("provider_day_spreads") as table:
        table.drop_column("of_hours")
