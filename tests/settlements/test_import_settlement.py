"""Reports are imported once, whole, and compared with the books."""

import tracemalloc

import pytest
from sqlalchemy import delete

from payorch.application.open_attempts import Evidence
from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.application.surplus_charges import GiveBack, SurplusCharge
from payorch.domain.errors import (
    DifferenceChanged,
    InvalidSettlementMapping,
    PaymentMethodNotFound,
    ReasonRequired,
    SettlementFileRefused,
    SettlementImportChanged,
)
from payorch.domain.money import Money
from payorch.domain.provider_fees import ProviderFee
from payorch.domain.refund import RefundKind
from payorch.domain.settlement import FLAG_SURPLUS_CHARGE
from payorch.domain.settlement_amount import AmountStyle, amount_text
from payorch.domain.settlement_line import LineKind
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.settlement_book import SqlAlchemySettlementBook
from payorch.infrastructure.persistence.surplus_charges import SqlAlchemySurplusCharges
from payorch.infrastructure.persistence.tables import (
    JobRow,
    SettlementImportRow,
    SettlementLineRow,
    SettlementPieceRow,
)
from payorch.infrastructure.system_clock import RandomIds
from tests.databases import open_database
from tests.fakes import CrashAt, SimulatedCrash
from tests.refunds.refund_shop import a_refund
from tests.settlements.report import (
    FINN,
    HEADER,
    TODAY,
    SettledShop,
    a_line,
    a_mapping,
    a_report,
    at_noon,
)
from tests.shop import a_card, a_method, an_order

DECLINED = "4000000000000515"
LATER = "2026-12-01"


@pytest.fixture
def shop(database, sandbox):
    return SettledShop(database, sandbox_url=sandbox.base_url)


def settled(transaction, **fields):
    """The line of a payment as alpha would settle it."""
    return a_line(
        transaction.provider_reference,
        **({"reference": transaction.public_id, "gross": _text(transaction)} | fields),
    )


def _text(transaction):
    return amount_text(transaction.amount_minor, transaction.currency, AmountStyle.POINT)


def test_a_payment_that_is_settled_as_booked_is_a_match(shop):
    paid = shop.paid()

    report = shop.imported(a_report(settled(paid, fee="0.88")))

    assert (report.state, report.lines_new, report.lines_matched) == ("done", 1, 1)
    assert shop.kinds() == []
    (line,) = shop.lines()
    assert (line.amount_minor, line.fee_minor, line.currency) == (1999, 88, "EUR")
    assert line.transaction_id is not None
    assert shop.alerts() == []


def test_our_reference_finds_what_the_providers_does_not(shop):
    paid = shop.paid()

    shop.imported(a_report(settled(paid, id="")))

    assert shop.kinds() == []
    assert shop.lines()[0].transaction_id is not None


def test_money_that_nobody_here_knows_is_listed_and_told_once_per_report(shop):
    report = shop.imported(a_report(a_line("strange_1"), a_line("strange_2")))

    assert shop.kinds() == ["missing_here", "missing_here"]
    (alert,) = shop.alerts()
    assert alert["alert"] == "settled_there_unknown_here"
    assert (alert["settlement_import"], alert["lines"]) == (str(report.id), "2")


def test_paid_there_though_failed_here_is_told_and_changes_nothing(shop):
    failed = shop.paid(instrument=a_card(DECLINED))

    shop.imported(a_report(settled(failed)))

    (difference,) = shop.differences()
    assert (difference.kind, difference.here_status) == ("paid_there", "declined")
    (alert,) = shop.alerts()
    assert alert["alert"] == "settled_there_not_here"
    assert (alert["order"], alert["transaction"]) == (failed.order_id, failed.public_id)
    assert shop.view(failed.order_id).order.status.value == "failed"


@pytest.mark.parametrize(
    ("fields", "kind", "there", "here"),
    [
        ({"gross": "20.00"}, "other_amount", 2000, 1999),
        ({"currency": "USD"}, "other_currency", 1999, 1999),
        ({"id": "alpha_pay_twin"}, "missing_here", 1999, None),
    ],
)
def test_a_difference_shows_both_sides(shop, fields, kind, there, here):
    paid = shop.paid()

    shop.imported(a_report(settled(paid, **fields)))

    (difference,) = shop.differences()
    assert (difference.kind, difference.there_minor, difference.here_minor) == (kind, there, here)
    assert difference.order_id is not None


