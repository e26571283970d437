"""No page of the back office tells who a customer is, by enumeration: nobody gave a reason."""

import io
import zipfile

import pytest

from payorch.presentation.workbook import XLSX
from tests.presentation.every_request import every_request
from tests.presentation.populated_office import PopulatedOffice
from tests.shop import a_customer


@pytest.fixture(scope="module")
def office(sqlite_files, running_sandbox):
    opened = PopulatedOffice(sqlite_files.new_database_url(), running_sandbox.base_url)
    yield opened
    opened.close()


def text_of(answer):
    """Of a workbook, everything that its parts hold."""
    if answer.mimetype != XLSX:
        return answer.text
    with zipfile.ZipFile(io.BytesIO(answer.data)) as parts:
        return "".join(parts.read(name).decode() for name in parts.namelist())


def test_no_page_and_no_file_shows_a_whole_name_or_address(office):
    customer = a_customer()
    known = {customer.name, customer.email, *customer.fields.values()}
    assert office.services.orders.by_id(office.paid_order).order.customer == customer
    read, told = 0, {}

    for request in every_request(office.app, office.fill):
        if not (request.is_of_backoffice and request.is_safe):
            continue
        answer = office.reader_of(request).get(request.path)
        read += answer.status_code == 200
        written = text_of(answer)
        if shown := [text for text in known if text in written]:
            told[str(request)] = shown

    assert told == {}
    assert read > 45


def test_what_is_masked_is_found_by_the_whole_address(office):
    viewer = office.logged_in("vera")

    for page, found in (("orders", office.paid_order), ("transactions", office.paid_order)):
        text = viewer.get(f"/admin/{page}/", query_string={"search": a_customer().email}).text
        assert found in text
        assert "a•••@example.com" in text
        assert a_customer().name not in text
