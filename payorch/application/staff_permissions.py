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
    READ_JOBS = "jobs.read"
    MANAGE_JOBS = "jobs.manage"
    RESEND_LETTERS = "letters.resend"
    CONCLUDE_EVENTS = "events.conclude"
    REFUND_PAYMENTS = "payments.refund"


_JOBS = frozenset({Permission.READ_JOBS, Permission.MANAGE_JOBS})
_EVERYONE = frozenset({Permission.READ_PAYMENTS, Permission.READ_METRICS, Permission.READ_ROUTING})

ROLE_PERMISSIONS: Mapping[str, frozenset[Permission]] = {
    "viewer": _EVERYONE,
    "finance": _EVERYONE
    | {Permission.CONCLUDE_EVENTS, Permission.RESEND_LETTERS, Permission.REFUND_PAYMENTS},
    "ops": _EVERYONE | _JOBS | {Permission.CHANGE_ROUTING, Permission.RESEND_LETTERS},
    "admin": _EVERYONE | _JOBS | {Permission.CHANGE_ROUTING, Permission.READ_JOURNAL},
    "auditor": _EVERYONE | {Permission.READ_JOURNAL, Permission.READ_JOBS},
}

ROLE_DESCRIPTIONS: Mapping[str, str] = {
    "viewer": "Looks at payments and charts.",
    "finance": "Works with orders, transactions and charts, and gives money back.",
    "ops": "Watches the providers and background jobs, and changes the routing.",
    "admin": "Changes the routing and reads the journal.",
    "auditor": "Reads everything, the journal too; changes nothing.",
}
