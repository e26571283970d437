"""staff arrange their lists: columns, and views of their own

Revision: 0026
Follows: 0025
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "staff_list_columns",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("staff_id", BIG_KEY, nullable=False),
        sa.Column("list_name", sa.String(length=40), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_list_columns_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_list_columns")),
        sa.UniqueConstraint(
            "staff_id", "list_name", name=op.f("uq_staff_list_columns_staff_id_list_name")
        ),
    )
    op.create_table(
        "staff_list_views",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("staff_id", BIG_KEY, nullable=False),
        sa.Column("list_name", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_list_views_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_list_views")),
        sa.UniqueConstraint("public_id", name=op.f("uq_staff_list_views_public_id")),
        sa.UniqueConstraint(
            "staff_id",
            "list_name",
            "name",
            name=op.f("uq_staff_list_views_staff_id_list_name_name"),
        ),
    )


def downgrade() -> None:
    op.drop_table("staff_list_views")
    op.drop_table("staff_list_columns")
