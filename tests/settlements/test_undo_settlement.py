"""An import that was a mistake is taken back as a whole, and what rests on it is said."""

import pytest

from payorch.application.jobs import Job
from payorch.domain.errors import (
    DifferenceChanged,
    ReasonRequired,
    SettlementImportChanged,
)
from payorch.infrastructure.persistence.tables import SettlementBadLineRow
from tests.fakes import CrashAt, SimulatedCrash
from tests.settlements.report import FINN, SettledShop, a_line, a_mapping, a_report
from tests.settlements.test_import_settlement import LATER, settled

WHY = "It is the report of another account."


@pytest.fixture
def shop(database, sandbox):
    return SettledShop(database, sandbox_url=sandbox.base_url)


def undone(shop, report, reason=WHY):
    shop.services.undo_settlement.start(report.id, actor=FINN, reason=reason)
    shop.work()
    return shop.report(report.id)


def run_undo(shop, report):
    shop.wired.handlers["undo_settlement"](
        Job(1, "undo_settlement", {"import": report.id}, attempts=1)
    )


def missing_there(shop):
    rows = [row for row in shop.differences() if row.kind == "missing_there"]
    return [(row.import_id, row.state) for row in rows]


def test_lines_differences_and_bad_lines_go_and_the_same_file_may_come_again(shop):
    content = a_report(settled(shop.paid(), fee="0.88"), a_line("strange"), a_line("x", gross="?"))
    report = shop.imported(content)
    assert (report.lines_new, report.differences, report.lines_bad) == (2, 1, 1)

    gone = undone(shop, report)

    assert (gone.state, gone.lines_undone, gone.undone_by) == ("undone", 2, FINN)
    assert (shop.lines(), shop.differences(), shop.count(SettlementBadLineRow)) == ([], [], 0)
    journal = [*shop.journal("settlement_undo_started"), *shop.journal("settlement_import_undone")]
    assert [(entry.actor, entry.reason) for entry in journal] == [(FINN, WHY), (FINN, WHY)]
    again = shop.imported(content)
    assert again.id != report.id
    assert (again.state, again.lines_new, again.differences) == ("done", 2, 1)


def test_a_whole_file_may_come_again_with_other_columns(shop):
    paid = shop.paid()
    content = a_report(settled(paid, fee="19.99"))
    report = shop.imported(content, mapping=a_mapping(amount_column="fee"))
    assert shop.upload(content).is_known

    undone(shop, report)

    again = shop.imported(content)
    assert (again.lines_new, again.lines_matched) == (1, 1)


def test_it_is_done_once(shop):
    report = undone(shop, shop.imported(a_report(a_line("one"))))

    run_undo(shop, report)

    assert len(shop.journal("settlement_import_undone")) == 1
    with pytest.raises(SettlementImportChanged, match="Only an imported report"):
        undone(shop, report)


def test_a_reason_is_needed_and_an_import_that_is_done(shop):
    report = shop.imported(a_report(a_line("one")))
    with pytest.raises(ReasonRequired):
        undone(shop, report, " ")
    waiting = shop.upload(a_report(a_line("two")))
    with pytest.raises(SettlementImportChanged, match="Only an imported report"):
        shop.services.undo_settlement.start(waiting.import_id, actor=FINN, reason=WHY)


def test_no_report_of_the_account_is_read_meanwhile(shop):
    report = shop.imported(a_report(a_line("one")))
    shop.started(a_report(a_line("two")))
    with pytest.raises(SettlementImportChanged, match="is being read"):
        shop.services.undo_settlement.start(report.id, actor=FINN, reason=WHY)
    shop.work()

    shop.services.undo_settlement.start(report.id, actor=FINN, reason=WHY)

    with pytest.raises(SettlementImportChanged, match="is being read"):
        shop.started(a_report(a_line("three")))


def test_what_staff_have_resolved_is_not_lost(shop):
    report = shop.imported(a_report(a_line("strange")))
    (difference,) = shop.differences()
    shop.services.settle_differences.resolve(difference.id, actor=FINN, reason="Other shop's.")

    with pytest.raises(SettlementImportChanged, match=r"resolved differences .*\(1\)"):
        undone(shop, report)

    shop.services.settle_differences.reopen(difference.id, actor=FINN, reason="Wrong report.")
    assert undone(shop, report).state == "undone"


def test_while_it_is_taken_back_nothing_of_it_is_resolved(shop):
    """It would go with it, in a later part."""
    report = shop.imported(a_report(a_line("strange")))
    (difference,) = shop.differences()
    shop.services.undo_settlement.start(report.id, actor=FINN, reason=WHY)

    with pytest.raises(DifferenceChanged, match="is being taken back"):
        shop.services.settle_differences.resolve(difference.id, actor=FINN, reason="Mine.")

    assert shop.journal("settlement_difference_resolved") == []


