"""Journal entries in plain words: what somebody did, to what, and the way to that thing."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import current_app, url_for
from markupsafe import Markup

from payorch.domain.decline_ruling import CodeKey
from payorch.domain.decline_terms import SignalKind
from payorch.infrastructure.persistence.tables.journal import JournalRow
from payorch.presentation.backoffice.payments.evidence_texts import answered_text, asked_text
from payorch.presentation.backoffice.payments.payment_texts import FLAGS, worded
from payorch.presentation.money_format import format_money

Names = Mapping[str, str]
"""Display names of providers by their codes."""

CONCLUSIONS: Mapping[str, str] = {
    "charged": "charged",
    "not_charged": "not charged",
    "charged_other_amount": "charged another amount",
    "given_back": "given back",
    "not_given_back": "not given back",
}
"""The value of a review's conclusion, as it reads: of payments and of refunds."""


_PAGES: Mapping[str, tuple[str, str]] = {
    "routing_policy": ("routing.index", ""),
    "alert_rule": ("alerts.index", ""),
    "alert": ("alerts.index", ""),
    "api_key": ("api_keys.index", ""),
    "policy_trial": ("routing_trials.details", "number"),
    "settlement_import": ("settlement_reports.report_page", "key"),
    "settlement_difference": ("settlement_differences.difference_page", "key"),
    "settlement_mapping": ("settlement_reports.index_view", "provider"),
}
"""The page of a kind of thing, and the name of its id there; none where it is not asked for."""


def done_text(entry: JournalRow, names: Names) -> str:
    """What was done, to be read after the name of who did it: "disabled Alpha"."""
    write = _TEXTS.get(entry.action)
    if write is None:
        return worded(entry.action.replace(".", " "))
    return write(entry.before or {}, entry.after or {}, _thing(entry.subject, names))


def subject_link(subject: str, names: Names) -> Markup | str:
    """The thing that was changed, as a link to its page where it has one."""
    address = _address(subject)
    text = _thing(subject, names)
    return text if address is None else Markup('<a href="{}">{}</a>').format(address, text)


def _thing(subject: str, names: Names) -> str:
    kind, _, key = subject.partition(":")
    match kind:
        case "payment_method" | "circuit" | "payment_method_fee":
            return names.get(key, key)
        case "order" | "transaction" | "staff" | "alert_rule" | "page" | "chart" | "sender":
            return key
        case "data_key":
            return f"data key {key}"
        case "api_key":
            return f"API key {key}"
        case "settlement_import":
            return f"settlement report {key}"
        case "settlement_difference":
            return f"settlement difference {key}"
        case "settlement_mapping":
            return f"{names.get(key, key)}'s settlement reports"
        case "policy_trial":
            return f"trial {key}"
        case "decline_code":
            signal, scheme, code = key.split("/", 2)
            return str(CodeKey.of(scheme, code, SignalKind(signal)))
        case _:
            return worded(subject)


def _address(subject: str) -> str | None:
    kind, _, key = subject.partition(":")
    if kind in _PAGES:
        endpoint, name = _PAGES[kind]
        return _page(endpoint, **({name: key} if name else {}))
    match kind:
        case "order":
            return _page("backoffice_orders.order_page", public_id=key)
        case "transaction":
            return _page("backoffice_transactions.index_view", search=key)
        case "payment_method" | "circuit" | "payment_method_fee":
            return _page("providers.details", code=key)
        case "decline_code":
            signal, scheme, code = key.split("/", 2)
            return _page("decline_codes.details", signal=signal, scheme=scheme, code=code)
        case _ if subject.startswith("job ") and subject[4:].isdecimal():
            return _page("backoffice_jobs.job_page", key=subject[4:])
        case "page" | "sender":
            return None
        case _ if "/" in subject:
            _, _, event_id = subject.partition("/")
            return _page("backoffice_provider_events.index_view", search=event_id)
        case _:
            return None


def _page(endpoint: str, **values: Any) -> str | None:
    """None where this installation has no such page."""
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else None


def _check(_before: Mapping[str, Any], after: Mapping[str, Any], _thing: str) -> str:
    asked, answer = after.get("asked"), after.get("answer")
    if after.get("resolution") == "held_by_another":
        return "asked for a check, while another one was running"
    if asked is None:
        return "asked for a check, but it was settled already"
    if answer is None:
        return f"checked the payment now. {asked_text(asked)}"
    answered = answered_text(answer, after.get("because"))
    return f"checked the payment now. {asked_text(asked)}: {answered}"


