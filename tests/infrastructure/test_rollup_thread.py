import threading
from datetime import timedelta

from sqlalchemy.exc import OperationalError

from payorch.infrastructure.rollup_thread import start_rollup_thread


class CountedRollup:
    """Fails at the first run, as a busy database does, and tells when the second one came."""

    def __init__(self):
        self.ages = []
        self.ran_twice = threading.Event()

    def run_if_older_than(self, age):
        self.ages.append(age)
        if len(self.ages) == 1:
            raise OperationalError("SELECT 1", {}, Exception("database is locked"))
        self.ran_twice.set()


def test_a_failed_run_does_not_end_the_thread():
    rollup = CountedRollup()

    thread = start_rollup_thread(rollup, interval_s=0.01)

    assert rollup.ran_twice.wait(10)
    thread.stop()
    assert not thread.is_alive()
    assert rollup.ages[0] == timedelta(seconds=0.005)