def test_what_another_report_has_as_well_is_not_missing_again(shop):
    paid, other = shop.paid(), shop.paid()
    shop.clock.advance(days=9)
    first = shop.imported(a_report(settled(other), a_line("x", settled_on=LATER)))
    late = shop.imported(a_report(settled(paid, settled_on=LATER)))
    shop.imported(a_report(settled(paid, settled_on="2026-11-29")))
    (twice,) = [row for row in shop.differences() if row.kind == "settled_twice"]
    shop.services.settle_differences.resolve(twice.id, actor=FINN, reason="They correct it.")

    undone(shop, late)

    assert missing_there(shop) == [(first.id, "resolved")]


def test_a_later_report_with_its_lines_goes_first(shop):
    one, two = a_line("one"), a_line("two")
    first, second = shop.imported(a_report(one)), shop.imported(a_report(one, two))

    with pytest.raises(SettlementImportChanged, match=f"report {second.id} has lines of this one"):
        undone(shop, first)

    undone(shop, second)
    assert [line.reference for line in shop.lines()] == ["one"]
    assert undone(shop, first).state == "undone"
    assert shop.lines() == []


def test_a_later_report_that_settled_the_same_again_goes_first(shop):
    paid = shop.paid()
    first = shop.imported(a_report(settled(paid)))
    second = shop.imported(a_report(settled(paid, settled_on="2026-11-23")))
    assert shop.kinds() == ["settled_twice"]

    with pytest.raises(SettlementImportChanged, match=f"report {second.id} was found to settle"):
        undone(shop, first)

    undone(shop, second)
    assert undone(shop, first).state == "undone"


def test_a_report_that_has_nothing_to_do_with_it_is_no_hindrance(shop):
    first = shop.imported(a_report(a_line("one")))
    shop.imported(a_report(a_line("two")))
    shop.imported(a_report(a_line("one")), provider="beta")

    assert undone(shop, first).state == "undone"
    assert sorted((line.provider_code, line.reference) for line in shop.lines()) == [
        ("alpha", "two"),
        ("beta", "one"),
    ]


def test_what_its_lines_had_settled_is_missing_again(shop):
    paid, other = shop.paid(), shop.paid()
    shop.clock.advance(days=9)
    first = shop.imported(a_report(settled(other), a_line("x", settled_on=LATER)))
    late = shop.imported(a_report(settled(paid, settled_on=LATER)))
    assert missing_there(shop) == [(first.id, "resolved")]

    undone(shop, late)

    assert missing_there(shop) == [(first.id, "open")]
    (entry,) = shop.journal("settlement_difference_reopened")
    assert (entry.actor, entry.reason) == (
        "payorch",
        f"Settlement report {late.id} was taken back.",
    )


def test_what_both_missed_is_listed_under_the_later_one(shop):
    unsettled, other = shop.paid(), shop.paid()
    shop.clock.advance(days=9)
    first = shop.imported(a_report(a_line("x"), a_line("y", settled_on=LATER)))
    second = shop.imported(a_report(settled(other), a_line("z", settled_on=LATER)))
    assert {row for row, _ in missing_there(shop)} == {first.id}

    undone(shop, first)

    assert missing_there(shop) == [(second.id, "open")]
    (listed,) = [row for row in shop.differences() if row.kind == "missing_there"]
    assert listed.transaction_id == unsettled.id


@pytest.mark.parametrize("dies_at", range(1, 4))
def test_killed_anywhere_it_goes_on(shop, sandbox, monkeypatch, dies_at):
    monkeypatch.setattr("payorch.application.undo_settlement.BATCH_ROWS", 2)
    report = shop.imported(a_report(*[a_line(f"strange_{n}") for n in range(5)]))
    shop.services.undo_settlement.start(report.id, actor=FINN, reason=WHY)
    dying = SettledShop(
        shop.database,
        sandbox_url=sandbox.base_url,
        clock=shop.clock,
        methods=[],
        checkpoint=CrashAt(dies_at),
    )
    with pytest.raises(SimulatedCrash):
        run_undo(dying, report)

    run_undo(shop, report)

    gone = shop.report(report.id)
    assert (gone.state, gone.lines_undone) == ("undone", 5)
    assert (shop.lines(), shop.differences()) == ([], [])


def test_a_long_one_goes_on_in_another_job(shop, monkeypatch):
    monkeypatch.setattr("payorch.application.undo_settlement.BATCH_ROWS", 2)
    monkeypatch.setattr("payorch.application.undo_settlement.PART_S", 0.0)
    report = shop.imported(a_report(*[a_line(f"strange_{n}") for n in range(5)]))
    shop.services.undo_settlement.start(report.id, actor=FINN, reason=WHY)

    run_undo(shop, report)
    assert shop.report(report.id).lines_undone == 2
    while shop.report(report.id).state == "undoing":
        shop.clock.advance(seconds=1)
        shop.work()

    assert shop.lines() == []


def test_one_that_stands_still_is_run_again(shop):
    report = shop.imported(a_report(a_line("one")))
    shop.services.undo_settlement.start(report.id, actor=FINN, reason=WHY)

    shop.receive.run_again(report.id, actor=FINN)
    shop.work()

    assert shop.report(report.id).state == "undone"
