"""The demo as a person starts it: processes, customers, the end. Slow, so run by .ci/run."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import urllib3

from tests.sandbox_process import free_port
from tests.web_process import PAYORCH, REPOSITORY, environment

pytestmark = pytest.mark.long


class RunningDemo:
    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.sandbox_port = free_port()
        self.output = folder.with_suffix(".txt")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, *PAYORCH, "demo", "--data", str(folder)),
                    *("--port", str(self.port), "--sandbox-port", str(self.sandbox_port)),
                    *options,
                ],
                stdout=output,
                stderr=output,
                cwd=REPOSITORY,
                env=environment(),
                start_new_session=True,
            )
        self.children: list[psutil.Process] = []

    @property
    def text(self) -> str:
        return self.output.read_text()

    def wait_until_running(self) -> None:
        self.wait_for(lambda: "Ctrl-C ends everything" in self.text, within_s=90)
        self.children = psutil.Process(self.process.pid).children(recursive=True)

    def wait_for(self, condition: Callable[[], object], *, within_s: float) -> None:
        until = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < until, self.text
            assert self.process.poll() is None, self.text
            # Waiting for the process is a pause that ends at once when it dies.
            try:
                self.process.wait(0.2)
            except subprocess.TimeoutExpired:
                continue

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        connection = sqlite3.connect(self.folder / "payorch.sqlite3")
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()

    def end(self, with_signal: int) -> int:
        self.process.send_signal(with_signal)
        return self.process.wait(40)

    def survivors(self) -> list[psutil.Process]:
        """Processes of the demo that are still there a while after its end."""
        _, alive = psutil.wait_procs(self.children, timeout=20)
        return [child for child in alive if child.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[RunningDemo]:
    running = RunningDemo(tmp_path / "demo", "--no-history", "--rate", "4")
    try:
        running.wait_until_running()
        yield running
    finally:
        running.process.kill()
        running.process.wait()
        for child in running.children:
            if child.is_running():
                child.kill()


def test_customers_pay_and_the_pages_answer(demo: RunningDemo) -> None:
    paid = "SELECT count(*) FROM orders WHERE status = 'paid'"
    demo.wait_for(lambda: demo.rows(paid)[0][0] >= 5, within_s=30)

    page = urllib3.request("GET", f"http://127.0.0.1:{demo.port}/checkout?amount=5&currency=EUR")

    assert page.status == 200
    assert b'id="pay-form"' in page.data
    followed_up = "SELECT count(*) FROM webhook_events WHERE state IN ('applied', 'no_change')"
    demo.wait_for(lambda: demo.rows(followed_up)[0][0] >= 5, within_s=60)


def test_ctrl_c_ends_everything(demo: RunningDemo) -> None:
    # The practice provider and the web server, each with a worker of its own.
    assert len(demo.children) >= 4

    assert demo.end(signal.SIGINT) == 0

    assert demo.survivors() == []
    assert "Traceback" not in demo.text


def test_sigterm_ends_everything(demo: RunningDemo) -> None:
    assert demo.end(signal.SIGTERM) == 0

    assert demo.survivors() == []


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's parent-death signal")
def test_nothing_survives_a_kill(demo: RunningDemo) -> None:
    demo.end(signal.SIGKILL)

    assert demo.survivors() == []


def test_a_web_server_that_dies_ends_the_demo_and_says_so(demo: RunningDemo) -> None:
    (web,) = [
        child for child in psutil.Process(demo.process.pid).children() if "serve" in child.cmdline()
    ]
    web.kill()

    assert demo.process.wait(40) == 1
    assert "The web server has ended by itself" in demo.text
    assert demo.survivors() == []


def test_logins_stay_the_same_and_are_private(demo: RunningDemo, tmp_path: Path) -> None:
    login = re.compile(r"admin@example\.com +(\S+)")
    secrets = demo.folder / "secrets.json"
    before = login.findall(demo.text)
    assert secrets.stat().st_mode & 0o077 == 0
    assert before == [json.loads(secrets.read_text())["password of admin@example.com"]]
    demo.end(signal.SIGINT)

    again = RunningDemo(demo.folder, "--no-history", "--rate", "0")
    try:
        again.wait_until_running()
        assert login.findall(again.text) == before
    finally:
        again.end(signal.SIGINT)


def test_a_second_demo_on_the_same_folder_is_refused(demo: RunningDemo) -> None:
    second = RunningDemo(demo.folder, "--no-history")

    assert second.process.wait(30) == 1
    assert "Another demo is running" in second.text


def test_a_port_in_use_is_told_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, *PAYORCH, "demo", "--data", str(tmp_path / "d"), "--port", port],
            capture_output=True,
            text=True,
            env=environment(),
            cwd=REPOSITORY,
            timeout=60,
            check=False,
        )

    assert done.returncode == 2
    assert f"Port {port} is in use" in done.stderr
    assert "--port" in done.stderr
    assert not os.path.exists(tmp_path / "d")  # noqa: PTH110 - a plain question
