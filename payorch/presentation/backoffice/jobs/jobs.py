"""The list of background jobs, with how each queue stands, and the page of one job."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_sqlalchemy import SQLAlchemy
from markupsafe import Markup
from sqlalchemy import ColumnElement, func, select

from payorch.application.job_queue import QueueFigures
from payorch.application.jobs import job_kinds
from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.domain.errors import ReasonRequired
from payorch.infrastructure.persistence.tables.jobs import JobRow, JobState
from payorch.presentation.backoffice.dashboard.metric_texts import age_text
from payorch.presentation.backoffice.jobs.job_export import JOB_CELLS
from payorch.presentation.backoffice.payments import payment_columns as cells
from payorch.presentation.backoffice.payments.payment_filters import time_filters
from payorch.presentation.backoffice.payments.payment_texts import Tone, worded
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.backoffice.shell.base_view import shown_as
from payorch.presentation.backoffice.shell.exact_filters import ChoiceFilter, TextFilter, typed
from payorch.presentation.backoffice.shell.exact_search import keys_found
from payorch.presentation.backoffice.shell.exported_list import ExportedListView
from payorch.presentation.backoffice.shell.keyset_list import SavedView
from payorch.presentation.backoffice.shell.own_lists import OwnListView
from payorch.presentation.export_cells import Cell
from payorch.presentation.page_context import utc_time
from payorch.presentation.services import services

JOBS_ENDPOINT = "backoffice_jobs"

STATES: Mapping[JobState, tuple[str, Tone]] = {
    JobState.READY: ("Waits", "neutral"),
    JobState.RUNNING: ("Running", "warning"),
    JobState.DONE: ("Done", "success"),
    JobState.DEAD: ("Dead", "danger"),
}

_MENU_COUNTS_TO = 99
SHOWN_IN_LIST = 120


class JobsView(ExportedListView, OwnListView):
    required_permission = Permission.READ_JOBS
    # How jobs went is nobody's data: who may read the list may take it away.
    export_permission = Permission.READ_JOBS
    export_name = "background jobs"
    export_columns = tuple(JOB_CELLS)
    list_template = "backoffice/jobs.html"
    search_hint = "Dedup key"
    column_list = ("created_at", "kind", "queue", "state", "attempts", "run_at", "last_error")
    more_columns = ("destination", "dedup_key", "finished_at")
    column_kinds: ClassVar[Mapping[str, str]] = {
        "created_at": "time",
        "kind": "id",
        "attempts": "number",
        "run_at": "time",
        "last_error": "text",
        "dedup_key": "id",
        "finished_at": "time",
    }
    exact_filters = (
        ChoiceFilter(
            name="state",
            label="State",
            choices=lambda: [(state.value, text) for state, (text, _) in STATES.items()],
            where=lambda value: typed(JobRow.state == JobState(value)),
        ),
        ChoiceFilter(
            name="queue",
            label="Queue",
            choices=lambda: [(name, name) for name in _queues()],
            where=lambda value: typed(JobRow.queue == value),
        ),
        ChoiceFilter(
            name="kind",
            label="Kind",
            choices=lambda: [(name, kind_text(name)) for name in sorted(job_kinds())],
            where=lambda value: typed(JobRow.kind == value),
        ),
        TextFilter(
            name="destination", label="Destination", column=JobRow.destination, is_extra=True
        ),
        *time_filters(JobRow.created_at),
    )

    def __init__(self, session: SQLAlchemy) -> None:
        self.column_labels = {
            "created_at": "Enqueued",
            "attempts": "Tries",
            "run_at": "Due",
            "last_error": "Last error",
            "dedup_key": "Dedup key",
            "finished_at": "Finished",
        }
        self.column_formatters = {
            "created_at": shown_as(lambda row: utc_time(row.created_at)),
            "kind": shown_as(_kind),
            "state": shown_as(lambda row: cells.badge(*STATES[row.state])),
            "attempts": shown_as(lambda row: f"{row.attempts} of {row.max_attempts}"),
            "run_at": shown_as(lambda row: utc_time(row.run_at)),
            "last_error": shown_as(lambda row: beginning(row.last_error or "-")),
            "destination": shown_as(lambda row: row.destination or "-"),
            "dedup_key": shown_as(lambda row: row.dedup_key or "-"),
            "finished_at": shown_as(_finished),
        }
        super().__init__(
            JobRow,
            session,
            name="Background jobs",
            category="Records",
            endpoint=JOBS_ENDPOINT,
            url="jobs",
        )

    def export_cells(self, rows: Sequence[JobRow]) -> Iterable[Sequence[Cell]]:
        return ([cell(row) for cell in JOB_CELLS.values()] for row in rows)

    def saved_views(self) -> Sequence[SavedView]:
        return (
            SavedView("All", {}),
            SavedView("Waiting", {"state": JobState.READY.value}),
            SavedView("Running", {"state": JobState.RUNNING.value}),
            SavedView("Dead", {"state": JobState.DEAD.value}),
        )

    def menu_count(self) -> int:
        """Dead jobs; counting ends soon, because each page of the site asks."""
        few = select(JobRow.id).where(JobRow.state == JobState.DEAD).limit(_MENU_COUNTS_TO + 1)
        return int(
            self.session.session.scalar(select(func.count()).select_from(few.subquery())) or 0
        )

    def search_condition(self, text: str) -> ColumnElement[bool]:
        return JobRow.id.in_(keys_found(text, [(select(JobRow.id), JobRow.dedup_key)]))

    def render(self, template: str, **context: Any) -> str:
        """The list also shows how the queues stand."""
        if template == self.list_template:
            context["queues"] = [
                (figures, _oldest(figures)) for figures in services().jobs.figures()
            ]
        page: str = super().render(template, **context)
        return page

    @expose("/<key>")
    def job_page(self, key: str) -> ResponseReturnValue:
        job = self._found(key)
        text, tone = STATES[job.state]
        page: str = self.render(
            "backoffice/job.html",
            job=job,
            kind=kind_text(job.kind),
            state=text,
            tone=tone,
            payload=json.dumps(job.payload, indent=2, ensure_ascii=False, sort_keys=True),
            may_act=job.state is JobState.DEAD and staff_may(Permission.MANAGE_JOBS),
            max_reason_length=MAX_REASON_LENGTH,
        )
        return page

    @expose("/<key>/replay", methods=["POST"])
    def replay(self, key: str) -> ResponseReturnValue:
        return self._act(key, services().replay_job.execute, "The job runs again.")

    @expose("/<key>/discard", methods=["POST"])
    def discard(self, key: str) -> ResponseReturnValue:
        return self._act(key, services().discard_job.execute, "The job was discarded.")

    def _act(self, key: str, action: Callable[..., bool], done: str) -> ResponseReturnValue:
        if not staff_may(Permission.MANAGE_JOBS):
            abort(403)
        job = self._found(key)
        try:
            is_done = action(
                job.id, actor=current_staff().email, reason=request.form.get("reason", "")
            )
        except ReasonRequired as error:
            flash(error.message, "error")
            return redirect(url_for(f"{self.endpoint}.job_page", key=job.id), code=303)
        if is_done:
            flash(done, "success")
        else:
            flash("The job was not dead any more: nothing was done.", "warning")
        return redirect(url_for(f"{self.endpoint}.index_view", state=JobState.DEAD.value), code=303)

    def _found(self, key: str) -> JobRow:
        job = self.find_row(key)
        if not isinstance(job, JobRow):
            abort(404)
        return job


def _kind(job: JobRow) -> Markup:
    address = url_for(f"{JOBS_ENDPOINT}.job_page", key=job.id)
    return cells.with_small_print(cells.link(kind_text(job.kind), address), job.destination)


def _finished(job: JobRow) -> str:
    return "-" if job.finished_at is None else utc_time(job.finished_at)


def kind_text(kind: str) -> str:
    return worded(kind).capitalize()


def _queues() -> list[str]:
    return sorted({kind.queue for kind in job_kinds().values()})


def beginning(text: str) -> str:
    """What fits into a list; the job's page has all of it."""
    return text if len(text) <= SHOWN_IN_LIST else f"{text[:SHOWN_IN_LIST]} ..."


def _oldest(figures: QueueFigures) -> str:
    return age_text(timedelta(seconds=figures.oldest_age_s) if figures.due else None)
