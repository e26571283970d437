import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from payorch.infrastructure.observability import structured_logging


def our_handler() -> logging.Handler:
    handlers = logging.getLogger().handlers
    return next(h for h in handlers if isinstance(h, structured_logging._JsonLinesHandler))


PAN = "4242 4242 4242 4242"


@pytest.fixture
def lines() -> Iterator:
    """Call it for the lines logged so far, as dicts."""
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    stream = io.StringIO()
    structured_logging.configure("INFO", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = before[1]
    root.setLevel(before[0])


def test_our_events_become_one_json_line_each(lines):
    structlog.get_logger("payorch.test").info("paid\nreally", order_id="po_1", attempts=2)

    [line] = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "paid\nreally",
        "level": "info",
        "logger": "payorch.test",
        "order_id": "po_1",
        "attempts": 2,
    }


def test_library_messages_are_redacted_too(lines):
    logging.getLogger("some.library").warning("sent %s for %s", PAN, "ana@example.com")

    [line] = lines()
    assert line["event"] == "sent [card number] for [e-mail]"
    assert line["logger"] == "some.library"


def test_exception_text_and_traceback_are_redacted(lines):
    try:
        int(f"refused: {PAN}, cvc=737")
    except ValueError:
        logging.getLogger("some.library").exception("failed")

    [line] = lines()
    assert "'refused: [card number], cvc=[hidden]'" in line["exception"]
    assert "4242" not in json.dumps(line)


def test_a_line_that_cannot_be_formatted_does_not_spill_its_arguments(lines, capsys):
    record = logging.LogRecord("some.library", logging.WARNING, "", 0, "%d", (PAN,), None)

    our_handler().handle(record)

    assert lines() == [{"event": "log_line_lost", "level": "error", "logger": "some.library"}]
    assert "4242" not in "".join(capsys.readouterr())


def test_odd_values_do_not_lose_the_line(lines):
    structlog.get_logger("payorch.test").info("odd", name="\udce9", size=10**30, kind=object)

    [line] = lines()
    assert line["size"] == 10**30


def test_a_closed_stream_does_not_reach_the_caller(lines):
    handler = our_handler()
    handler.stream.close()

    structlog.get_logger("payorch.test").info("nobody reads this")

    handler.stream = io.StringIO()


def test_lines_below_the_level_and_chatter_of_libraries_are_left_out(lines):
    structlog.get_logger("payorch.test").debug("quiet")
    logging.getLogger("werkzeug").info('"GET /orders/secret?x=1 HTTP/1.1" 200 -')

    assert lines() == []


def test_configuring_again_replaces_the_handler(lines):
    structured_logging.configure("INFO", stream=io.StringIO())

    structlog.get_logger("payorch.test").info("elsewhere")

    assert lines() == []
