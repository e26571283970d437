"""gunicorn around the application: one process that listens, workers with threads that serve.

Threads are many because they mostly wait for providers; a waiting thread holds no database
connection.
"""

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from payorch.config import Settings
from payorch.factory import create_app, wired
from payorch.infrastructure.jobs.embedded import EmbeddedWorker, start_embedded_worker
from payorch.infrastructure.jobs.places import places_of
from payorch.infrastructure.rollup_thread import start_rollup_thread
from payorch.infrastructure.settled_heap import settle_heap

GRACE_AFTER_DEADLINE_S = 10
"""Time to record an outcome and answer after a submission's deadline, when told to stop."""


class WebServer(BaseApplication):
    """The application is built before workers are forked, so that a broken one never listens."""

    def __init__(self, settings: Settings, options: Mapping[str, object]) -> None:
        self._settings = settings
        self._options = options
        super().__init__()  # type: ignore[no-untyped-call]  # gunicorn is untyped

    def load_config(self) -> None:
        configuration: Any = self.cfg
        for name, value in self._options.items():
            configuration.set(name, value)

    def load(self) -> Flask:
        application = create_app(self._settings)
        settle_heap()
        return application


def serve_web(settings: Settings, *, host: str, port: int, workers: int, threads: int) -> None:
    """Serve until told to stop. Requests under way may finish: a payment is never cut off."""
    grace_s = math.ceil(settings.submission_deadline_s) + GRACE_AFTER_DEADLINE_S

    embedded: list[EmbeddedWorker] = []

    def after_fork(server: Any, worker: Any) -> None:  # noqa: ARG001 - gunicorn's signature
        embedded.extend(prepare_worker(worker.app.wsgi(), settings))

    def at_exit(server: Any, worker: Any) -> None:  # noqa: ARG001 - gunicorn's signature
        for thread in embedded:
            thread.stop()

    server = WebServer(
        settings,
        {
            "bind": f"{host}:{port}",
            "worker_class": "gthread",
            "workers": workers,
            "threads": threads,
            "preload_app": True,
            "graceful_timeout": grace_s,
            "timeout": max(60, grace_s),
            "keepalive": 5,
            "post_fork": after_fork,
            "worker_exit": at_exit,
            # The heartbeat file belongs in memory: on a busy disk a sync would look like a hang.
            "worker_tmp_dir": "/dev/shm" if _is_writable("/dev/shm") else None,  # noqa: S108 - a heartbeat without content
            # Nobody steers this server through a socket, and root's home may be read-only.
            "control_socket_disable": True,
            "proc_name": "payorch",
        },
    )
    server.run()  # type: ignore[no-untyped-call]  # gunicorn is untyped


def prepare_worker(app: Flask, settings: Settings) -> list[EmbeddedWorker]:
    """Connections are not shared over a fork, and threads do not survive one.

    Returns the worker of background jobs, if this process is to have one.
    """
    application = wired(app)
    application.database.engine.dispose(close=False)
    start_rollup_thread(application.rollup, interval_s=settings.rollup_interval_s)
    if not settings.embedded_worker:
        return []
    background = application.background
    places = places_of(background.queues, settings.places_by_queue)
    return [start_embedded_worker(background, places=places)]


def _is_writable(folder: str) -> bool:
    return Path(folder).is_dir() and os.access(folder, os.W_OK)
