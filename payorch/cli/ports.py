"""Whether a port is free, asked before anything is started."""

import errno
import socket

from payorch.cli.cannot_start import CannotStart


def require_free_port(host: str, port: int, *, option: str) -> None:
    """Ends the command when something listens on `port`, naming the option for another one."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # As the servers do it: a port of a server that has just ended counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CannotStart(
                    f"Port {port} is in use by another program. Stop it, or use {option}."
                ) from None
            raise CannotStart(f"Cannot listen on {host} port {port}: {error.strerror}.") from None


def free_port() -> int:
    """A port that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