def test_fees_are_compared_with_those_that_were_in_force(shop):
    fee = ProviderFee("alpha", "EUR", at_noon(1), 29_000, 30, 0)
    shop.services.fees.add(fee, actor=FINN, reason="Contract", at=at_noon(1))
    right, wrong = shop.paid(), shop.paid()

    shop.imported(a_report(settled(right, fee="0.88"), settled(wrong, fee="0.89")))

    (difference,) = shop.differences()
    assert (difference.kind, difference.there_minor, difference.here_minor) == ("other_fee", 89, 88)


def test_a_payment_settled_by_two_lines_is_listed(shop):
    paid = shop.paid()

    shop.imported(a_report(settled(paid), settled(paid, settled_on="2026-11-23"), settled(paid)))

    assert shop.kinds() == ["settled_twice", "settled_twice"]


def test_refunds_match_by_their_own_reference_or_by_their_payment(shop):
    paid = shop.paid()
    for amount in (500, 300, 300):
        shop.services.refund_payment.execute(a_refund(paid.order_id, amount))
    first = shop.services.orders.by_id(paid.order_id)
    assert first is not None
    rows = [
        a_line(paid.provider_reference, type="refund", gross="-5.00"),
        a_line(paid.provider_reference, type="refund", gross="-3.00"),
        a_line(paid.provider_reference, type="refund", gross="-3.00"),
        a_line(paid.provider_reference, type="refund", gross="-9.00"),
    ]

    shop.imported(a_report(settled(paid), *rows))

    assert shop.kinds() == ["missing_here"]
    assert len({line.refund_id for line in shop.lines() if line.refund_id}) == 3


def test_a_surplus_charge_that_goes_back_by_itself_is_known(shop):
    paid = shop.paid()
    charge = SurplusCharge(paid.public_id, "alpha_pay_surplus", Money(1999, "EUR"))
    evidence = Evidence("webhook", "Approved", was_applied=False, at=shop.clock.now())
    transactions = LedgerTransactions(shop.database, shop.clock, uses_database_clock=False)
    SqlAlchemySurplusCharges(transactions).give_back(
        GiveBack(charge, RandomIds().refund_id(), RefundKind.REFUND, evidence, FLAG_SURPLUS_CHARGE)
    )

    shop.imported(a_report(settled(paid), settled(paid, id="alpha_pay_surplus")))

    assert shop.kinds() == []
    assert [line.refund_id is not None for line in shop.lines()] == [False, True]


def test_a_void_that_a_report_shows_as_a_refund_is_known(shop):
    paid = shop.paid()
    voided = shop.services.refund_payment.execute(a_refund(paid.order_id, prefers_void=True))
    assert voided.refund.kind is RefundKind.VOID

    shop.imported(
        a_report(settled(paid), a_line(paid.provider_reference, type="refund", gross="-19.99"))
    )

    assert shop.kinds() == []


def test_payouts_and_chargebacks_are_booked_without_a_difference(shop):
    paid = shop.paid()

    report = shop.imported(
        a_report(
            settled(paid),
            settled(paid, type="chargeback", gross="-19.99"),
            a_line("po_1", type="payout", gross="-19.11"),
        )
    )

    assert (report.lines_new, report.lines_matched) == (3, 2)
    assert shop.kinds() == []


def test_bad_lines_are_listed_and_the_rest_is_imported(shop):
    content = a_report(settled(shop.paid())) + b"Total,5\nadjust,x,,1.00,,EUR,2026-11-22\n"

    report = shop.imported(content)

    assert (report.rows_read, report.lines_new, report.lines_bad) == (3, 1, 2)
    assert shop.bad_lines() == [
        (3, "It has 2 columns, and the header 7."),
        (4, "The kind “adjust” is not in the mapping."),
    ]


# -- twice, overlapping, killed ------------------------------------------------------------


def test_the_same_file_is_recognized(shop):
    content = a_report(a_line("strange_1"))
    first = shop.imported(content)

    again = shop.upload(content, name="copy.csv")

    assert (again.import_id, again.is_known) == (first.id, True)
    assert shop.count(SettlementPieceRow) == 0


def test_a_file_of_which_lines_were_left_out_may_be_read_again_with_other_columns(shop):
    content = a_report(a_line("one"), a_line("two", type="sale"))
    first = shop.imported(content)
    kinds = {**a_mapping().kinds, "sale": LineKind.PAYMENT}

    again = shop.imported(content, mapping=a_mapping(kinds=kinds))

    assert (first.lines_new, first.lines_bad) == (1, 1)
    assert (again.lines_new, again.lines_known, again.lines_bad) == (1, 1, 0)
    assert shop.upload(content).import_id == again.id


