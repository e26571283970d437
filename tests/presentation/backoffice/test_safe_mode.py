"""The banner that tells everybody in the back office why no payment comes in."""

from datetime import UTC, datetime

import pytest

from payorch.application.configuration import OperatingMode
from payorch.factory import wired
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.operating_mode import SqlAlchemyOperatingModes
from payorch.infrastructure.system_clock import SystemClock

PAGES = ("/admin/dashboard/", "/admin/orders/", "/admin/routing/")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_tells_safe_mode(office, page):
    olga = office.logged_in("olga")
    assert "SAFE mode" not in olga.get(page).text

    modes = SqlAlchemyOperatingModes(LedgerTransactions(wired(office.app).database, SystemClock()))
    modes.change(OperatingMode.SAFE, actor="olga", reason="restored", at=datetime.now(UTC))

    answer = olga.get(page)
    assert answer.status_code == 200
    assert "SAFE mode" in answer.text