def _proposal(_before: Mapping[str, Any], after: Mapping[str, Any], _thing: str) -> str:
    conclusion = CONCLUSIONS.get(str(after.get("conclusion")), "")
    reference = after.get("provider_reference")
    return f"proposed “{conclusion}”" + (f", by the charge {reference}" if reference else "")


def _decision(verb: str) -> Callable[[Mapping[str, Any], Mapping[str, Any], str], str]:
    def text(before: Mapping[str, Any], after: Mapping[str, Any], _thing: str) -> str:
        conclusion = CONCLUSIONS.get(str(after.get("conclusion")), "")
        return f"{verb} the proposal “{conclusion}” of {before.get('proposed_by')}"

    return text


def _refund(verb: str) -> Callable[[Mapping[str, Any], Mapping[str, Any], str], str]:
    def text(_before: Mapping[str, Any], after: Mapping[str, Any], _thing: str) -> str:
        amount = format_money(int(after.get("amount_minor", 0)), str(after.get("currency", "EUR")))
        return f"{verb} a {after.get('kind', 'refund')} of {amount}"

    return text


def _flag(words: str) -> Callable[[Mapping[str, Any], Mapping[str, Any], str], str]:
    def text(before: Mapping[str, Any], _after: Mapping[str, Any], _thing: str) -> str:
        flag = str(before.get("flag", ""))
        return words.format(flag=FLAGS.get(flag, worded(flag)))

    return text


def _plain(words: str) -> Callable[[Mapping[str, Any], Mapping[str, Any], str], str]:
    def text(_before: Mapping[str, Any], _after: Mapping[str, Any], thing: str) -> str:
        return words.format(thing=thing)

    return text


def _passkey(done: str) -> Callable[[Mapping[str, Any], Mapping[str, Any], str], str]:
    def text(_before: Mapping[str, Any], after: Mapping[str, Any], thing: str) -> str:
        return f"{done} the passkey “{after.get('name')}” of {thing}"

    return text


def _renamed(before: Mapping[str, Any], after: Mapping[str, Any], thing: str) -> str:
    return f"renamed the passkey “{before.get('name')}” of {thing} “{after.get('name')}”"


def _policy(_before: Mapping[str, Any], after: Mapping[str, Any], _thing: str) -> str:
    return f"published routing policy version {after.get('version')}"


def _trial_started(_before: Mapping[str, Any], after: Mapping[str, Any], _thing: str) -> str:
    share = after.get("share_percent")
    return f"started the trial “{after.get('name')}” on {share} % of the orders"


def _trial_ended(_before: Mapping[str, Any], after: Mapping[str, Any], _thing: str) -> str:
    adopted = after.get("adopted_version")
    came_of_it = f"adopted the candidate as version {adopted}" if adopted else "kept the control"
    return f"ended the trial “{after.get('name')}” and {came_of_it}"


def _acknowledged(_before: Mapping[str, Any], after: Mapping[str, Any], _thing: str) -> str:
    provider = after.get("provider")
    return f"acknowledged the alert “{after.get('rule')}”" + (f" at {provider}" if provider else "")


def _key(verb: str) -> Callable[[Mapping[str, Any], Mapping[str, Any], str], str]:
    def text(_before: Mapping[str, Any], after: Mapping[str, Any], thing: str) -> str:
        successor = f" by {after['key']}" if "key" in after else ""
        return f"{verb} the {thing} “{after.get('name')}”{successor}"

    return text


def _ruling(_before: Mapping[str, Any], after: Mapping[str, Any], thing: str) -> str:
    return f"ruled that the decline code {thing} means “{worded(str(after.get('meaning', '')))}”"


def _exported(_before: Mapping[str, Any], after: Mapping[str, Any], _thing: str) -> str:
    since, until = after.get("since") or "the first entry", after.get("until") or "then"
    form = str(after.get("format")).upper()
    return f"took the journal away as {form}, from {since} until {until}"


def _roles(before: Mapping[str, Any], after: Mapping[str, Any], thing: str) -> str:
    earlier, now = (", ".join(state.get("roles", ())) for state in (before, after))
    return f"changed the roles of {thing} from {earlier or 'none'} to {now}"


def _ended_sessions(_before: Mapping[str, Any], after: Mapping[str, Any], thing: str) -> str:
    return f"ended sessions of {thing}: {'; '.join(after.get('sessions', ()))}"