def test_the_same_file_of_another_provider_is_another_file(shop):
    content = a_report(a_line("strange_1"))
    shop.upload(content)

    assert shop.upload(content, provider="beta").is_known is False


def test_a_file_that_was_discarded_may_come_again(shop):
    content = a_report(a_line("strange_1"))
    first = shop.upload(content)
    shop.receive.discard(first.import_id, actor=FINN)

    again = shop.upload(content)

    assert again.is_known is False
    assert again.import_id != first.import_id
    assert len(shop.journal("settlement_import_discarded")) == 1


def test_lines_of_an_overlapping_file_are_known_already(shop):
    one, two, three = a_line("one"), a_line("two"), a_line("three")
    shop.imported(a_report(one, two, two))

    report = shop.imported(a_report(two, two, two, three))

    assert (report.lines_new, report.lines_known) == (2, 2)
    assert sorted(line.reference for line in shop.lines()) == ["one", "three", "two", "two", "two"]


def test_the_providers_own_line_id_is_the_identity_of_a_line(shop):
    header = (*HEADER, "line")
    mapping = a_mapping(line_id_column="line")
    one = a_line("one") | {"line": "l1"}
    shop.imported(a_report(one, a_line("one") | {"line": "l2"}, header=header), mapping=mapping)

    report = shop.imported(
        a_report(one | {"fee": "0.01"}, one | {"line": "l3"}, one | {"line": "l3"}, header=header),
        mapping=mapping,
    )

    assert (report.lines_new, report.lines_known) == (1, 2)


@pytest.mark.parametrize("dies_at", range(1, 8))
def test_an_import_that_is_killed_anywhere_goes_on_where_it_was(
    shop, sandbox, monkeypatch, dies_at
):
    monkeypatch.setattr("payorch.application.import_settlement.BATCH_ROWS", 2)
    rows = [a_line(f"strange_{n % 4}") for n in range(5)]
    import_id = shop.started(a_report(*rows))
    dying = SettledShop(
        shop.database,
        sandbox_url=sandbox.base_url,
        clock=shop.clock,
        methods=[],
        checkpoint=CrashAt(dies_at),
    )
    with pytest.raises(SimulatedCrash):
        dying.run(import_id)

    shop.run(import_id)

    report = shop.report(import_id)
    assert (report.state, report.rows_read) == ("done", 5)
    assert (report.lines_new, report.lines_known, report.differences) == (5, 0, 5)
    assert len(shop.lines()) == len(shop.differences()) == 5
    assert len(shop.alerts()) == 1


def test_two_processes_at_one_import_book_each_line_once(shop, monkeypatch):
    monkeypatch.setattr("payorch.application.import_settlement.BATCH_ROWS", 2)
    import_id = shop.started(a_report(*[a_line(f"strange_{n}") for n in range(5)]))
    record, raced = SqlAlchemySettlementBook.record, []

    def after_the_other_one(book, batch, *, at):
        if not raced:
            raced.append(batch)
            shop.run(import_id)
        return record(book, batch, at=at)

    monkeypatch.setattr(SqlAlchemySettlementBook, "record", after_the_other_one)
    shop.run(import_id)

    assert shop.report(import_id).state == "done"
    assert len(shop.lines()) == 5


def test_a_long_import_goes_on_in_another_job(shop, monkeypatch):
    monkeypatch.setattr("payorch.application.import_settlement.BATCH_ROWS", 2)
    monkeypatch.setattr("payorch.application.import_settlement.PART_S", 0.0)
    import_id = shop.started(a_report(*[a_line(f"strange_{n}") for n in range(5)]))

    shop.run(import_id)
    assert shop.report(import_id).rows_read == 2
    shop.work()

    assert (shop.report(import_id).state, shop.report(import_id).rows_read) == ("done", 5)


def test_one_report_of_a_provider_is_read_at_a_time(shop):
    shop.started(a_report(a_line("one")))

    with pytest.raises(SettlementImportChanged, match="Another report"):
        shop.started(a_report(a_line("two")))
    shop.started(a_report(a_line("two")), provider="beta")


