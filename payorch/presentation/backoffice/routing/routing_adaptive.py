"""Adaptive routing: the shares as they stand, and the form of its guard rails.

The form changes the draft of the person alone; it is published on the board, with the reason.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.application.adapt_routing import Arm, SegmentShares
from payorch.application.configuration import Configuration
from payorch.domain.adaptive_shares import AdaptiveMode, AdaptiveSettings
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.routing.adaptive_form import AdaptiveForm
from payorch.presentation.backoffice.routing.kept_draft import keep, kept_draft
from payorch.presentation.backoffice.routing.policy_difference import adaptive_difference
from payorch.presentation.backoffice.routing.rule_words import KIND_LABELS, adaptive_in_words
from payorch.presentation.backoffice.shell.access import staff_may
from payorch.presentation.backoffice.shell.base_view import BackofficeView
from payorch.presentation.services import services

MODE_TEXTS = (
    (AdaptiveMode.OFF, "Off", "The policy's order decides."),
    (
        AdaptiveMode.SHADOW,
        "Shadow",
        "The shares are worked out and shown here; the policy's order decides. Begin with this.",
    ),
    (AdaptiveMode.ON, "On", "The first provider of an order is drawn by the shares."),
)


@dataclass(frozen=True, slots=True)
class ArmLine:
    """`widths` are of the bars, in whole percent."""

    name: str
    policy_share: str
    share: str
    width: int
    approval: str
    basis: str
    chance: str
    is_demoted: bool


@dataclass(frozen=True, slots=True)
class SegmentTable:
    title: str
    updated_at: datetime | None
    arms: tuple[ArmLine, ...]


class RoutingAdaptiveView(BackofficeView):
    required_permission = Permission.READ_ROUTING

    def is_visible(self) -> bool:
        """It is reached from the board, not from the menu."""
        return False

    @expose("/")
    def index(self) -> ResponseReturnValue:
        configuration = services().registry.configuration()
        draft = kept_draft(configuration).draft
        return self._page(configuration, AdaptiveForm.of(draft.adaptive))

    @expose("/save", methods=["POST"])
    def save(self) -> ResponseReturnValue:
        if not staff_may(Permission.CHANGE_ROUTING):
            abort(403)
        configuration = services().registry.configuration()
        form = AdaptiveForm.read(request.form)
        if form.settings is None:
            return self._page(configuration, form), 422
        keep(kept_draft(configuration).draft.with_adaptive(form.settings), configuration)
        if form.settings == configuration.policy.adaptive:
            flash("That is in force already.", "success")
        else:
            flash("That is in your draft. It is not in force before you publish it.", "success")
        return redirect(url_for(f"{self.endpoint}.index"), code=303)

    def _page(self, configuration: Configuration, form: AdaptiveForm) -> str:
        policy = configuration.policy
        names = {method.code: method.display_name for method in configuration.methods}
        stored = services().adaptive_shares.all()
        page: str = self.render(
            "backoffice/routing_adaptive.html",
            version=policy.version,
            mode=policy.adaptive.mode,
            in_force=adaptive_in_words(policy.adaptive),
            form=form,
            modes=MODE_TEXTS,
            changes=_changes(configuration),
            segments=[
                _table(shares, names, policy.adaptive)
                for shares in stored
                if shares.policy_version == policy.version
            ],
            may_change=staff_may(Permission.CHANGE_ROUTING),
        )
        return page


def _changes(configuration: Configuration) -> list[str]:
    draft = kept_draft(configuration).draft
    return adaptive_difference(configuration.policy.adaptive, draft.adaptive)


def _table(
    shares: SegmentShares, names: Mapping[str, str], settings: AdaptiveSettings
) -> SegmentTable:
    title = f"{shares.segment.currency}, {KIND_LABELS[shares.segment.kind].lower()}"
    return SegmentTable(title, shares.updated_at, tuple(_lines(shares.arms, names, settings)))


def _lines(
    arms: Mapping[str, Arm], names: Mapping[str, str], settings: AdaptiveSettings
) -> Iterator[ArmLine]:
    for code, arm in sorted(arms.items(), key=lambda item: -item[1].share):
        knows = arm.finished >= settings.min_sample
        yield ArmLine(
            name=names.get(code, code),
            policy_share=f"{arm.policy_share:.1%}",
            share=f"{arm.share:.1%}",
            width=round(100 * arm.share),
            approval=f"{arm.approved / arm.finished:.1%}" if knows else "not enough data",
            basis=f"n = {arm.finished:,.0f}"
            + ("" if knows else f" of {settings.min_sample:,} needed"),
            chance=f"{arm.chance_of_best:.1%}" if knows else "-",
            is_demoted=arm.is_demoted,
        )
