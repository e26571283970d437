"""The merchant's settlement report, to download."""

import re
from datetime import date

from flask import Response, request

from payorch.sandbox_provider.api_errors import invalid
from payorch.sandbox_provider.merchant_api import merchant_blueprint
from payorch.sandbox_provider.sandbox import the_profile, the_sandbox
from payorch.sandbox_provider.settlement_report import Wanted, report_lines

settlements = merchant_blueprint("settlements")


@settlements.get("/settlements.csv")
def report() -> Response:
    """Of the days `since` to `until`, both included; without them, of all days."""
    wanted = Wanted(
        the_profile().account,
        **{name: day for name in ("since", "until") if (day := _day(name)) is not None},
    )
    return Response(report_lines(the_sandbox().ledger, wanted), mimetype="text/csv")


def _day(name: str) -> str | None:
    text = request.args.get(name)
    if not text:
        return None
    try:
        if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise invalid("invalid_day", "A day such as 2030-01-31 is needed.", param=name)
