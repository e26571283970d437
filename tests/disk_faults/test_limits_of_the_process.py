"""A running payorch whose files may not grow any more, or that may open no more of them.

The kernel's limits are changed under the workers of a real web server and lifted again. What
they answer meanwhile is theirs to choose; what they did has to be true.
"""

import resource
import time
from collections import Counter
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
import urllib3

from payorch.wiring import Seams
from tests.concurrency.racing import race
from tests.databases import open_database
from tests.disk_faults.child_processes import workers_of
from tests.network_faults.jumping_clock import JumpingClock
from tests.network_faults.settling import assert_books_agree, reconcile_until_quiet
from tests.shop import Shop, a_method, seed
from tests.web_process import a_payment_body, web_process

only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
pytestmark = pytest.mark.skipif(
    not hasattr(resource, "prlimit"), reason="Only Linux can change the limits of another process."
)
PRESSES = 10


@pytest.fixture
def web(database_url, sandbox, tmp_path):
    with open_database(database_url) as database:
        seed(database, [a_method("alpha"), a_method("beta")])
    with web_process(
        tmp_path, database_url=database_url, sandbox_url=sandbox.base_url, workers=1
    ) as running:
        assert running.post("/payments", a_payment_body(), key="before").status == 201
        yield running


@contextmanager
def limited(web, which, value_of):
    """`value_of` a worker's process id is its soft limit inside the block."""
    workers = workers_of(web.process.pid)
    assert workers
    before = {worker: resource.prlimit(worker, which) for worker in workers}
    for worker, (_, hard) in before.items():
        resource.prlimit(worker, which, (value_of(worker), hard))
    try:
        yield
    finally:
        for worker, limits in before.items():
            # gunicorn ends a worker that cannot accept, with all that it was doing: as kill -9.
            with suppress(ProcessLookupError):
                resource.prlimit(worker, which, limits)


def press(web, key):
    """The status, or None without an answer."""
    try:
        return web.post("/payments", a_payment_body(), key=key).status
    except urllib3.exceptions.HTTPError:
        return None


def press_until_known(web, key):
    give_up_at = time.monotonic() + 60
    while (status := press(web, key)) not in {200, 201, 202}:
        assert time.monotonic() < give_up_at, status
    return status


def assert_all_is_well(web, sandbox, database_url) -> None:
    """Everybody can pay again, and after a look at what was left open the books agree."""
    for number in range(PRESSES):
        press_until_known(web, f"limited-{number}")
    with open_database(database_url) as database:
        shop = Shop(
            database,
            sandbox_url=sandbox.base_url,
            methods=[],
            seams=Seams(clock=JumpingClock(), uses_database_clock=False),
        )
        reconcile_until_quiet(shop)
        with database.read() as connection:
            orders = list(connection.exec_driver_sql("SELECT public_id FROM orders").scalars())
        assert len(orders) == PRESSES + 1
        assert_books_agree(sandbox, shop, orders)


@only_sqlite
def test_files_that_may_not_grow_keep_everything_from_being_sent(web, sandbox, database_url):
    charged_before = len(sandbox.ledger()["payments"])

    with limited(web, resource.RLIMIT_FSIZE, lambda _: 0):
        statuses = Counter(race(*[partial(press, web, f"limited-{n}") for n in range(PRESSES)]))

    assert statuses == {503: PRESSES}
    assert len(sandbox.ledger()["payments"]) == charged_before
    assert_all_is_well(web, sandbox, database_url)


@pytest.mark.parametrize("spare", [0, 3])
def test_a_process_that_may_open_nothing_more_tells_no_lie(spare, web, sandbox, database_url):
    def in_use(worker) -> int:
        return 1 + max(int(entry.name) for entry in Path(f"/proc/{worker}/fd").iterdir())

    with limited(web, resource.RLIMIT_NOFILE, lambda worker: in_use(worker) + spare):
        answers = race(*[partial(press_briefly, web, f"limited-{n}") for n in range(PRESSES)])

    told_paid = sum(status == 201 for status in answers)
    approved = [p for p in sandbox.ledger()["payments"] if p["status"] == "approved"]
    assert told_paid <= len(approved) - 1
    assert_all_is_well(web, sandbox, database_url)


def press_briefly(web, key):
    """A worker without descriptors cannot even accept: the customer does not wait for ever."""
    try:
        return web.post("/payments", a_payment_body(), key=key, timeout_s=3).status
    except urllib3.exceptions.HTTPError:
        return None
