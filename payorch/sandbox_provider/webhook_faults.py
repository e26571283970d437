"""What may go wrong between this provider's events and the merchant that is told of them."""

from enum import StrEnum


class WebhookFault(StrEnum):
    """Each is drawn for itself, so that one event may be struck by several."""

    DUPLICATE = "duplicate"
    DELAY = "delay"
    REORDER = "reorder"
    DROP = "drop"
    FORGE = "forge"
    STALE = "stale"