_TEXTS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any], str], str]] = {
    "enable_payment_method": _plain("enabled {thing}"),
    "disable_payment_method": _plain("disabled {thing}"),
    "publish_routing_policy": _policy,
    "start_policy_trial": _trial_started,
    "end_policy_trial": _trial_ended,
    "enter_safe_mode": _plain("paused all payments (SAFE mode)"),
    "enter_normal_mode": _plain("ended SAFE mode"),
    "order_cancelled": _plain("cancelled the order"),
    "customer_erased": _plain("erased the customer of {thing}"),
    "customer_revealed": _plain("looked at the customer of {thing}"),
    "customers_exported": _plain("took “{thing}” away as CSV, with the customers' data"),
    "data_key_rotated": _plain("made {thing} for personal data"),
    "data_key_destroyed": _plain("destroyed {thing}: no row needed it any more"),
    "order_flag_dealt_with": _flag("marked the flag “{flag}” as dealt with"),
    "order_flag_reopened": _flag("took the flag “{flag}” up again"),
    "order_note_added": _plain("wrote a note"),
    "transaction_checked": _check,
    "notice.resend": _plain("sent a letter again"),
    "refund_requested": _refund("asked for"),
    "refund_retried": _refund("retried"),
    "refund_recovered": _refund("found at the provider"),
    "refund_proposed": _refund("proposed"),
    "refund_proposal_approved": _refund("agreed to"),
    "refund_proposal_rejected": _refund("rejected"),
    "refund_proposal_withdrawn": _refund("withdrew"),
    "refund_proposal_expired": _refund("ended the proposal, not decided in time, of"),
    "refund_review_proposed": _proposal,
    "refund_review_approved": _decision("approved"),
    "refund_review_rejected": _decision("rejected"),
    "hold_circuit_open": _plain("held the circuit of {thing} open: nothing is sent there"),
    "hold_circuit_closed": _plain("held the circuit of {thing} closed: it is trusted"),
    "release_circuit": _plain("ended the hold of the circuit of {thing}"),
    "change_alert_rule": _plain("changed the alert rule “{thing}”"),
    "acknowledge_alert": _acknowledged,
    "create_api_key": _key("made"),
    "rotate_api_key": _key("replaced"),
    "revoke_api_key": _key("revoked"),
    "rule_on_decline": _ruling,
    "withdraw_decline_ruling": _plain("took back the ruling on the decline code {thing}"),
    "set_provider_fee": _plain("set a fee of {thing}"),
    "review_proposed": _proposal,
    "review_approved": _decision("approved"),
    "review_rejected": _decision("rejected"),
    "provider_event.conclude": _plain("dealt with the provider's event"),
    "create_staff": _plain("opened an account for {thing}"),
    "set_staff_password": _plain("set another password for {thing}"),
    "change_own_password": _plain("changed their own password"),
    "set_staff_roles": _roles,
    "open_staff_account": _plain("opened the account of {thing} again"),
    "close_staff_account": _plain("closed the account of {thing}"),
    "logged_in": _plain("logged in"),
    "logged_out": _plain("logged out"),
    "staff_sessions_ended": _ended_sessions,
    "second_factor_enrolled": _plain("set up a second factor for {thing}"),
    "second_factor_removed": _plain("removed the second factor of {thing}"),
    "passkey_registered": _passkey("registered"),
    "passkey_renamed": _renamed,
    "passkey_removed": _passkey("removed"),
    "recovery_codes_made": _plain("made new recovery codes for {thing}"),
    "recovery_code_used": _plain("used a recovery code of {thing}"),
    "unlock_staff": _plain("unlocked the login of {thing}"),
    "login_locked": _plain("locked the login of {thing} by too many tries"),
    "login_sender_locked": _plain("may not log in from {thing} for a while: too many tries"),
    "login_failed": _plain("could not log in: {thing}"),
    "access_refused": _plain("was refused {thing}"),
    "set_settlement_mapping": _plain("said what the columns of {thing} mean"),
    "settlement_import_started": _plain("let {thing} be read"),
    "settlement_import_run_again": _plain("let {thing} go on"),
    "settlement_undo_started": _plain("began to take {thing} back"),
    "settlement_import_undone": _plain("took {thing} back as a whole"),
    "settlement_import_discarded": _plain("discarded {thing}"),
    "settlement_difference_resolved": _plain("resolved the {thing}"),
    "settlement_difference_reopened": _plain("took the {thing} up again"),
    "settlement_difference_settled": _plain("found the {thing} settled"),
    "journal_exported": _exported,
    "figures_exported": _plain("took the figures of “{thing}” away as a file"),
}
