"""What the files of the providers' events hold of each: not its body, which its page shows."""

from collections.abc import Iterator, Mapping, Sequence

from payorch.infrastructure.persistence.tables.webhook_events import WebhookEventRow
from payorch.presentation.export_cells import Cell, text_cell, time_cell

EVENT_COLUMNS = (
    *("event", "received_at", "provider", "event_type", "source", "subject", "our_reference"),
    *("order", "provider_reference", "state", "note", "processed_at"),
)


def event_cells(
    rows: Sequence[WebhookEventRow], orders: Mapping[str, str]
) -> Iterator[Sequence[Cell]]:
    """`orders` are the public ids of orders by our references."""
    for row in rows:
        yield [
            row.event_id,
            time_cell(row.received_at),
            row.provider_code,
            row.event_type,
            row.source,
            row.subject,
            text_cell(row.our_reference),
            orders.get(row.our_reference or "", ""),
            text_cell(row.provider_reference),
            row.state.value,
            text_cell(row.note),
            time_cell(row.processed_at),
        ]
