"""Every problem that the API answers with: its status and what the client should do."""

from __future__ import annotations

from typing import NamedTuple


class ProblemCode(NamedTuple):
    code: str
    status: int
    advice: str


PROBLEM_CODES = tuple(
    ProblemCode(*row)
    for row in (
        ("malformed_json", 400, "The body is no JSON document. Nothing was done."),
        ("idempotency_key_missing", 400, "Paying needs an Idempotency-Key header."),
        ("idempotency_key_invalid", 400, "A key has 1 to 100 visible ASCII characters."),
        ("bad_request", 400, "The request cannot be read. Nothing was done."),
        (
            "api_key_in_url",
            400,
            "Addresses are logged on their way. Send keys in a header only, and revoke this one.",
        ),
        ("unauthorized", 401, "Send a valid API key as Authorization: Bearer."),
        ("api_key_mistyped", 401, "A part of the key is missing or wrong. Copy it again."),
        (
            "api_key_of_other_mode",
            401,
            "Live keys are for production, test keys for everything else.",
        ),
        ("api_key_revoked", 401, "The key was revoked. Use its successor."),
        ("api_key_expired", 401, "The key has expired. Use its successor."),
        ("insufficient_scope", 403, "The key may not do this; scope names what it lacks."),
        ("address_not_allowed", 403, "The key may not be used from your network address."),
        ("not_found", 404, "There is nothing at this address."),
        ("order_not_found", 404, "There is no order with this id."),
        ("payment_method_not_found", 404, "There is no payment method with this code."),
        ("notice_not_found", 404, "There is no letter with this number."),
        ("method_not_allowed", 405, "See the Allow header for what this address takes."),
        ("order_already_paid", 409, "The order is paid. Do not pay again."),
        ("order_not_payable", 409, "The order expired or was cancelled. Create a new one."),
        (
            "payment_in_progress",
            409,
            "Wait for Retry-After seconds, then repeat with the same key.",
        ),
        ("idempotency_key_reused", 409, "This key came with another request. Use a new key."),
        ("review_not_possible", 409, "Look at the transaction again; the detail says why."),
        ("nothing_to_check", 409, "The order has no open payment; read it again."),
        ("flag_not_open", 409, "Look at the order again: its flag has changed."),
        ("order_not_erasable", 409, "The order is not over yet; the detail says what is open."),
        ("policy_changed_meanwhile", 409, "Load the routing policy again before changing it."),
        ("trial_is_running", 409, "End the trial of a routing policy first."),
        ("trial_not_running", 409, "The trial was ended already."),
        ("circuit_changed_meanwhile", 409, "Look at the provider's circuit again."),
        ("request_entity_too_large", 413, "A body has at most 64 kB."),
        ("unsupported_media_type", 415, "Send the body as application/json."),
        ("validation_error", 422, "See errors: where, what and which rule. Values are not echoed."),
        ("refund_not_found", 404, "There is no refund with this id."),
        ("order_not_refundable", 409, "Nothing of this order can be refunded; see the detail."),
        (
            "refund_too_large",
            409,
            "More than is left: refundable_minor is the most. Nothing was sent.",
        ),
        ("refund_in_progress", 409, "The provider is being asked. Read the refund again later."),
        ("refund_not_retryable", 409, "Only a failed refund can be tried again."),
        ("refund_needs_second_person", 409, "Staff only: a second person has to agree first."),
        ("refund_proposal_not_possible", 409, "Look at the proposed refund again."),
        ("invalid_money", 422, "The amount or the currency cannot be charged."),
        (
            "no_provider_for_order",
            422,
            "No method takes this order; see reasons. Nothing was sent.",
        ),
        ("invalid_routing_policy", 422, "The routing policy contradicts itself."),
        ("invalid_policy_trial", 422, "A trial cannot be started like that; see the detail."),
        ("invalid_fee", 422, "A provider's fee cannot be like that; the detail says why."),
        ("invalid_hold", 422, "A circuit cannot be held like that; the detail says why."),
        ("invalid_window", 422, "The time range is malformed or too long."),
        ("reason_required", 422, "Say why; changes are journalled."),
        ("second_factor_refused", 409, "A second factor cannot be changed like that."),
        ("passkey_refused", 409, "A passkey cannot be registered, used or removed like that."),
        ("invalid_settlement_mapping", 422, "A report cannot be read with these columns."),
        ("settlement_file_refused", 422, "The file is no settlement report that can be read."),
        ("settlement_import_changed", 409, "The import of the report has gone on since."),
        ("difference_changed", 409, "The difference was dealt with already."),
        ("list_view_refused", 422, "The view of a list cannot be kept, changed or taken away."),
        ("secret_unreadable", 422, "A sealed secret was changed, or is somebody else's."),
        (
            "card_not_accepted_now",
            422,
            "The card's scheme does not want it again before Retry-After. Use another card.",
        ),
        ("too_many_logins", 429, "Too many logins failed. Wait for Retry-After seconds."),
        (
            "too_many_declines",
            429,
            "Too many declines of this card range, address or e-mail. Wait for Retry-After.",
        ),
        (
            "too_many_requests",
            429,
            "Too many calls with this key. Nothing was done: wait for Retry-After seconds.",
        ),
        ("too_many_submissions", 429, "This order was tried too often. Wait for Retry-After."),
        ("internal_error", 500, "Our fault. Repeat with the same key, or read the order."),
        ("login_busy", 503, "Too many passwords are being checked. Try again in a moment."),
        ("payments_paused", 503, "The books are being checked; nothing was sent. Try again later."),
        ("ledger_unavailable", 503, "Nothing was sent. Repeat with the same key in a moment."),
        (
            "database_unavailable",
            503,
            "Repeat with the same key, or read the order, before you pay again.",
        ),
        ("not_ready", 503, "This process cannot take payments now."),
    )
)
