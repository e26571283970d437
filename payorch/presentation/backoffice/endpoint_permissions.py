"""Which permission each page of the back office needs: the one table. What is not in it is closed.

The site's door asks it before a page is reached (shell/door.py), for reading and for posting
alike; what the pages check themselves is a second door. Flask-Admin gives every list more
addresses than we use (edit, delete, bulk actions, look-ups): they stand in no line here, so they
are closed for everybody.
"""

from collections.abc import Mapping

from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.access import LOGIN_ENDPOINT

OPEN_ENDPOINTS = frozenset(
    {
        LOGIN_ENDPOINT,
        "security.logout",
        "login_steps.code",
        "login_steps.enrol",
        "login_steps.enrol_passkey",
        "login_steps.passkey_challenge",
        "appearance.choose",
        "admin.static",
    }
)
"""For visitors as well: they show nothing of the shop."""

STAFF_ENDPOINTS = frozenset(
    {
        "admin.index",
        "security.verify",
        "account.index",
        "account.change_password",
        "account.set_up",
        "account.recovery_codes",
        "account.remove_factor",
        "account.passkey_challenge",
        "account.add_passkey",
        "account.rename_passkey",
        "account.remove_passkey",
        "account.end_session",
        "account.end_others",
    }
)
"""For everybody who is logged in: each acts on their own account only."""


def _own_lists(*views: str) -> str:
    """Whoever may read a list may arrange it for themselves."""
    pages = ("choose_columns", "save_own_view", "rename_own_view", "delete_own_view")
    return "".join(f" {view}.{page}" for view in views for page in pages)


