import subprocess
import sys

from payorch.cli import web_server

SETTLED = """
import gc
from payorch.infrastructure.settled_heap import settle_heap
kept = [[number] for number in range(1_000)]
settle_heap()
assert gc.get_freeze_count() > 1_000, gc.get_freeze_count()
assert not any(one is kept for one in gc.get_objects())
assert gc.get_threshold()[0] > 700
later = [kept]
assert any(one is later for one in gc.get_objects())
"""


def test_what_exists_is_left_out_of_later_collections():
    # In a process of its own: this one is not to be changed.
    subprocess.run([sys.executable, "-c", SETTLED], check=True)


def test_the_heap_is_settled_when_the_application_stands_and_before_the_fork(monkeypatch):
    done = []
    monkeypatch.setattr(web_server, "create_app", lambda _settings: done.append("built"))
    monkeypatch.setattr(web_server, "settle_heap", lambda: done.append("settled"))

    web_server.WebServer(None, {}).load()

    assert done == ["built", "settled"]
