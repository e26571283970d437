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
    CONCLUDE_EVENTS = "events.conclude"


_EVERYONE = frozenset({Permission.READ_PAYMENTS, Permission.READ_METRICS, Permission.READ_ROUTING})

ROLE_PERMISSIONS: Mapping[str, frozenset[Permission]] = {
    "viewer": _EVERYONE,
    "finance": _EVERYONE | {Permission.CONCLUDE_EVENTS},
    "ops": _EVERYONE | {Permission.CHANGE_ROUTING},
    "admin": _EVERYONE | {Permission.CHANGE_ROUTING, Permission.READ_JOURNAL},
    "auditor": _EVERYONE | {Permission.READ_JOURNAL},
}

ROLE_DESCRIPTIONS: Mapping[str, str] = {
    "viewer": "Looks at payments and charts.",
    "finance": "Works with orders, transactions and charts.",
    "ops": "Watches the providers and changes the routing.",
    "admin": "Changes the routing and reads the journal.",
    "auditor": "Reads everything, the journal too; changes nothing.",
}
