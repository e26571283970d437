"""Serving the practice provider with gunicorn: one process, because it has one ledger."""

import os
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from payorch.sandbox_provider.app import create_sandbox
from payorch.sandbox_provider.settings import SHIPPED_PROFILES, SandboxSettings


class _SandboxServer(BaseApplication):
    """Creates the application in the worker, after the fork: SQLite and threads need that."""

    def __init__(self, settings: SandboxSettings, options: dict[str, Any]) -> None:
        self._settings = settings
        self._options = options
        super().__init__()  # type: ignore[no-untyped-call] # gunicorn has no types

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)  # type: ignore[union-attr] # BaseApplication has set it

    def load(self) -> Flask:
        return create_sandbox(self._settings)


def _leave_at_once(_arbiter: object, _worker: object) -> None:
    """Python would wait for the threads of hanging requests; the ledger is durable already."""
    os._exit(0)


def serve_sandbox(  # noqa: PLR0917 - the first six are known by place to the command line
    host: str,
    port: int,
    ledger_path: Path,
    profiles_path: Path = SHIPPED_PROFILES,
    seed: int = 1,
    threads: int = 64,
    *,
    sync: bool = True,
    public_url: str | None = None,
    admin_key: str | None = None,
    webhook_base_url: str | None = None,
) -> None:
    """Serves until the process is told to stop; does not return."""
    extra = {} if admin_key is None else {"admin_key": admin_key}
    settings = SandboxSettings(
        ledger_path=ledger_path,
        profiles_path=profiles_path,
        seed=seed,
        sync=sync,
        public_url=public_url,
        own_url=f"http://{host}:{port}",
        webhook_base_url=webhook_base_url,
        max_held=max(1, threads // 2),
        **extra,
    )
    options = {
        "bind": f"{host}:{port}",
        "workers": 1,
        "worker_class": "gthread",
        "threads": threads,
        # Merchants keep their connections; a short keep-alive would race with their next request.
        "keepalive": 75,
        # Requests that hang on purpose must not delay the end.
        "graceful_timeout": 1,
        "worker_exit": _leave_at_once,
        "loglevel": "warning",
        "control_socket_disable": True,
    }
    _SandboxServer(settings, options).run()  # type: ignore[no-untyped-call] # gunicorn has no types
