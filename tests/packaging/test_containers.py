"""The container files, as far as they can be checked without a container engine."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from payorch.config import Settings

TOP = Path(__file__).parents[2]
COMPOSE = TOP / "docker-compose.dev.yml"


@pytest.fixture
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def _validator() -> list[str] | None:
    """The command that checks a compose file here, if any."""
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    docker = shutil.which("docker")
    if docker is None:
        return None
    plugin = subprocess.run([docker, "compose", "version"], check=False, capture_output=True)
    return [docker, "compose"] if plugin.returncode == 0 else None


def test_compose_accepts_the_file() -> None:
    validator = _validator()
    if validator is None:
        pytest.skip("neither docker-compose nor the compose plugin is installed")

    done = subprocess.run(
        [*validator, "--file", str(COMPOSE), "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr


def test_the_web_service_is_reached_on_its_usual_port_of_this_machine_only(services) -> None:
    assert services["web"]["ports"] == ["127.0.0.1:4321:4321"]


def test_web_waits_for_tables_and_practice_provider(services) -> None:
    conditions = {name: need["condition"] for name, need in services["web"]["depends_on"].items()}

    assert conditions == {
        "migrate": "service_completed_successfully",
        "sandbox": "service_healthy",
    }
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_background_jobs_run_in_a_service_of_their_own(services) -> None:
    assert services["worker"]["command"] == ["payorch", "worker"]
    assert services["worker"]["depends_on"] == {
        "migrate": {"condition": "service_completed_successfully"}
    }
    assert services["web"]["environment"]["PAYORCH_EMBEDDED_WORKER"] == "0"


def test_every_server_has_a_health_check(services) -> None:
    for name in ("postgres", "sandbox", "web"):
        assert services[name]["healthcheck"]["test"], name


def test_the_settings_of_the_services_are_settings_of_payorch(services) -> None:
    environment = {
        name: re.sub(r"\$\{\w+:-(.*)\}", r"\1", value)
        for name, value in services["web"]["environment"].items()
    }

    settings = Settings.from_env(environment)

    assert settings.database_url.startswith("postgresql://")
    assert settings.sandbox_public_url == "http://localhost:4330"


def test_every_command_of_a_service_exists(services) -> None:
    from click.testing import CliRunner

    from payorch.cli import main

    for name, service in services.items():
        words = " ".join(service.get("command", [])).split()
        for place, word in enumerate(words):
            if word == "payorch":
                group = words[place + 1]
                result = CliRunner().invoke(main, [group, "--help"])
                assert result.exit_code == 0, (name, group)


def test_the_image_installs_by_hash_and_runs_without_privileges() -> None:
    dockerfile = (TOP / "Dockerfile").read_text()

    assert dockerfile.count("FROM python:3.11-slim") == 2
    assert "--require-hashes" in dockerfile
    assert re.search(r"^USER payorch$", dockerfile, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", dockerfile, re.MULTILINE)


def test_the_build_context_holds_what_the_image_copies() -> None:
    allowed = {
        line[1:] for line in (TOP / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    copied = re.findall(
        r"^COPY (?!--from)(.+) \S+$", (TOP / "Dockerfile").read_text(), re.MULTILINE
    )

    assert {name for line in copied for name in line.split()} == allowed
    assert all((TOP / name).exists() for name in allowed)
