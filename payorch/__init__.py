"""payorch: payment orchestration. `create_app` makes the Flask application."""

from typing import TYPE_CHECKING, Any

from payorch.version import __version__

if TYPE_CHECKING:
    from payorch.factory import create_app

__all__ = ["__version__", "create_app"]


def __getattr__(name: str) -> Any:
    """`create_app` on demand: the practice provider and the command line do not need Flask's
    whole application to say their version.
    """
    if name == "create_app":
        from payorch.factory import create_app  # noqa: PLC0415 - see above

        return create_app
    raise AttributeError(name)