_ENDPOINTS: Mapping[Permission, str] = {
    Permission.READ_PAYMENTS: """
        attention.index entries.index entries.of_thing
        backoffice_orders.index_view backoffice_orders.order_page backoffice_orders.totals
        backoffice_transactions.index_view backoffice_transactions.totals
        backoffice_refunds.index_view backoffice_refunds.totals
        backoffice_customers.index_view backoffice_customers.customer_page
        refund_proposals.index_view refund_proposals.proposal_page
        backoffice_reviews.index_view backoffice_reviews.review_page
        backoffice_provider_events.index_view backoffice_provider_events.event_page
        backoffice_letters.index_view backoffice_letters.letter_page
        settlement_reports.index_view settlement_reports.report_page
        settlement_differences.index_view settlement_differences.difference_page
        """
    + _own_lists("backoffice_orders", "backoffice_transactions", "backoffice_refunds")
    + _own_lists("settlement_differences", "backoffice_provider_events"),
    Permission.READ_METRICS: """
        dashboard.index dashboard.figures dashboard.table dashboard.export
        alerts.index""",
    Permission.READ_ROUTING: """
        routing.index routing_adaptive.index routing_rules.index routing_explain.index
        routing_history.index routing_trials.index routing_trials.details routing_trials.figures
        providers.index providers.details circuits.index
        decline_codes.index decline_codes.details""",
    Permission.CHANGE_ROUTING: """
        routing.draft routing.publish routing.replay routing.discard routing.restore
        routing.switch routing_adaptive.save
        routing_rules.edit routing_rules.save routing_rules.move routing_rules.delete
        routing.try_out routing_trials.start routing_trials.end
        providers.set_fee providers.switch circuits.hold circuits.release
        decline_codes.rule decline_codes.withdraw""",
    Permission.READ_JOURNAL: "backoffice_journal.index_view" + _own_lists("backoffice_journal"),
    Permission.EXPORT_JOURNAL: "backoffice_journal.export_page backoffice_journal.export_file",
    Permission.READ_JOBS: """
        backoffice_jobs.index_view backoffice_jobs.job_page
        backoffice_jobs.export backoffice_jobs.export_xlsx"""
    + _own_lists("backoffice_jobs"),
    Permission.MANAGE_JOBS: "backoffice_jobs.replay backoffice_jobs.discard",
    Permission.RESEND_LETTERS: "backoffice_letters.resend",
    Permission.CONCLUDE_EVENTS: "backoffice_provider_events.conclude",
    Permission.REFUND_PAYMENTS: """
        backoffice_refunds.refund_page backoffice_refunds.confirm_page backoffice_refunds.refund
        backoffice_refunds.retry_page backoffice_refunds.retry backoffice_refunds.review_page
        backoffice_refunds.propose backoffice_refunds.decide
        refund_proposals.decide refund_proposals.withdraw""",
    Permission.CHECK_PAYMENTS: "backoffice_orders.check_page backoffice_orders.check",
    Permission.PROPOSE_REVIEWS: "backoffice_reviews.propose",
    Permission.DECIDE_REVIEWS: "backoffice_reviews.decide backoffice_reviews.approve",
    Permission.CANCEL_ORDERS: "backoffice_orders.cancel_page backoffice_orders.cancel",
    Permission.SETTLE_FLAGS: """
        backoffice_orders.flag_page backoffice_orders.deal_with_flag
        backoffice_orders.reopen_flag_page backoffice_orders.reopen_flag""",
    Permission.ERASE_CUSTOMERS: """
        backoffice_orders.erase_page backoffice_orders.erase
        backoffice_customers.erase_page backoffice_customers.erase""",
    Permission.REVEAL_CUSTOMERS: """
        backoffice_orders.reveal_page backoffice_orders.reveal
        backoffice_orders.customer_export_page backoffice_orders.customer_export""",
    Permission.WRITE_NOTES: "backoffice_orders.note_page backoffice_orders.note",
    Permission.MANAGE_ALERTS: "alerts.acknowledge alerts.rule alerts.change_rule",
    Permission.MANAGE_API_KEYS: """
        api_keys.index api_keys.new api_keys.create api_keys.rotate_page api_keys.rotate
        api_keys.revoke_page api_keys.revoke""",
    Permission.MANAGE_STAFF: """
        people.index people.person people.end_session people.end_all people.remove_factor""",
    Permission.RECONCILE_SETTLEMENTS: """
        settlement_reports.upload_page settlement_reports.upload settlement_reports.columns_page
        settlement_reports.start settlement_reports.run_again settlement_reports.discard
        settlement_reports.undo_page settlement_reports.undo
        settlement_differences.resolve settlement_differences.reopen""",
    Permission.EXPORT_SETTLEMENTS: """
        settlement_differences.export settlement_differences.export_xlsx""",
    Permission.EXPORT_PAYMENTS: """
        backoffice_orders.export backoffice_transactions.export backoffice_refunds.export
        backoffice_orders.export_xlsx backoffice_transactions.export_xlsx
        backoffice_refunds.export_xlsx backoffice_customers.export
        backoffice_customers.export_xlsx
        backoffice_provider_events.export backoffice_provider_events.export_xlsx""",
}

EXPORTS = frozenset(
    {
        "dashboard.export",
        "backoffice_journal.export_file",
        "settlement_differences.export",
        "settlement_differences.export_xlsx",
        "backoffice_orders.export",
        "backoffice_orders.export_xlsx",
        "backoffice_orders.customer_export",
        "backoffice_customers.export",
        "backoffice_customers.export_xlsx",
        "backoffice_transactions.export",
        "backoffice_transactions.export_xlsx",
        "backoffice_refunds.export",
        "backoffice_refunds.export_xlsx",
        "backoffice_provider_events.export",
        "backoffice_provider_events.export_xlsx",
        "backoffice_jobs.export",
        "backoffice_jobs.export_xlsx",
    }
)
"""What takes many rows away at once: limited for each person."""

PERMISSION_OF_ENDPOINT: Mapping[str, Permission] = {
    endpoint: permission
    for permission, endpoints in _ENDPOINTS.items()
    for endpoint in endpoints.split()
}
