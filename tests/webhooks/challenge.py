"""What a customer does on the practice provider's own page."""

from urllib.parse import urlencode

import urllib3


def press(decision: str, redirect_url: str) -> str:
    """Approve or refuse; where the provider's page then sends the customer, with its query."""
    page, _, token = redirect_url.partition("?token=")
    answer = urllib3.request(
        "POST",
        page,
        body=urlencode({"decision": decision, "token": token}),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        redirect=False,
    )
    assert answer.status == 303
    return answer.headers["Location"]
