"""Production refuses settings that are fit for practice only: at the start and in the doctor."""

import pytest
from click.testing import CliRunner

from payorch.cli import main
from payorch.config import InvalidSettings, Settings

SAFE = {
    "PAYORCH_ENV": "production",
    "PAYORCH_SECRET_KEY": "k" * 40,
    "PAYORCH_DATABASE_URL": "sqlite:////var/lib/payorch/payorch.sqlite3",
    "PAYORCH_BASE_URL": "https://pay.example.org",
    "PAYORCH_TRUSTED_HOSTS": "pay.example.org",
    "PAYORCH_SANDBOX_URL": "",
    "PAYORCH_ENCRYPTION_KEY": "a" * 43 + "=",
}

UNSAFE = [
    ({"PAYORCH_SECRET_KEY": None}, "PAYORCH_SECRET_KEY must be set"),
    ({"PAYORCH_SECRET_KEY": "short"}, "PAYORCH_SECRET_KEY must be set"),
    ({"PAYORCH_ENCRYPTION_KEY": None}, "PAYORCH_ENCRYPTION_KEY must be set"),
    ({"PAYORCH_ENCRYPTION_KEY": "short"}, "PAYORCH_ENCRYPTION_KEY"),
    ({"PAYORCH_SECRET_KEY_FALLBACKS": "short"}, "PAYORCH_SECRET_KEY_FALLBACKS"),
    ({"PAYORCH_BASE_URL": "http://pay.example.org"}, "must be https://"),
    ({"PAYORCH_SANDBOX_URL": None}, "takes no real money"),
    ({"PAYORCH_TRUSTED_HOSTS": None}, "PAYORCH_TRUSTED_HOSTS must name"),
    ({"PAYORCH_TRUSTED_HOSTS": "*"}, "names hosts"),
    ({"PAYORCH_TRUSTED_HOSTS": "."}, "names hosts"),
    ({"PAYORCH_API_TOKEN": "short"}, "PAYORCH_API_TOKEN"),
    ({"PAYORCH_METRICS_TOKEN": "short"}, "PAYORCH_METRICS_TOKEN"),
    ({"PAYORCH_DATABASE_URL": None}, "PAYORCH_DATABASE_URL must be set"),
    ({"PAYORCH_NODES": "2"}, "SQLite serves one host only"),
    ({"PAYORCH_LOG_LEVEL": "DEBUG"}, "not for production"),
    ({"PAYORCH_STAFF_IDLE_MIN": "60"}, "at most 15"),
    ({"PAYORCH_MAX_API_CALLS_PER_MIN": "-1"}, "PAYORCH_MAX_API_CALLS_PER_MIN"),
]


def environment(changes):
    return {name: value for name, value in (SAFE | changes).items() if value is not None}


def test_safe_settings_are_taken():
    assert Settings.from_env(environment({})).is_production


@pytest.mark.parametrize(("changes", "problem"), UNSAFE)
def test_an_unsafe_production_does_not_start(changes, problem):
    with pytest.raises(InvalidSettings, match=problem.replace("*", r"\*")):
        Settings.from_env(environment(changes))


@pytest.mark.parametrize(("changes", "problem"), UNSAFE)
def test_the_doctor_says_so_too(changes, problem, monkeypatch):
    for name, value in environment(changes).items():
        monkeypatch.setenv(name, value)

    answer = CliRunner().invoke(main, ["doctor"])

    assert answer.exit_code == 1
    assert problem in answer.output


def test_no_secret_stands_in_the_refusal():
    secret = "s3cret-but-short"
    with pytest.raises(InvalidSettings) as refused:
        Settings.from_env(environment({"PAYORCH_API_TOKEN": secret, "PAYORCH_SECRET_KEY": secret}))

    assert secret not in str(refused.value)