def test_an_import_that_stands_still_is_run_again(shop):
    import_id = shop.started(a_report(a_line("one")))
    with shop.database.tx() as connection:
        connection.execute(delete(JobRow).where(JobRow.kind == "import_settlement"))

    shop.receive.run_again(import_id, actor=FINN)
    shop.work()

    assert shop.report(import_id).state == "done"
    with pytest.raises(SettlementImportChanged):
        shop.receive.run_again(import_id, actor=FINN)


# -- what is missing there -----------------------------------------------------------------


def test_what_is_not_settled_in_time_is_missing_there(shop):
    in_time, too_new = shop.paid(), None
    unsettled = shop.paid(new_order=an_order(2100))
    shop.clock.advance(days=8)
    too_new = shop.paid(new_order=an_order(2200))
    assert too_new.status.value == "approved"

    report = shop.imported(a_report(settled(in_time), a_line("x", settled_on="2026-12-01")))

    missing = [row for row in shop.differences() if row.kind == "missing_there"]
    assert [(row.here_minor, row.there_minor, row.here_status) for row in missing] == [
        (2100, None, "approved")
    ]
    assert report.differences == 2
    assert unsettled.status.value == "approved"


def test_payments_before_the_first_report_are_not_missing(shop):
    shop.paid()
    shop.clock.advance(days=20)

    shop.imported(
        a_report(a_line("x", settled_on="2026-12-05"), a_line("y", settled_on="2026-12-11"))
    )

    assert shop.kinds() == ["missing_here", "missing_here"]


def test_a_currency_that_the_report_does_not_have_is_not_missing(shop):
    shop.paid(new_order=an_order(2100, "USD"))
    shop.clock.advance(days=9)

    shop.imported(a_report(a_line("x"), a_line("y", settled_on=LATER)))

    assert "missing_there" not in shop.kinds()


def test_a_line_that_comes_late_settles_its_difference(shop):
    paid, refunded = shop.paid(), shop.paid()
    shop.services.refund_payment.execute(a_refund(refunded.order_id, 500))
    shop.clock.advance(days=9)
    shop.imported(a_report(settled(refunded), a_line("x", settled_on=LATER)))
    assert sorted(shop.kinds()) == ["missing_here", "missing_there", "missing_there"]

    late = a_line(refunded.provider_reference, type="refund", gross="-5.00", settled_on=LATER)
    report = shop.imported(a_report(settled(paid, settled_on=LATER), late))

    missing = [row for row in shop.differences() if row.kind == "missing_there"]
    assert {(row.state, row.resolved_by) for row in missing} == {("resolved", "payorch")}
    assert {row.reason for row in missing} == {
        f"The line has come in settlement report {report.id}."
    }
    assert len(shop.journal("settlement_difference_settled")) == 2


def test_comparing_again_lists_nothing_twice(shop):
    shop.paid(new_order=an_order(2100))
    shop.clock.advance(days=9)
    shop.imported(a_report(a_line("x"), a_line("y", settled_on=LATER)))

    shop.imported(a_report(a_line("z", settled_on=LATER)))

    assert shop.kinds().count("missing_there") == 1


def test_missing_payments_are_found_page_by_page(shop, monkeypatch):
    monkeypatch.setattr("payorch.application.import_settlement.BATCH_ROWS", 2)
    for amount in range(2100, 2105):
        shop.paid(new_order=an_order(amount))
    shop.clock.advance(days=9)

    shop.imported(a_report(a_line("x"), a_line("y", settled_on=LATER)))

    assert shop.kinds().count("missing_there") == 5


# -- uploading and resolving -----------------------------------------------------------------


def test_a_mapping_is_kept_and_journalled_once(shop):
    shop.imported(a_report(a_line("one")))
    shop.imported(a_report(a_line("two")))
    shop.imported(a_report(a_line("three")), mapping=a_mapping(settling_delay_days=5))

    assert shop.receive.proposed("alpha").version == 2
    assert shop.receive.proposed("alpha").mapping == a_mapping(settling_delay_days=5)
    assert shop.receive.proposed("beta") is None
    assert len(shop.journal("set_settlement_mapping")) == 2
    assert len(shop.journal("settlement_import_started")) == 3


def test_an_upload_is_refused_with_its_reason(shop):
    with pytest.raises(PaymentMethodNotFound):
        shop.upload(b"a,b\n", provider="nobody")
    with pytest.raises(SettlementFileRefused):
        shop.upload(b"\xff\xfe")
    uploaded = shop.upload(b"a,b\n1,2\n")
    with pytest.raises(InvalidSettlementMapping, match="no column"):
        shop.receive.start(uploaded.import_id, a_mapping(), delimiter=",", actor=FINN)
    with pytest.raises(InvalidSettlementMapping, match="parts the columns"):
        shop.receive.start(uploaded.import_id, a_mapping(), delimiter="#", actor=FINN)


