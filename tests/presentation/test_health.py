from pathlib import Path

from sqlalchemy import create_engine, text

from payorch import paths
from payorch.infrastructure.persistence.database import Database, prepare_engine
from payorch.infrastructure.readiness import DatabaseReadiness
from payorch.presentation.health import READINESS
from tests.databases import open_database
from tests.presentation.small_site import a_small_site


def readiness_answer(database: Database):
    readiness = DatabaseReadiness(database, paths.MIGRATIONS)
    return a_small_site(**{READINESS: readiness}).test_client().get("/readyz")


def configuration_of(database: Database):
    with database.read() as connection:
        return connection.execute(text("SELECT * FROM configuration")).all()


def test_the_process_is_alive_without_a_database():
    answer = a_small_site().test_client().get("/healthz")

    assert (answer.status_code, answer.json["status"]) == (200, "ok")


def test_a_process_that_nobody_connected_is_not_ready():
    answer = a_small_site().test_client().get("/readyz")

    assert (answer.status_code, answer.json["code"]) == (503, "not_ready")


def test_a_migrated_database_that_takes_writes_is_ready(database):
    before = configuration_of(database)

    answer = readiness_answer(database)

    assert (answer.status_code, answer.json) == (200, {"status": "ready"})
    assert configuration_of(database) == before


def test_a_database_without_the_schema_is_not_ready(tmp_path):
    with open_database(f"sqlite:///{tmp_path}/empty.sqlite3") as database:
        answer = readiness_answer(database)

    assert answer.status_code == 503
    assert answer.mimetype == "application/problem+json"
    assert answer.json["problems"] == ["schema_not_migrated"]
    assert answer.headers["Retry-After"] == "5"


def test_a_database_that_is_not_there_is_not_ready(tmp_path):
    with open_database(f"sqlite:///{tmp_path}/no/such/folder.sqlite3") as database:
        answer = readiness_answer(database)

    assert answer.json["problems"] == ["database_unavailable"]


def test_a_database_that_refuses_writes_is_not_ready(sqlite_files):
    file = Path(sqlite_files.new_database_url().removeprefix("sqlite:///"))
    engine = create_engine(f"sqlite:///file:{file}?mode=ro&immutable=1&uri=true")
    prepare_engine(engine)

    answer = readiness_answer(Database(engine))

    assert answer.json["problems"] == ["database_unavailable"]
    engine.dispose()


def test_a_process_in_safe_mode_is_ready_and_says_so(database):
    with database.tx() as connection:
        connection.execute(
            text(
                "INSERT INTO configuration (id, revision, policy_version, mode)"
                " VALUES (1, 1, 0, 'safe')"
            )
        )

    answer = readiness_answer(database)

    assert (answer.status_code, answer.json) == (200, {"status": "ready", "mode": "safe"})
