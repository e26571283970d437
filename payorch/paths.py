"""Where templates and migrations lie: in a checkout at the top, in a wheel inside the package."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _bundled_or_checkout(name: str) -> Path:
    bundled = _PACKAGE / "_bundled" / name
    return bundled if bundled.is_dir() else _PACKAGE.parent / name


TEMPLATES = _bundled_or_checkout("templates")
MIGRATIONS = _bundled_or_checkout("migrations")
STATIC = _PACKAGE / "presentation" / "static"
TRANSLATIONS = _PACKAGE / "presentation" / "translations"
