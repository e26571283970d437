"""Needs attention: the work queues, each with its count and the way to its list."""

from flask import current_app, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_sqlalchemy import SQLAlchemy

from payorch.presentation.backoffice.notices.switched_off import switched_off_providers
from payorch.presentation.backoffice.notices.work_queues import (
    COUNT_CAP,
    QUEUES,
    WorkQueue,
    queue_counts,
)
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.access import staff_may
from payorch.presentation.backoffice.shell.base_view import BackofficeView
from payorch.presentation.services import services


class AttentionView(BackofficeView):
    required_permission = Permission.READ_PAYMENTS

    def __init__(self, session: SQLAlchemy) -> None:
        self._session = session
        super().__init__(name="Needs attention", endpoint="attention", url="attention")

    def menu_count(self) -> int:
        counts = self._counts()
        return sum(counts[queue.name] for queue in _queues_of_staff())

    @expose("/")
    def index(self) -> ResponseReturnValue:
        counts, queues = self._counts(), _queues_of_staff()
        page: str = self.render(
            "backoffice/attention.html",
            queues=[
                (queue, counts[queue.name], count_text(counts[queue.name]), address_of(queue))
                for queue in queues
            ],
            switched_off=switched_off_providers(self._session.session)
            if staff_may(Permission.READ_ROUTING)
            else (),
            is_quiet=not any(counts[queue.name] for queue in queues),
        )
        return page

    def _counts(self) -> dict[str, int]:
        return queue_counts(self._session.session, services().clock.now())


def _queues_of_staff() -> list[WorkQueue]:
    return [queue for queue in QUEUES if staff_may(queue.permission)]


def count_text(count: int) -> str:
    return f"{COUNT_CAP - 1}+" if count >= COUNT_CAP else str(count)


def address_of(queue: WorkQueue) -> str | None:
    """None where this installation has no such list."""
    if queue.endpoint not in current_app.view_functions:
        return None
    address: str = url_for(queue.endpoint, **queue.filters)  # type: ignore[arg-type]  # url_for's own keywords start with "_", filters never do
    return address
