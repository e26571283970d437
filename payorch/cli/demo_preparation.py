"""Makes a demo's database ready: tables, providers, staff and some days of history."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from payorch import paths
from payorch.cli.demo_folder import DemoFolder
from payorch.cli.environment import open_database
from payorch.config import Settings
from payorch.domain.routing_policy import RoutingPolicy
from payorch.infrastructure.decline_policies.decline_policy_file import load_shipped_policy
from payorch.infrastructure.demo_history import DemoPast
from payorch.infrastructure.demo_history_writer import DemoHistoryWriter
from payorch.infrastructure.demo_providers import (
    DEMO_METHODS,
    DEMO_POLICY,
    EARLIER_DEMO_POLICY,
    SEED_ACTOR,
    publish_first_policy,
    seed_fees,
    seed_methods,
)
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.payment_method_repository import (
    SqlAlchemyPaymentMethodRepository,
)
from payorch.infrastructure.persistence.provider_fees import SqlAlchemyProviderFees
from payorch.infrastructure.persistence.routing_policy_repository import (
    SqlAlchemyRoutingPolicyRepository,
)
from payorch.infrastructure.persistence.schema import Schema
from payorch.infrastructure.persistence.staff_accounts import StaffAccounts
from payorch.wiring import wire

HISTORY = timedelta(days=7)
HISTORY_ORDERS = 26_000
POLICY_CHANGED_BEFORE = timedelta(days=3)
HISTORY_SEED = 20_261_122

DEMO_STAFF = (
    ("admin@example.com", "admin"),
    ("ops@example.com", "ops"),
    ("finance@example.com", "finance"),
)


@dataclass(frozen=True, slots=True)
class Login:
    email: str
    role: str
    password: str


@dataclass(frozen=True, slots=True)
class Prepared:
    logins: tuple[Login, ...]
    history_transactions: int


def prepare_demo(folder: DemoFolder, settings: Settings, *, with_history: bool) -> Prepared:
    """Bring the database of `folder` to where a demo starts. What is there already stays."""
    now = datetime.now(UTC)
    database = open_database(settings)
    try:
        Schema(database.engine, paths.MIGRATIONS).upgrade()
        seed_methods(SqlAlchemyPaymentMethodRepository(database), at=now - HISTORY)
        policies = SqlAlchemyRoutingPolicyRepository(database)
        written = 0
        if with_history and not policies.history(limit=1):
            _publish_past_policies(policies, now)
            seed_fees(SqlAlchemyProviderFees(database), at=now - HISTORY)
            written = _write_history(database, settings, now)
        else:
            publish_first_policy(policies, at=now)
        logins = _ensure_staff(StaffAccounts(database), folder, now)
        wire(settings, database.engine).rollup.run_once()
    finally:
        database.engine.dispose()
    return Prepared(logins, written)


def _publish_past_policies(policies: SqlAlchemyRoutingPolicyRepository, now: datetime) -> None:
    publish_first_policy(policies, EARLIER_DEMO_POLICY, at=now - HISTORY)
    policies.publish(
        DEMO_POLICY,
        based_on_version=1,
        exploration_share=0.0,
        actor=SEED_ACTOR,
        reason="Alpha approves more first attempts than Gamma",
        at=now - POLICY_CHANGED_BEFORE,
    )


def _write_history(database: Database, settings: Settings, now: datetime) -> int:
    earlier = RoutingPolicy(1, EARLIER_DEMO_POLICY)
    later = RoutingPolicy(2, DEMO_POLICY)
    past = DemoPast(
        methods=DEMO_METHODS,
        policy_at=lambda at: earlier if at < now - POLICY_CHANGED_BEFORE else later,
        declines=load_shipped_policy(),
        seed=HISTORY_SEED,
    )
    accounts = {method.code: method.account for method in DEMO_METHODS}
    wired = wire(settings, database.engine)
    writer = DemoHistoryWriter(
        database,
        wired.services.tokens,
        accounts.__getitem__,
        personal_data=wired.personal_data,
        seed=HISTORY_SEED,
    )
    # The last minute is left to live traffic, so that no attempt lies in the future.
    end = now - timedelta(minutes=1)
    return writer.write(past.play(start=now - HISTORY, end=end, orders=HISTORY_ORDERS))


def _ensure_staff(accounts: StaffAccounts, folder: DemoFolder, now: datetime) -> tuple[Login, ...]:
    existing = {account.email for account in accounts.all()}
    logins = []
    for email, role in DEMO_STAFF:
        password = folder.secret(f"password of {email}")
        if email not in existing:
            accounts.create(email, [role], at=now, password=password)
        logins.append(Login(email, role, password))
    return tuple(logins)
