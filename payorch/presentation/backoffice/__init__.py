"""The back office: staff login, and every page under /admin as one Flask-Admin site."""

from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from payorch.presentation.backoffice import staff_login
from payorch.presentation.backoffice.alerts.alerts import AlertsView
from payorch.presentation.backoffice.api_keys.api_keys import ApiKeysView
from payorch.presentation.backoffice.customers.customers import CustomersView
from payorch.presentation.backoffice.dashboard.dashboard import DashboardView
from payorch.presentation.backoffice.declines.decline_codes import DeclineCodesView
from payorch.presentation.backoffice.jobs.jobs import JobsView
from payorch.presentation.backoffice.journal import EntriesView, JournalView
from payorch.presentation.backoffice.notices.attention import AttentionView
from payorch.presentation.backoffice.notices.letters import LettersView
from payorch.presentation.backoffice.payments.orders import OrdersView
from payorch.presentation.backoffice.payments.provider_events import ProviderEventsView
from payorch.presentation.backoffice.payments.refund_proposals import RefundProposalsView
from payorch.presentation.backoffice.payments.refunds import RefundsView
from payorch.presentation.backoffice.payments.reviews import ReviewsView
from payorch.presentation.backoffice.payments.transactions import TransactionsView
from payorch.presentation.backoffice.people.account import AccountView
from payorch.presentation.backoffice.people.staff import StaffView
from payorch.presentation.backoffice.reconciliation import upload_limit
from payorch.presentation.backoffice.reconciliation.differences import DifferencesView
from payorch.presentation.backoffice.reconciliation.settlement_reports import (
    UPLOAD_ENDPOINT,
    SettlementReportsView,
)
from payorch.presentation.backoffice.routing.circuits import CircuitsView
from payorch.presentation.backoffice.routing.providers import ProvidersView
from payorch.presentation.backoffice.routing.routing_adaptive import RoutingAdaptiveView
from payorch.presentation.backoffice.routing.routing_board import RoutingBoardView
from payorch.presentation.backoffice.routing.routing_explain import RoutingExplainView
from payorch.presentation.backoffice.routing.routing_history import RoutingHistoryView
from payorch.presentation.backoffice.routing.routing_rules import RoutingRulesView
from payorch.presentation.backoffice.routing.routing_trials import RoutingTrialsView
from payorch.presentation.backoffice.shell import door
from payorch.presentation.backoffice.shell.admin_site import create_admin_site
from payorch.presentation.services import services, settings


def init_app(app: Flask, db: SQLAlchemy) -> None:
    """Add the pages in the order of the menu; Flask-Babel and CSRFProtect must be on `app`."""
    with app.app_context():
        uses_https = settings().uses_https
    staff_login.init_app(app, db, uses_https=uses_https)
    door.init_app(app)
    upload_limit.init_app(app, UPLOAD_ENDPOINT)
    site = create_admin_site(app)
    app.jinja_env.globals["has_account_page"] = True
    app.jinja_env.globals["payments_are_paused"] = _payments_are_paused
    for view in (
        DashboardView(name="Dashboard", endpoint="dashboard", url="dashboard"),
        AttentionView(db),
        AlertsView(),
        OrdersView(db),
        TransactionsView(db),
        RefundsView(db),
        CustomersView(db),
        RefundProposalsView(db),
        ReviewsView(db),
        ProviderEventsView(db),
        SettlementReportsView(db),
        DifferencesView(db),
        RoutingBoardView(name="Routing", category="Providers", endpoint="routing", url="routing"),
        RoutingAdaptiveView(
            name="Adaptive routing", endpoint="routing_adaptive", url="routing/adaptive"
        ),
        RoutingRulesView(name="Routing rules", endpoint="routing_rules", url="routing/rules"),
        RoutingExplainView(
            name="An order explained", endpoint="routing_explain", url="routing/explain"
        ),
        RoutingHistoryView(
            name="Published policies", endpoint="routing_history", url="routing/history"
        ),
        RoutingTrialsView(name="Trials", endpoint="routing_trials", url="routing/trials"),
        ProvidersView(db),
        DeclineCodesView(),
        CircuitsView(name="Circuits", endpoint="circuits", url="circuits"),
        JournalView(db),
        EntriesView(db),
        JobsView(db),
        LettersView(db),
        ApiKeysView(),
        StaffView(db),
        AccountView(),
    ):
        site.add_view(view)


def _payments_are_paused() -> bool:
    """For the banner on every page."""
    return services().registry.is_paused()
