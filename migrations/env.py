"""Runs the migrations on the connection that payorch.infrastructure.persistence.schema gives."""

from alembic import context

from payorch.infrastructure.persistence import tables  # noqa: F401 - registers every table
from payorch.infrastructure.persistence.database import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    compare_type=True,
    # SQLite cannot alter most things in place; batch mode copies the table.
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
