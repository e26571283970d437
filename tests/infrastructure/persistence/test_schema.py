"""Migrations up and down on both databases, and no drift between them and the models."""

import pytest
from sqlalchemy import create_engine, inspect

from payorch import paths
from payorch.infrastructure.persistence.database import Base, prepare_engine
from payorch.infrastructure.persistence.schema import Schema


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_engine(request, tmp_path):
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/empty.sqlite3"
    else:
        url = request.getfixturevalue("postgresql").empty_database_url()
    engine = create_engine(url)
    prepare_engine(engine)
    yield engine
    engine.dispose()


def test_up_down_and_up_again_ends_without_drift(empty_engine):
    schema = Schema(empty_engine, paths.MIGRATIONS)
    schema.upgrade()
    assert schema.drift() == []
    assert schema.current_revision() == schema.head_revision()

    schema.downgrade("base")
    assert set(inspect(empty_engine).get_table_names()) <= {"alembic_version"}
    schema.upgrade()

    assert schema.drift() == []
    assert set(Base.metadata.tables) <= set(inspect(empty_engine).get_table_names())


def test_a_model_without_its_migration_is_drift(empty_engine):
    schema = Schema(empty_engine, paths.MIGRATIONS)
    schema.upgrade()
    with empty_engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE journal")

    assert any("journal" in difference for difference in schema.drift())
