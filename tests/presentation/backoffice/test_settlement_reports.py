"""Uploading a provider's settlement report, saying what its columns mean, and what came of it."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from payorch.application.settlement_reports import ImportState
from payorch.domain.settlement_amount import AmountStyle
from payorch.domain.settlement_line import LineKind
from payorch.domain.settlement_mapping import DateStyle
from payorch.factory import wired
from payorch.infrastructure.jobs import drain
from payorch.infrastructure.persistence.tables import (
    JobRow,
    JournalRow,
    SettlementDifferenceRow,
    SettlementImportRow,
)
from payorch.presentation.backoffice.reconciliation.mapping_form import MappingForm
from payorch.presentation.backoffice.reconciliation.settlement_texts import (
    AMOUNT_STYLES,
    DATE_STYLES,
    IMPORT_STATES,
    LINE_KINDS,
)
from payorch.sandbox_provider.settlement_report import COLUMNS
from tests.presentation.backoffice.payments_site import paid_after_fallback
from tests.settlements.report import HEADER, a_line, a_mapping, a_report

REPORTS = "/admin/settlement-reports/"
REPORT = a_report(a_line("beta_pay_7_2", fee="0.45", settled_on="2026-03-02"), a_line("strange_1"))
FORM = {**MappingForm.of(a_mapping()).values, "delimiter": ","}


def upload(visitor, content=REPORT, *, provider="beta", name="march.csv"):
    """As a browser sends it, and without a temporary file of the test's own."""
    page = visitor.get(REPORTS, follow_redirects=True).text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in (("csrf_token", token), ("provider", provider))
    ]
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = "".join([*parts, head]).encode() + content + b"\r\n--x--\r\n"
    return visitor.client.post(
        f"{REPORTS}upload", data=body, content_type="multipart/form-data; boundary=x"
    )


def uploaded(visitor, content=REPORT, **options):
    """The address of the report's page."""
    return upload(visitor, content, **options).location.removesuffix("/columns")


def imported(office, visitor, content=REPORT, **form):
    page = uploaded(visitor, content)
    answer = visitor.post(f"{page}/columns", FORM | form, token_from=f"{page}/columns")
    assert answer.status_code == 303, answer.text
    drain(wired(office.app).background, queues=["settlements"])
    return page


def states(office):
    with office.database.read() as connection:
        return list(connection.scalars(select(SettlementImportRow.state)))


def test_finance_uploads_a_report_chooses_columns_and_sees_what_came_of_it(office):
    paid_after_fallback(7).save(office.app)
    finn = office.logged_in("finn")

    answer = upload(finn)
    columns = finn.get(answer.location).text
    page = imported(office, finn, REPORT + b"Total,2\n")
    report = finn.get(page).text

    assert answer.location == f"{REPORTS}1/columns"
    assert "beta_pay_7_2" in columns
    assert "Guessed from the header." in columns
    assert '<option value="gross" selected>gross</option>' in columns
    assert "Imported" in report
    assert "http-equiv" not in report
    assert "It has 2 columns, and the header 7." in report
    assert f'href="/admin/settlement-differences/?import={page.rsplit("/", 1)[1]}"' in report


def test_the_columns_that_were_chosen_are_proposed_the_next_time(office):
    finn = office.logged_in("finn")
    imported(office, finn, fee_tolerance_minor="2", kind_payment="payment, sale")

    again = finn.get(upload(finn, a_report(a_line("two"))).location).text
    other = finn.get(upload(finn, b"a;b\n1;2\n").location).text

    assert "As in version 1." in again
    assert 'value="payment, sale"' in again
    assert "The columns that were used last do not fit this file." in other
    assert '<th scope="col">a</th>' in other


def test_the_delimiter_may_be_chosen(office):
    finn = office.logged_in("finn")
    columns = upload(finn, b"a|b;c\n1|2;3\n").location

    assert '<th scope="col">b;c</th>' in finn.get(f"{columns}?delimiter=|").text
    assert '<th scope="col">a|b</th>' in finn.get(f"{columns}?delimiter=;").text


def test_the_same_file_leads_to_the_first_import(office):
    finn = office.logged_in("finn")
    page = imported(office, finn)

    answer = upload(finn, name="again.csv")

    assert answer.location == page
    assert "This very file was uploaded before" in finn.get(page).text
    assert states(office) == ["done"]


@pytest.mark.parametrize(
    ("content", "provider", "said"),
    [
        (b"", "beta", "The file is empty."),
        (b"\xff\xfea\0", "beta", "The file is not in UTF-8."),
        (b"a,b\n1,2\n", "nobody", "Choose the provider whose report it is."),
    ],
)
def test_a_file_that_is_refused_says_why(office, content, provider, said):
    finn = office.logged_in("finn")

    upload(finn, content, provider=provider)

    assert said in finn.get(REPORTS).text
    assert states(office) == []


