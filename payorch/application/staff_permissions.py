"""What staff may do, by role: the one table. A page names one permission; without one it is
closed. The database holds a copy of this table (see StaffAccounts.ensure_roles), so that what is
in force can be read with SQL, and access can be changed for one installation.
"""

from collections.abc import Mapping
from enum import StrEnum, unique


@unique
class Permission(StrEnum):
    READ_PAYMENTS = "payments.read"
    READ_METRICS = "metrics.read"
    READ_ROUTING = "routing.read"
    CHANGE_ROUTING = "routing.change"
    READ_JOURNAL = "journal.read"
    EXPORT_JOURNAL = "journal.export"
    READ_JOBS = "jobs.read"
    MANAGE_JOBS = "jobs.manage"
    RESEND_LETTERS = "letters.resend"
    CONCLUDE_EVENTS = "events.conclude"
    REFUND_PAYMENTS = "payments.refund"
    CHECK_PAYMENTS = "payments.check"
    PROPOSE_REVIEWS = "reviews.propose"
    DECIDE_REVIEWS = "reviews.decide"
    CANCEL_ORDERS = "orders.cancel"
    SETTLE_FLAGS = "flags.settle"
    WRITE_NOTES = "notes.write"
    MANAGE_ALERTS = "alerts.manage"
    ERASE_CUSTOMERS = "customers.erase"
    REVEAL_CUSTOMERS = "customers.reveal"
    MANAGE_API_KEYS = "api_keys.manage"
    MANAGE_STAFF = "staff.manage"
    RECONCILE_SETTLEMENTS = "settlements.reconcile"
    EXPORT_SETTLEMENTS = "settlements.export"
    EXPORT_PAYMENTS = "payments.export"


_JOBS = frozenset({Permission.READ_JOBS, Permission.MANAGE_JOBS})
_EVERYONE = frozenset({Permission.READ_PAYMENTS, Permission.READ_METRICS, Permission.READ_ROUTING})
_AT_ORDERS = frozenset(
    {Permission.CHECK_PAYMENTS, Permission.RESEND_LETTERS, Permission.WRITE_NOTES}
)

ROLE_PERMISSIONS: Mapping[str, frozenset[Permission]] = {
    "viewer": _EVERYONE,
    "finance": _EVERYONE
    | _AT_ORDERS
    | {
        Permission.CONCLUDE_EVENTS,
        Permission.REFUND_PAYMENTS,
        Permission.PROPOSE_REVIEWS,
        Permission.DECIDE_REVIEWS,
        Permission.CANCEL_ORDERS,
        Permission.SETTLE_FLAGS,
        Permission.ERASE_CUSTOMERS,
        # Nobody else speaks with customers. An auditor checks who looked and why, not whom at, and
        # an admin, who makes logins, would open everything to themselves.
        Permission.REVEAL_CUSTOMERS,
        Permission.RECONCILE_SETTLEMENTS,
        Permission.EXPORT_SETTLEMENTS,
        Permission.EXPORT_PAYMENTS,
    },
    "ops": _EVERYONE | _JOBS | _AT_ORDERS | {Permission.CHANGE_ROUTING, Permission.MANAGE_ALERTS},
    # Also the second person of a review where finance is one person only.
    "admin": _EVERYONE
    | _JOBS
    | {
        Permission.CHANGE_ROUTING,
        Permission.MANAGE_ALERTS,
        Permission.READ_JOURNAL,
        Permission.EXPORT_JOURNAL,
        Permission.DECIDE_REVIEWS,
        Permission.MANAGE_API_KEYS,
        Permission.ERASE_CUSTOMERS,
        Permission.MANAGE_STAFF,
    },
    "auditor": _EVERYONE
    | {
        Permission.READ_JOURNAL,
        Permission.EXPORT_JOURNAL,
        Permission.READ_JOBS,
        Permission.EXPORT_SETTLEMENTS,
        Permission.EXPORT_PAYMENTS,
    },
}

ROLE_DESCRIPTIONS: Mapping[str, str] = {
    "viewer": "Looks at payments and charts.",
    "finance": "Works with orders and payments, gives money back, settles what nobody proves, "
    "and holds the books against settlement reports.",
    "ops": "Watches the providers and background jobs, and changes the routing.",
    "admin": "Changes the routing, reads the journal, decides on reviews, makes API keys, and "
    "looks after logins.",
    "auditor": "Reads everything, takes the journal away; changes nothing.",
}
