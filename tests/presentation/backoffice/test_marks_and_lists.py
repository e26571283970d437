"""A mark on a chart leads to the transactions that it counts: as many as it says."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from payorch.application.attempt_counts import COUNTERS, AttemptFact, count_attempts
from payorch.domain.decline_terms import DeclineClass
from payorch.domain.payment_status import TransactionStatus as Status
from payorch.domain.segment import SegmentDimension
from payorch.factory import wired
from payorch.infrastructure.persistence.tables import TransactionRow
from payorch.presentation.backoffice.payments.counted_as import CONDITIONS
from payorch.presentation.backoffice.segment_texts import LIST_FILTERS
from tests.metrics_history import FrozenClock, MetricsHistory

DASHBOARD = "/admin/dashboard/figures.json"
TRANSACTIONS = "/admin/transactions/"


@pytest.fixture(scope="module")
def office_and_history(sqlite_files):
    """Every status, reason and kind of attempt, of two currencies, at two providers."""
    from tests.presentation.backoffice.office import Office

    office = Office(sqlite_files.new_database_url())
    history = MetricsHistory(office.database, FrozenClock(office.services.clock.now()))
    now = history.clock.now()
    with history.together():
        mix = [*Status, *[Status.APPROVED] * 12, *[Status.DECLINED] * 10]
        for number, status in enumerate(mix * 7):
            reason = ["insufficient_funds", "do_not_honor", None][number % 3]
            is_customers = status is Status.DECLINED and number % 2
            history.attempt(
                at=now - timedelta(minutes=number % 2),
                provider=["alpha", "beta"][number % 2],
                status=status,
                number=1 + number % 4 // 3,
                currency="USD" if number % 5 == 0 else "EUR",
                decline_class=DeclineClass.CUSTOMER_DATA if is_customers else None,
                decline_reason=reason if status is Status.DECLINED else None,
                latency_ms=None if status is Status.STARTED else 200,
                country=["DE", "FR", "JP"][number % 3],
                card_brand=["visa", "amex", None][number % 3],
                amount_minor=[999, 1_000, 60_000][number % 3],
            )
        for number in range(30):
            at = now - timedelta(minutes=number % 3)
            codes = ["alpha", "beta", "gamma"]
            order_id = None
            for place in range(1 + number % 3):
                is_last = place == number % 3
                status = Status.DECLINED if not is_last or number % 2 else Status.APPROVED
                order_id, _ = history.attempt(
                    at=at,
                    provider=codes[place],
                    number=place + 1,
                    status=status,
                    order_id=order_id,
                    candidates=codes,
                )
    wired(office.app).rollup.run_once()
    yield office, history
    office.close()


def marks_of(chart, currency):
    """(what it counts, the address it leads to) of every mark, as the page's script makes it."""
    for trace in chart["figure"]["data"]:
        meta = trace["meta"]
        if trace["type"] == "sankey":
            for counted, filters, since, until in trace["link"]["customdata"]:
                query = {**filters, "currency": currency, "since": since, "until": until}
                yield counted, f"{TRANSACTIONS}?{urlencode({k: v for k, v in query.items() if v})}"
            continue
        for place, custom in enumerate(trace.get("customdata", ())):
            since, until = custom[-2:]
            named = custom[-3] if len(custom) > 2 else None
            its = named if isinstance(named, dict) else {"provider": meta.get("provider") or named}
            query = {**its, **meta["filter"]}
            if "point_filter" in meta:
                query[meta["point_filter"]] = custom[0]
            if currency:
                query["currency"] = currency
            query |= {"since": since, "until": until}
            counted = custom[0]
            if "point_filter" in meta or len(custom) == 2:
                counted = trace["x" if trace.get("orientation") == "h" else "y"][place]
            yield counted, f"{TRANSACTIONS}?{urlencode(query)}"


@pytest.mark.parametrize("currency", ["", "EUR"])
@pytest.mark.parametrize(
    "name",
    [
        "approval",
        "fallback",
        "latency",
        "outcomes",
        "flow",
        "declines",
        "heat",
        "volume",
        "by-country",
        "by-card-brand",
        "by-amount",
    ],
)
def test_every_mark_leads_to_as_many_transactions_as_it_counts(office_and_history, name, currency):
    office, _ = office_and_history
    olga = office.logged_in("olga")
    charts = olga.get(f"{DASHBOARD}?window=1h&currency={currency}").json["charts"]

    marks = {address: counted for counted, address in marks_of(charts[name], currency)}

    assert any(marks.values())
    for address, counted in marks.items():
        found = re.search(r"([0-9,]+) found", olga.get(address).text)
        assert (int(found[1]) if found else 0) == counted, address


@pytest.mark.parametrize("segment", ["country:FR", "card_brand:unknown", "amount:under_10"])
@pytest.mark.parametrize("name", ["approval", "outcomes", "volume"])
def test_the_marks_of_one_segment_lead_to_its_transactions(office_and_history, name, segment):
    office, _ = office_and_history
    olga = office.logged_in("olga")
    charts = olga.get(f"{DASHBOARD}?window=6h&segment={segment}").json["charts"]
    dimension, value = segment.split(":")
    its = urlencode({LIST_FILTERS[SegmentDimension(dimension)]: value})

    marks = {address: counted for counted, address in marks_of(charts[name], "")}

    assert any(marks.values())
    for address, counted in marks.items():
        found = re.search(r"([0-9,]+) found", olga.get(f"{address}&{its}").text)
        assert (int(found[1]) if found else 0) == counted, address


def test_the_filter_divides_transactions_as_the_rollup_does(office_and_history):
    office, _ = office_and_history
    with office.database.read() as connection:
        rows = connection.execute(select(TransactionRow.__table__)).mappings().all()
        selected = {
            name: set(connection.scalars(select(TransactionRow.id).where(condition)))
            for name, (_, condition) in CONDITIONS.items()
        }

    for row in rows:
        fact = AttemptFact(
            row["started_at"],
            row["provider_code"],
            row["attempt_number"],
            row["currency"],
            row["status"],
            row["decline_class"],
            row["decline_reason"],
            row["amount_minor"],
            row["latency_ms"],
        )
        [cell] = count_attempts([fact]).values()
        counters = [name for name in COUNTERS if name in CONDITIONS and getattr(cell.counts, name)]
        assert [name for name in COUNTERS if row["id"] in selected.get(name, ())] == counters
        assert (row["id"] in selected["finished"]) == bool(cell.counts.finished)
        assert (row["id"] in selected["answered"]) == bool(cell.latency.n)