def test_without_a_file_nothing_happens(office):
    finn = office.logged_in("finn")

    finn.post(f"{REPORTS}upload", {"provider": "beta"}, token_from=REPORTS)

    assert "Choose a file first." in finn.get(REPORTS).text


def test_a_report_may_be_larger_than_any_form_and_not_than_its_limit(open_office):
    office = open_office(max_settlement_file_mb=1)
    finn = office.logged_in("finn")
    lines = a_report(*[a_line(f"strange_{n}") for n in range(20_000)])

    assert upload(finn, lines[: 900 * 1024]).status_code == 303
    assert upload(finn, lines + lines).status_code == 413


def test_nobody_else_may_send_so_much(open_office):
    office = open_office()

    for visitor in (office.logged_in("vera"), office.visitor()):
        assert upload(visitor, REPORT * 2000).status_code == 413


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"amount_column": ""}, "Choose the columns of amount, currency and date."),
        ({"fee_column": "gone"}, "The file has no column “gone”."),
        ({"kind_refund": "payment"}, "“payment” cannot mean both payment and refund."),
        ({"settling_delay_days": "soon"}, "Give a whole number of days."),
        ({"amount_style": "roman"}, "Choose how the report writes amounts."),
    ],
)
def test_columns_that_cannot_work_are_asked_again_and_nothing_typed_is_lost(office, form, said):
    finn = office.logged_in("finn")
    page = uploaded(finn)

    answer = finn.post(
        f"{page}/columns", FORM | {"kind_payout": "my payouts"} | form, token_from=f"{page}/columns"
    )

    assert answer.status_code == 422
    assert said in answer.text
    assert "my payouts" in answer.text
    assert states(office) == ["uploaded"]


def test_a_report_that_was_started_cannot_be_started_again(office):
    finn = office.logged_in("finn")
    page = imported(office, finn)

    finn.post(f"{page}/columns", FORM, token_from=REPORTS)
    finn.post(f"{page}/discard", token_from=REPORTS)

    assert states(office) == ["done"]


def test_a_file_may_be_discarded_before_it_is_read(office):
    finn = office.logged_in("finn")
    page = uploaded(finn)

    finn.post(f"{page}/discard", token_from=page)

    assert states(office) == ["discarded"]
    assert "Discarded" in finn.get(REPORTS).text


def test_while_it_is_read_the_page_shows_how_far_it_is(office):
    finn = office.logged_in("finn")
    page = uploaded(finn)
    finn.post(f"{page}/columns", FORM, token_from=f"{page}/columns")

    running = finn.get(page).text

    assert '<meta http-equiv="refresh" content="3">' in running
    assert "<progress" in running


def test_an_import_that_stands_still_may_be_let_go_on(office):
    finn = office.logged_in("finn")
    page = uploaded(finn)
    finn.post(f"{page}/columns", FORM, token_from=f"{page}/columns")
    with office.database.tx() as connection:
        long_ago = office.services.clock.now() - timedelta(minutes=5)
        connection.execute(update(SettlementImportRow).values(progressed_at=long_ago))

    assert "Nothing has moved for two minutes." in finn.get(page).text
    finn.post(f"{page}/again", token_from=page)

    with office.database.read() as connection:
        kinds = list(connection.scalars(select(JobRow.kind)))
    assert kinds.count("import_settlement") == 2


def test_more_bad_lines_than_a_page_holds_are_on_the_next_one(office):
    finn = office.logged_in("finn")
    page = imported(office, finn, REPORT + b"short,1\n" * 150)

    first = finn.get(page).text
    (more,) = [part.split('"')[0] for part in first.split('rel="next" href="')[1:]]
    second = finn.get(more).text

    assert first.count("It has 2 columns") == 100
    assert second.count("It has 2 columns") == 50


@pytest.mark.parametrize("name", ["vera", "olga", "ada", "ari"])
def test_others_may_look_and_not_import(office, name):
    page = uploaded(office.logged_in("finn"))
    visitor = office.logged_in(name)

    assert "Upload a settlement report" not in visitor.get(REPORTS).text
    assert "Choose the columns" not in visitor.get(page).text
    assert visitor.get(f"{page}/columns").status_code == 403
    for action in ("columns", "discard", "again"):
        answer = visitor.post(f"{page}/{action}", FORM, token_from=REPORTS)
        assert answer.status_code == 403
    assert upload(visitor).status_code == 403


def test_a_visitor_sees_nothing(office):
    assert office.visitor().get(REPORTS).status_code == 302


@pytest.mark.parametrize("key", ["0", "99", "x", "%00"])
def test_a_report_that_is_not_there_is_not_found(office, key):
    assert office.logged_in("finn").get(f"{REPORTS}{key}").status_code == 404


