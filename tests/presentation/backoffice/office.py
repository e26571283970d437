"""The real application with a seeded back office, and people who can log in to it."""

import re
from dataclasses import replace
from datetime import UTC, datetime

from argon2 import PasswordHasher
from sqlalchemy import select, update

from payorch.config import Settings
from payorch.factory import create_app, wired
from payorch.infrastructure.persistence.staff_accounts import StaffAccounts
from payorch.infrastructure.persistence.tables import StaffRow, TransactionRow
from payorch.presentation.backoffice.shell.staff_session import KEY
from payorch.presentation.services import services
from tests.shop import a_method, seed

PASSWORD = "correct horse battery staple"
CAST = {
    "olga": ["ops"],
    "finn": ["finance"],
    "vera": ["viewer"],
    "ada": ["admin"],
    "ari": ["auditor"],
}
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
QUICK_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Office:
    """payorch on one database, with providers Alpha, Beta and Gamma in this order.

    `is_new` False: one more process on a database that has an office already.
    """

    def __init__(self, database_url, *, methods=None, seams=None, is_new=True, **settings):
        self.app = create_app(replace(Settings(), database_url=database_url, **settings), seams)
        self.database = wired(self.app).database
        if is_new:
            seed(self.database, methods or [a_method("alpha"), a_method("beta"), a_method("gamma")])

    def hire(self, name):
        """The e-mail address of a person of the cast, with an account."""
        email = f"{name}@example.org"
        accounts = StaffAccounts(self.database, QUICK_HASHER)
        if email not in {account.email for account in accounts.all()}:
            accounts.create(email, CAST[name], at=NOW, password=PASSWORD)
        return email

    def visitor(self):
        return Visitor(self.app)

    def logged_in(self, name):
        """A visitor with the session that a login leaves behind; test_staff_login logs in."""
        email, visitor = self.hire(name), self.visitor()
        with self.database.read() as connection:
            account_key = connection.scalar(
                select(StaffRow.fs_uniquifier).where(StaffRow.email == email)
            )
        sessions = self.services.staff_sessions
        key = sessions.new_key()
        sessions.open(key, email, address="127.0.0.1", device="Test", has_second_factor=False)
        with visitor.client.session_transaction() as session:
            session.update({"_user_id": account_key, "_fresh": True, KEY: key})
        return visitor

    def let_go(self):
        """As if the leases of all transactions had run out: whoever wants to may check them."""
        with self.database.tx() as connection:
            connection.execute(update(TransactionRow).values(lease_until=TransactionRow.started_at))

    def close(self):
        self.database.engine.dispose()

    @property
    def services(self):
        with self.app.app_context():
            return services()

    def order(self):
        """[(provider, tier, weight), ...] of the policy in force."""
        policy = self.services.registry.configuration().policy
        return [(e.provider_code, e.tier, e.weight) for e in policy.entries]

    def version(self):
        return self.services.registry.configuration().policy.version


class Visitor:
    """A browser without scripts: keeps cookies, sends each form with its token."""

    def __init__(self, app):
        self.client = app.test_client()

    def get(self, path, **options):
        return self.client.get(path, **options)

    def post(self, path, form=None, *, token_from=None, **options):
        """Post `form` as the page `token_from` (or the login page) would."""
        page = self.client.get(token_from or "/admin/login", follow_redirects=True).text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
        return self.client.post(path, data={"csrf_token": token, **(form or {})}, **options)

    def log_in(self, email, password=PASSWORD, **fields):
        return self.post("/admin/login", {"email": email, "password": password, **fields})
