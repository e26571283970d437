"""A WSGI application served for a browser, on a free port of this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from playwright.sync_api import Page
from werkzeug.serving import WSGIRequestHandler, make_server


class QuietHandler(WSGIRequestHandler):
    def log(self, *args, **kwargs):
        """Requests of tests are nobody's news."""


def answering_whole(app):
    """Werkzeug leaves the file of an answer open when the browser goes away while it is sent."""

    def answer(environ, start_response):
        body = app(environ, start_response)
        try:
            return [b"".join(body)]
        finally:
            if hasattr(body, "close"):
                body.close()

    return answer


@contextmanager
def serving(app, port: int = 0, visitor: Page | None = None) -> Iterator[str]:
    """Gives the address, such as http://127.0.0.1:40123, while `app` is served.

    The `visitor` leaves before the server goes: what it is still loading then would be reset,
    and count as a problem of its page.
    """
    server = make_server(
        "127.0.0.1", port, answering_whole(app), threaded=True, request_handler=QuietHandler
    )
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
        if visitor is not None:
            visitor.goto("about:blank")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
