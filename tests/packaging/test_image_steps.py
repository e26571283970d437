"""The Dockerfile's build steps in an empty folder, and what they installed, run from elsewhere.

It shows that the lock is complete, that the build needs nothing that is not copied, and that
templates, migrations and static files are found in an installed wheel.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import urllib3

from tests.sandbox_process import free_port
from tests.web_process import WebProcess

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

TOP = Path(__file__).parents[2]


@dataclass(frozen=True)
class Image:
    """What the build stage made: an environment with payorch, and an empty home to run in."""

    payorch: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self.payorch / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.home),
            "PAYORCH_SANDBOX_URL": "",
        }

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    root = tmp_path_factory.mktemp("image")
    built = Image(root / "opt", root / "home")
    built.home.mkdir()
    source = root / "src"
    source.mkdir()
    build_stage = (TOP / "Dockerfile").read_text().split("\nFROM")[1]
    for step in re.findall(r"^(COPY|RUN) (.+)$", build_stage, re.MULTILINE):
        _build(step, root, source, built)
    return built


def _build(step: tuple[str, str], root: Path, source: Path, image: Image) -> None:
    instruction, rest = step
    if instruction == "COPY":
        *names, target = rest.split()
        for name in names:
            _copy(TOP / name, root / target.strip("/"))
        return
    command = rest.replace("/opt/payorch", str(image.payorch)).replace("/src", str(source))
    interpreter = Path(sys.executable).parent
    done = subprocess.run(
        ["sh", "-ec", command],
        cwd=root,
        env={**os.environ, "PATH": f"{image.payorch / 'bin'}:{interpreter}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"


def _copy(original: Path, target: Path) -> None:
    if original.is_dir():
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(original, target, ignore=ignore, dirs_exist_ok=True)
    else:
        target.mkdir(exist_ok=True)
        shutil.copy(original, target)


@pytest.fixture
def web(image: Image, tmp_path: Path) -> Iterator[WebProcess]:
    assert image.run("payorch", "db", "upgrade").returncode == 0
    port = free_port()
    log = tmp_path / "web.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["payorch", "serve", "--port", str(port)],
            cwd=image.home,
            env=image.environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    running = WebProcess(f"http://127.0.0.1:{port}", process, log)
    try:
        running.wait_until_healthy()
        yield running
    finally:
        running.stop()
        running.kill()


def test_nothing_of_the_checkout_is_used(image: Image) -> None:
    where = image.run("python", "-c", "import payorch; print(payorch.__file__)").stdout

    assert where.startswith(str(image.payorch))


def test_no_tool_of_development_is_installed(image: Image) -> None:
    installed = image.run("pip", "list", "--format=freeze").stdout.lower()

    assert "payorch==" in installed
    assert not re.search(r"^(pytest|mypy|playwright|pixeltable)", installed, re.MULTILINE)


def test_the_database_is_migrated_and_examined(image: Image) -> None:
    assert image.run("payorch", "db", "upgrade").returncode == 0
    assert image.run("payorch", "db", "check").returncode == 0

    doctor = image.run("payorch", "doctor")

    assert doctor.returncode == 0, doctor.stdout
    assert "FAIL" not in doctor.stdout


def test_pages_styles_and_texts_are_served(web: WebProcess) -> None:
    def get(path: str) -> urllib3.BaseHTTPResponse:
        return urllib3.request("GET", web.base_url + path, redirect=False)

    assert get("/readyz").status == 200
    assert b"<form" in get("/checkout").data
    assert "¿Cómo quieres pagar?".encode() in get("/checkout?lang=es").data
    assert get("/static/css/theme.css").status == 200
    assert get("/admin/login").status == 200
    assert get("/api/v1/openapi.json").status == 200
