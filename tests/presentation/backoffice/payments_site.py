"""The back office over payorch's own tables, with a header instead of a login."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from flask import Flask
from flask_babel import Babel
from flask_login import LoginManager
from flask_wtf import CSRFProtect

from payorch.config import Settings
from payorch.domain.payment_method import MethodKind
from payorch.domain.payment_status import PaymentStatus, TransactionStatus
from payorch.infrastructure.persistence.database import Database, db
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.tables import (
    EvidenceRow,
    OrderRow,
    PaymentMethodRow,
    SubmissionRow,
    TransactionRow,
)
from payorch.infrastructure.system_clock import SystemClock
from payorch.paths import STATIC, TEMPLATES
from payorch.presentation import page_context, security_headers, services
from payorch.presentation.backoffice.journal import EntriesView, JournalView
from payorch.presentation.backoffice.payments.orders import OrdersView
from payorch.presentation.backoffice.payments.refunds import RefundsView
from payorch.presentation.backoffice.payments.reviews import ReviewsView
from payorch.presentation.backoffice.payments.transactions import TransactionsView
from payorch.presentation.backoffice.shell.admin_site import create_admin_site
from payorch.wiring import wire
from tests.presentation.backoffice.toy_site import CAST, STAFF_HEADER

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
T = TransactionStatus


def payments_app(database_url):
    app = Flask("payments", template_folder=str(TEMPLATES), static_folder=str(STATIC))
    app.config.update(SECRET_KEY="payments", SQLALCHEMY_DATABASE_URI=database_url)
    db.init_app(app)
    Babel(app)
    CSRFProtect(app)
    security_headers.init_app(app)
    page_context.init_app(app)
    services.init_app(app, SimpleNamespace(clock=SystemClock()), Settings())
    LoginManager(app).request_loader(lambda request: CAST.get(request.headers.get(STAFF_HEADER)))
    app.add_url_rule("/login", "security.login", lambda: "Log in")
    app.add_url_rule("/logout", "security.logout", lambda: "Bye", methods=["POST"])
    settings = replace(Settings(), database_url=database_url)
    with app.app_context():
        services.init_app(app, wire(settings, db.engine).services, settings)
    admin = create_admin_site(app)
    views = (
        OrdersView,
        TransactionsView,
        RefundsView,
        ReviewsView,
        JournalView,
        EntriesView,
    )
    for view in views:
        admin.add_view(view(db))
    return app


def reader(app):
    """Reads a page of `app` as one of the cast."""

    def read(path, staff="olga", **query):
        return app.test_client().get(
            path, headers={STAFF_HEADER: staff}, query_string=query or None
        )

    return read


def store(app, *rows):
    """Journal entries among the rows are written as payorch does, so that they are chained."""
    with app.app_context():
        for row in rows:
            if not isinstance(row, JournalFields):
                db.session.add(row)
                db.session.flush()
        db.session.commit()
        db.session.remove()
        with Database(db.engine).tx() as connection:
            for row in rows:
                if isinstance(row, JournalFields):
                    insert_entry(connection, **row)


def close(app):
    with app.app_context():
        db.engine.dispose()


def providers(**names):
    return [
        PaymentMethodRow(
            code=code,
            display_name=name,
            kind=MethodKind.CARD,
            connector="sandbox",
            account=code,
            created_at=START,
            updated_at=START,
        )
        for code, name in (names or {"alpha": "Alpha Pay", "beta": "Beta Pay"}).items()
    ]


class Payment:
    """An order and all that hangs on it, told attempt by attempt."""

    def __init__(self, number, *, status=PaymentStatus.FAILED, **fields):
        self.number = number
        self.status = status
        self.at = START + timedelta(minutes=number)
        self.order = OrderRow(
            **(
                {
                    "public_id": f"po_{number:04}",
                    "token_hash": f"{number:064}",
                    "amount_minor": 1999,
                    "currency": "EUR",
                    "description": "Two books",
                    "country": "ES",
                    "customer_name": "Ana Diaz",
                    "customer_email": f"ana{number}@example.com",
                    "merchant_reference": f"INV-{number}",
                    "status": PaymentStatus.PENDING,
                    "created_at": self.at,
                    "updated_at": self.at,
                    "expires_at": self.at + timedelta(days=1),
                }
                | fields
            )
        )
        self.submissions = []
        self.transactions = []
        self.evidence = []

    def submitted(self, *, candidates=("alpha", "beta"), left_out=(), preferred=None, first=1.0):
        number = len(self.submissions) + 1
        self.submissions.append(
            SubmissionRow(
                number=number,
                idempotency_key=f"key-{self.number}-{number}",
                request_hash="hash",
                preferred_provider=preferred,
                policy_version=7,
                candidates=[
                    {
                        "provider": code,
                        "because": "customer_choice" if code == preferred else "policy_order",
                        "propensity": first if place == 0 else 1.0 - first,
                    }
                    for place, code in enumerate(candidates)
                ],
                left_out=[{"provider": code, "because": why} for code, why in left_out],
                created_at=self.at,
            )
        )
        return self

    def tried(self, provider, status, **fields):
        sequence = len(self.transactions) + 1
        place = len(self.submissions) - 1
        started = self.at + timedelta(seconds=sequence)
        row = TransactionRow(
            **(
                {
                    "public_id": f"pa_{self.number:04}_{sequence}",
                    "sequence": sequence,
                    "attempt_number": 1 + sum(1 for of, _ in self.transactions if of == place),
                    "provider_code": provider,
                    "chosen_because": "policy_order",
                    "status": status,
                    "lease_until": started,
                    "amount_minor": self.order.amount_minor,
                    "currency": self.order.currency,
                    "latency_ms": 1234,
                    "started_at": started,
                    "changed_at": started,
                    "provider_reference": f"{provider}_pay_{self.number}_{sequence}",
                }
                | fields
            )
        )
        self.transactions.append((place, row))
        return self

    def learned(self, source, outcome, *, was_applied, **detail):
        evidence = EvidenceRow(
            source=source,
            outcome=outcome,
            was_applied=was_applied,
            detail=detail,
            created_at=self.at + timedelta(minutes=1),
        )
        self.evidence.append((self.transactions[-1][1], evidence))
        return self

    def save(self, app):
        with app.app_context():
            self._add(self.order)
            for submission in self.submissions:
                submission.order_id = self.order.id
                self._add(submission)
            for place, transaction in self.transactions:
                transaction.order_id = self.order.id
                transaction.submission_id = self.submissions[place].id
                self._add(transaction)
                if transaction.status is T.APPROVED:
                    self.order.paid_transaction_id = transaction.id
                    self.order.status = PaymentStatus.PAID
            for transaction, evidence in self.evidence:
                evidence.transaction_id = transaction.id
                self._add(evidence)
            self.order.status = self.status
            db.session.commit()
            db.session.remove()

    def _add(self, row):
        db.session.add(row)
        db.session.flush()


def paid_after_fallback(number=1, **fields):
    return (
        Payment(number, status=PaymentStatus.PAID, **fields)
        .submitted(left_out=[("gamma", "currency_not_served")], first=0.75)
        .tried(
            "alpha",
            T.DECLINED,
            decline_scheme="visa",
            decline_code="05",
            decline_reason="do_not_honor",
            decline_class="issuer_decline",
            card_brand="visa",
            card_last4="4242",
        )
        .tried("beta", T.APPROVED, latency_ms=321)
    )


def held(number=2, **fields):
    return (
        Payment(number, status=PaymentStatus.PROCESSING, **fields)
        .submitted(preferred="alpha")
        .tried("alpha", T.UNKNOWN, technical_reason="read_timeout", provider_reference=None)
        .learned("find", "Unknown", was_applied=False, http_status=404)
    )


class JournalFields(dict):
    """What `insert_entry` takes."""


def a_journal_entry(**fields):
    return JournalFields(
        {
            "at": START,
            "actor": "olga@example.com",
            "action": "routing_policy.publish",
            "subject": "routing_policy",
            "reason": "Alpha is slow",
            "before": {"order": ["alpha", "beta"]},
            "after": {"order": ["beta", "alpha"]},
        }
        | fields
    )
