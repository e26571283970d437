"""A shop on a fake clock, its practice provider, and events posted into it."""

import pytest

from payorch.application.provider_events import Rejected
from tests.fakes import CrashAt, FakeClock, fake_time
from tests.shop import Shop, a_method
from tests.webhooks.events import Event, a_payment_object, event_rows, run_event_jobs


class EventedShop(Shop):
    """A shop that receives events and follows them up when told."""

    def __init__(self, database, clock, **options):
        self.clock = clock
        checkpoint = options.pop("checkpoint", CrashAt(None))
        super().__init__(database, seams=fake_time(clock, checkpoint=checkpoint), **options)

    def event(self, our_reference="pa_nobody", *, of=None, **fields):
        """An approval of `our_reference`, or an event about the provider's object `of`."""
        at = int(self.clock.now().timestamp())
        data = of if of is not None else a_payment_object(our_reference)
        event_fields = {name: fields.pop(name) for name in list(fields) if name in _EVENT_FIELDS}
        return Event(**{"data": {**data, **fields}, "at": at} | event_fields)

    def receive(self, event, provider="alpha"):
        return self.services.receive_event.execute(provider, event.headers, event.body)

    def tell(self, event, provider="alpha"):
        """Receive an event and follow it up at once."""
        assert not isinstance(self.receive(event, provider), Rejected)
        return self.work()

    def work(self):
        return run_event_jobs(self.database, self.wired.events.process, now=self.clock.now())

    def states(self):
        return [row.state.value for row in event_rows(self.database)]


_EVENT_FIELDS = frozenset({"at", "type", "account", "secret"})


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def shop_with(database, sandbox, clock):
    def make(*methods, **options):
        return EventedShop(
            database, clock, **{"sandbox_url": sandbox.base_url, "methods": list(methods)} | options
        )

    return make


@pytest.fixture
def shop(shop_with):
    return shop_with(a_method("alpha"), a_method("beta"))
