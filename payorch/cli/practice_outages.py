"""Outages of the practice provider, as an operator would script them."""

import json

import urllib3

from payorch.sandbox_provider.settings import DEFAULT_ADMIN_KEY


class PracticeOperator:
    def __init__(self, base_url: str, admin_key: str = DEFAULT_ADMIN_KEY) -> None:
        self._base_url = base_url
        self._headers = {"X-Sandbox-Admin": admin_key, "Content-Type": "application/json"}

    def start_outage(self, account: str, fault: str, *, share: float, lasts_s: float) -> bool:
        """False when the practice provider could not be told; the demo goes on without."""
        outage = {"account": account, "fault": fault, "share": share, "lasts_s": lasts_s}
        return self._send("POST", "/admin/outages", outage)

    def answer_at_once(self, accounts: list[str]) -> bool:
        """No latency any more, for runs that shall be quick."""
        return all(
            self._send("PATCH", f"/admin/profiles/{account}", {"latency": None})
            for account in accounts
        )

    def _send(self, method: str, path: str, body: dict[str, object]) -> bool:
        try:
            answer = urllib3.request(
                method,
                self._base_url + path,
                body=json.dumps(body),
                headers=self._headers,
                timeout=5.0,
                retries=False,
            )
        except urllib3.exceptions.HTTPError:
            return False
        return answer.status < 300
