"""hours and days of the rollup name the rows they were added up from

The rows of days are a cache: they are emptied here, and the next runs of the rollup add them up
again. Until then the hours are read. Hours get their name when they are counted the next time.

Revision: 0031
Follows: 0030
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_OF_DAYS = ("provider_days", "provider_day_spreads")


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        # The lock of whoever writes the rollup: a run that is under way ends first.
        op.execute("SELECT pg_advisory_xact_lock(7204117001)")
    for name in _OF_DAYS:
        op.execute(sa.table(name).delete())
    with op.batch_alter_table("provider_day_spreads") as table:
        table.add_column(sa.Column("of_hours", sa.LargeBinary(), nullable=False))
    # On SQLite '' would be a text, which no bytes equal.
    empty = "X''" if op.get_context().dialect.name == "sqlite" else "''"
    with op.batch_alter_table("provider_hour_spreads") as table:
        table.add_column(
            sa.Column("of_minutes", sa.LargeBinary(), server_default=sa.text(empty), nullable=False)
        )


def downgrade() -> None:
    with op.batch_alter_table("provider_hour_spreads") as table:
        table.drop_column("of_minutes")
    with op.batch_alter_table("provider_day_spreads") as table:
        table.drop_column("of_hours")
