"""The part of the routing board that shows a replay of its draft."""

from flask import get_template_attribute

from payorch.presentation.backoffice.routing.replay_texts import ReplayText

STREAM_TYPE = "application/x-ndjson"

DAYS = (1, 7, 14, 30)
USUAL_DAYS = 7


def days_of(text: str) -> int:
    """The stretch that was chosen; the usual one for anything else."""
    return int(text) if text in {str(days) for days in DAYS} else USUAL_DAYS


def replay_html(replay: ReplayText) -> str:
    """The result for the board's script to put in its place."""
    macro = get_template_attribute("backoffice/routing_replay_parts.html", "result")
    return str(macro(replay))
