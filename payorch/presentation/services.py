"""What a view may reach of the running application: its use cases and its settings."""

from typing import cast

from flask import Flask, current_app

from payorch.application.services import Services
from payorch.config import Settings

_SERVICES = "payorch"
_SETTINGS = "payorch_settings"


def init_app(app: Flask, services: Services, settings: Settings) -> None:
    app.extensions[_SERVICES] = services
    app.extensions[_SETTINGS] = settings


def services() -> Services:
    return cast("Services", current_app.extensions[_SERVICES])


def settings() -> Settings:
    return cast("Settings", current_app.extensions[_SETTINGS])