def test_starting_is_journalled_with_words(office):
    finn = office.logged_in("finn")
    imported(office, finn)

    with office.database.read() as connection:
        actions = list(connection.scalars(select(JournalRow.action)))
    journal = office.logged_in("ari").get("/admin/journal/").text

    assert {"set_settlement_mapping", "settlement_import_started"} <= set(actions)
    assert "what the columns of Beta&#39;s settlement reports mean" in journal or (
        "settlement_mapping" in journal
    )


def test_an_order_shows_what_was_settled_of_it(office):
    paid_after_fallback(7).save(office.app)
    finn = office.logged_in("finn")
    imported(office, finn, a_report(a_line("beta_pay_7_2", fee="0.45", gross="20.00")))

    order = finn.get("/admin/orders/po_0007").text

    assert "Settled by the provider" in order
    assert "€20.00" in order
    assert "€0.45" in order
    assert "Other amount" in order
    assert "/admin/settlement-differences/1" in order


def test_an_order_of_which_nothing_is_known_shows_nothing(office):
    paid_after_fallback(7).save(office.app)

    assert "Settled by" not in office.logged_in("finn").get("/admin/orders/po_0007").text


def test_every_word_is_there():
    assert set(IMPORT_STATES) == set(ImportState)
    assert set(LINE_KINDS) == set(LineKind)
    assert set(AMOUNT_STYLES) == set(AmountStyle)
    assert set(DATE_STYLES) == set(DateStyle)


def test_what_was_kept_is_what_the_form_gives_back():
    mapping = a_mapping(payout_column="id", amount_style=AmountStyle.COMMA)

    assert MappingForm.of(mapping).mapping() == mapping


def test_a_usual_header_is_guessed():
    header = ["Balance transaction", "Type", "Payment ID", "Merchant Reference", "Gross", "Fee"]
    form = MappingForm.guessed([*header, "Net", "Currency", "Settlement date", "Payout"])

    assert {name: value for name, value in form.values.items() if name.endswith("_column")} == {
        "line_id_column": "Balance transaction",
        "kind_column": "Type",
        "reference_column": "Payment ID",
        "our_reference_column": "Merchant Reference",
        "amount_column": "Gross",
        "fee_column": "Fee",
        "net_column": "Net",
        "currency_column": "Currency",
        "settled_on_column": "Settlement date",
        "payout_column": "Payout",
    }
    assert MappingForm.guessed(HEADER).values["our_reference_column"] == "reference"


def test_a_difference_leads_to_its_report(office):
    finn = office.logged_in("finn")
    imported(office, finn)

    with office.database.read() as connection:
        key = connection.scalar(select(SettlementDifferenceRow.id))

    assert "march.csv" in finn.get(f"/admin/settlement-differences/{key}").text


def test_the_practice_providers_report_is_guessed_whole_and_imported(office):
    finn = office.logged_in("finn")
    form = MappingForm.guessed(COLUMNS)
    row = "line_1,payment,beta_pay_1,pa_1,19.99,-0.52,19.47,EUR,2026-03-01,payout_1\n"

    page = imported(office, finn, (",".join(COLUMNS) + "\n" + row).encode(), **form.values)

    assert form.mapping().columns == [
        *("id", "reference", "type", "gross", "fee", "net", "currency", "settled_on"),
        *("payout_id", "line_id"),
    ]
    assert "€19.99" in finn.get(page).text


def test_an_import_is_taken_back_with_a_reason_and_the_page_says_so(office):
    finn = office.logged_in("finn")
    page = imported(office, finn)

    assert f"{page}/undo" in finn.get(page).text
    asked = finn.get(f"{page}/undo").text
    silent = finn.post(f"{page}/undo", {"reason": " "}, token_from=f"{page}/undo")
    finn.post(f"{page}/undo", {"reason": "Of another shop"}, token_from=f"{page}/undo")
    meanwhile = finn.get(page).text
    drain(wired(office.app).background, queues=["settlements"])
    done = finn.get(page).text

    assert "2 lines" in asked
    assert silent.status_code == 422
    assert "Being taken back" in meanwhile
    assert 'http-equiv="refresh"' in meanwhile
    assert "Taken back" in done
    assert "Of another shop" in done
    assert "Only an imported report can be taken back" in finn.get(f"{page}/undo").text
    assert states(office) == ["undone"]
    assert upload(finn).location.endswith("/columns")


@pytest.mark.parametrize("name", ["vera", "olga", "ada", "ari"])
def test_nobody_but_finance_takes_an_import_back(office, name):
    page = imported(office, office.logged_in("finn"))
    other = office.logged_in(name)

    assert f"{page}/undo" not in other.get(page).text
    assert other.get(f"{page}/undo").status_code == 403
    assert other.post(f"{page}/undo", token_from="/admin/account/").status_code == 403
    assert states(office) == ["done"]