def test_an_upload_that_broke_off_is_dropped_later(shop):
    files = shop.receive._files
    broken = files.begin_upload("alpha", file_name="x", actor=FINN, at=shop.clock.now())
    files.add_piece(broken, 0, b"a,b\n")
    shop.clock.advance(days=2)

    shop.upload(a_report(a_line("one")))

    assert shop.count(SettlementImportRow) == 1
    assert shop.count(SettlementPieceRow) == 1


def test_a_difference_is_resolved_and_taken_up_again_with_reasons(shop):
    shop.imported(a_report(a_line("one")))
    (difference,) = shop.differences()
    desk = shop.services.settle_differences

    with pytest.raises(ReasonRequired):
        desk.resolve(difference.id, actor=FINN, reason=" ")
    desk.resolve(difference.id, actor=FINN, reason="Another shop of ours.")
    with pytest.raises(DifferenceChanged):
        desk.resolve(difference.id, actor=FINN, reason="Twice")

    (resolved,) = shop.differences()
    assert (resolved.state, resolved.resolved_by, resolved.reason) == (
        "resolved",
        FINN,
        "Another shop of ours.",
    )
    desk.reopen(difference.id, actor=FINN, reason="It is not.")
    with pytest.raises(DifferenceChanged):
        desk.reopen(difference.id, actor=FINN, reason="x" * MAX_REASON_LENGTH)
    assert [row.state for row in shop.differences()] == ["open"]
    assert len(shop.journal("settlement_difference_resolved")) == 1
    assert len(shop.journal("settlement_difference_reopened")) == 1


def test_what_the_books_learn_later_closes_paid_there(shop, sandbox):
    waiting = shop.paid(instrument=a_card("4200000000000026"))
    assert waiting.status.value == "pending"
    shop.imported(a_report(settled(waiting)))
    assert shop.kinds() == ["paid_there"]
    assert shop.alerts() == []
    sandbox.settle_now()
    shop.clock.advance(hours=2)
    shop.services.resolve.check_order(waiting.order_id)
    assert shop.view(waiting.order_id).order.status.value == "paid"

    shop.imported(a_report(a_line("x", type="payout")))

    assert [row.state for row in shop.differences()] == ["resolved"]


# -- size ------------------------------------------------------------------------------------


@pytest.mark.parametrize("many", [10_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_many_lines_need_no_more_memory_than_some(sqlite_files, many):
    """Peak of Python's own memory, with the report itself outside of it."""
    peaks = {}
    for number in (2_000, many):
        with open_database(sqlite_files.new_database_url()) as database:
            # No provider is called.
            shop = SettledShop(database, sandbox_url="http://127.0.0.1:1")
            lines = (f"payout,po_{n},,5.00,,EUR,{TODAY}\n" for n in range(number))
            import_id = shop.started((",".join(HEADER) + "\n" + "".join(lines)).encode())
            tracemalloc.start()
            shop.run(import_id)
            peaks[number] = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert shop.report(import_id).lines_new == number
            assert shop.count(SettlementLineRow) == number

    assert peaks[many] < 1.5 * peaks[2_000] + 2**20


# -- accounts ---------------------------------------------------------------------------------


def test_methods_that_share_an_account_share_its_reports(database, sandbox):
    methods = [a_method("alpha"), a_method("alpha_south", account="alpha"), a_method("beta")]
    shop = SettledShop(database, sandbox_url=sandbox.base_url, methods=methods)
    north = shop.paid()
    south = shop.paid(provider="alpha_south")
    unsettled = shop.paid(provider="alpha_south", new_order=an_order(2100))
    shop.clock.advance(days=9)
    rows = a_report(settled(north), settled(south), a_line("x", settled_on=LATER))

    report = shop.imported(rows, provider="alpha_south")

    assert report.provider_code == "alpha"
    assert report.lines_matched == 2
    assert [row.here_minor for row in shop.differences() if row.kind == "missing_there"] == [2100]
    assert unsettled.provider_code == "alpha_south"
    assert shop.upload(rows, provider="alpha").is_known
    assert [[m.code for m in methods] for methods in shop.receive.accounts()] == [
        ["alpha", "alpha_south"],
        ["beta"],
    ]
