"""An office where things have happened: paid and open orders, letters, a report, a key."""

import re
from pathlib import Path

from sqlalchemy import select

from payorch import paths
from payorch.application.refund_payment import RefundPayment
from payorch.application.staff_permissions import ROLE_PERMISSIONS
from payorch.factory import wired
from payorch.infrastructure.jobs import drain
from payorch.infrastructure.persistence.tables import (
    JobRow,
    NoticeRow,
    OrderRow,
    RefundProposalRow,
    SettlementDifferenceRow,
    SettlementImportRow,
)
from payorch.presentation.backoffice.endpoint_permissions import (
    PERMISSION_OF_ENDPOINT,
)
from tests.api_keys import a_key
from tests.presentation.backoffice.office import CAST, Office
from tests.presentation.backoffice.test_settlement_reports import imported
from tests.shop import a_card, a_payment, an_order

TOKEN = "an-api-token-of-the-tests-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}

FIELD_NAMES = sorted(
    {
        name
        for page in Path(paths.TEMPLATES).rglob("*.html")
        for name in re.findall(r'\bname="([a-z_0-9]+)"', page.read_text(encoding="utf-8"))
    }
    - {"csrf_token", "viewport", "theme"}
)
"""Of all fields of all forms."""


class PopulatedOffice(Office):
    def __init__(self, database_url, sandbox_url, **settings):
        super().__init__(
            database_url,
            sandbox_url=sandbox_url,
            api_token=TOKEN,
            allow_direct_cards=True,
            scheme_retry_caps=False,
            # Whoever tries every address takes more away than a person may in an hour.
            max_exports_per_hour=0,
            refund_second_person_above="*:1000",
            **settings,
        )
        for person in CAST:
            self.hire(person)
        services = self.services
        self.open_order = services.create_order.execute(an_order()).order.id
        self.paid_order = services.pay_order.execute(a_payment(new_order=an_order())).order_id
        services.pay_order.execute(
            a_payment(order_id=self.open_order, instrument=a_card("4000000000000515"))
        )
        self.key = a_key(self.database).key.id
        drain(wired(self.app).background)
        imported(self, self.logged_in("finn"))
        services.large_refunds.ask(
            RefundPayment(
                order_id=self.paid_order,
                amount_minor=1500,
                reason="Came back broken.",
                actor="fay@example.org",
                idempotency_key="staff-refund:populated",
                request_hash="populated",
                is_by_staff=True,
            )
        )
        self._ids = self._ids_of_rows()
        self._readers = {}

    def _ids_of_rows(self):
        with self.database.read() as connection:
            return {
                "backoffice_letters": connection.scalar(select(NoticeRow.public_id)),
                "backoffice_customers": connection.scalar(select(OrderRow.customer_email_index)),
                "backoffice_jobs": str(connection.scalar(select(JobRow.id))),
                "refund_proposals": str(connection.scalar(select(RefundProposalRow.id))),
                "settlement_reports": str(connection.scalar(select(SettlementImportRow.id))),
                "settlement_differences": str(
                    connection.scalar(select(SettlementDifferenceRow.id))
                ),
            }

    def fill(self, endpoint, name):
        """What stands in an address: the id of something that is there, where there is one."""
        view = endpoint.split(".")[0]
        if name in {"key", "public_id"} and view in self._ids:
            return self._ids[view]
        known = {
            "token": self.services.tokens.token_for(self.open_order),
            "order_id": self.paid_order,
            "public_id": self.paid_order,
            "key": self.paid_order,
            "kind": "order",
            "key_id": self.key,
            "code": "alpha",
            "provider_code": "alpha",
            "chart": "volume",
            "email": "ari@example.org",
            "filename": "css/checkout.css",
        }
        return known.get(
            name, 1 if name in {"alert_id", "rule_id", "proposal_id", "number"} else "x"
        )

    def reader_of(self, request):
        """Who may make this request, logged in once for all of them."""
        role = self._role_for(request)
        if role not in self._readers:
            self._readers[role] = self._of_role(role)
        return self._readers[role]

    def visitor_for(self, request):
        """The same with a session of their own, because it may end with the request."""
        return self._of_role(self._role_for(request))

    def _of_role(self, role):
        if role is None:
            return self.visitor()
        return self.logged_in(next(person for person, roles in CAST.items() if role in roles))

    def _role_for(self, request):
        permission = PERMISSION_OF_ENDPOINT.get(request.endpoint)
        if not request.is_of_backoffice or request.endpoint.startswith(("security.", "login_")):
            return None
        return next((role for role, had in ROLE_PERMISSIONS.items() if permission in had), "admin")
