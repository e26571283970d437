"""The providers: their settings to read, and the switch that takes one out of the routing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_sqlalchemy import SQLAlchemy

from payorch.application.change_provider_fees import ChangeProviderFee
from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.domain.errors import InvalidFee, InvalidMoney, PaymentMethodNotFound, ReasonRequired
from payorch.domain.payment_method import Capabilities, PaymentMethodVO
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.routing.circuit_texts import health_of
from payorch.presentation.backoffice.routing.circuits import circuit_context
from payorch.presentation.backoffice.routing.last_switch import last_switch
from payorch.presentation.backoffice.routing.method_switch import switch_method
from payorch.presentation.backoffice.routing.provider_fees import FeeForm, fee_context
from payorch.presentation.backoffice.routing.rule_words import KIND_LABELS
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.backoffice.shell.base_view import BackofficeView
from payorch.presentation.money_format import format_money
from payorch.presentation.services import services


@dataclass(frozen=True, slots=True)
class Setting:
    label: str
    text: str
    note: str = ""


class ProvidersView(BackofficeView):
    required_permission = Permission.READ_ROUTING

    def __init__(self, session: SQLAlchemy) -> None:
        self._session = session
        super().__init__(
            name="All providers", category="Providers", endpoint="providers", url="providers"
        )

    @expose("/")
    def index(self) -> ResponseReturnValue:
        configuration = services().registry.configuration()
        page: str = self.render(
            "backoffice/providers.html",
            methods=configuration.methods,
            places={entry.provider_code: entry for entry in configuration.policy.entries},
            health={
                m.code: health_of(services().circuits.view(m.code)) for m in configuration.methods
            },
            kind_labels=KIND_LABELS,
            all_or_list=all_or_list,
            **_rights(),
        )
        return page

    @expose("/<code>")
    def details(self, code: str) -> ResponseReturnValue:
        return self._details(code)

    @expose("/<code>/fees", methods=["POST"])
    def set_fee(self, code: str) -> ResponseReturnValue:
        if not staff_may(Permission.CHANGE_ROUTING):
            abort(403)
        form = FeeForm.posted(request.form)
        try:
            services().change_fees.execute(
                ChangeProviderFee(form.fee(code), current_staff().email, form.reason)
            )
        except PaymentMethodNotFound:
            abort(404)
        except (InvalidFee, InvalidMoney, ReasonRequired) as error:
            return self._details(code, form, error.message), 422
        flash("The fee is stored. Costs are counted with it from now on.", "success")
        return redirect(url_for(f"{self.endpoint}.details", code=code), code=303)

    def _details(self, code: str, form: FeeForm | None = None, problem: str = "") -> str:
        try:
            method = services().registry.method(code)
        except PaymentMethodNotFound:
            abort(404)
        page: str = self.render(
            "backoffice/provider.html",
            method=method,
            **circuit_context(code),
            **fee_context(code, form, problem),
            settings=settings_of(method),
            capabilities=capabilities_of(method.capabilities),
            last_switch=last_switch(self._session.session, code),
            place=services().registry.configuration().policy.place_of(code),
            **_rights(),
        )
        return page

    @expose("/switch", methods=["POST"])
    def switch(self) -> ResponseReturnValue:
        if not staff_may(Permission.CHANGE_ROUTING):
            abort(403)
        switch_method(request.form)
        return redirect(url_for(f"{self.endpoint}.index"), code=303)


def settings_of(method: PaymentMethodVO) -> list[Setting]:
    return [
        Setting("Code", method.code, "stored with each attempt; never changes"),
        Setting("Kind", KIND_LABELS[method.kind]),
        Setting("Connector and account", f"{method.connector} / {method.account}"),
        Setting("Countries", all_or_list(method.countries)),
        Setting("Currencies", all_or_list(method.currencies)),
        Setting("Amount limits", _limits(method)),
        Setting("Fields it requires", ", ".join(method.required_fields) or "none"),
        Setting(
            "Timeout", f"{method.timeout_s:g} s", "of one call; after it the outcome is unknown"
        ),
        Setting(
            "Calls at once",
            f"{method.max_concurrency}",
            "in each process; more are refused, and the next provider is tried",
        ),
    ]


def capabilities_of(capabilities: Capabilities) -> list[Setting]:
    window_h = capabilities.idempotency_window_s / 3600
    return [
        Setting(
            "Same request again",
            f"safe for {window_h:g} h" if window_h else "never safe",
            "gives the same payment",
        ),
        Setting("Found by our reference", _yes(is_true=capabilities.find_by_reference)),
        Setting(
            "Cancel by our reference",
            _yes(is_true=capabilities.cancel_by_reference),
            "also refuses a later arrival",
        ),
        Setting("Cancel by its own id", _yes(is_true=capabilities.cancel_by_id)),
        Setting("Void", _yes(is_true=capabilities.void)),
        Setting("Refund", _yes(is_true=capabilities.refund)),
        Setting("Card typed on its own page", _yes(is_true=capabilities.hosted_page)),
    ]


def all_or_list(codes: Sequence[str] | frozenset[str]) -> str:
    return ", ".join(sorted(codes)) or "all"


def _limits(method: PaymentMethodVO) -> str:
    texts = []
    for currency, limits in sorted(method.amount_limits.items()):
        low, high = (
            None if bound is None else format_money(bound, currency)
            for bound in (limits.min_minor, limits.max_minor)
        )
        if low and high:
            texts.append(f"{low} to {high}")
        elif low or high:
            texts.append(f"from {low}" if low else f"up to {high}")
    return "; ".join(texts) or "none"


def _yes(*, is_true: bool) -> str:
    return "yes" if is_true else "no"


def _rights() -> dict[str, Any]:
    return {
        "may_change": staff_may(Permission.CHANGE_ROUTING),
        "max_reason_length": MAX_REASON_LENGTH,
    }
