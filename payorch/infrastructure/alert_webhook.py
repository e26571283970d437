"""Alerts to a webhook of the merchant's, signed so that the receiver knows who sent them.

The form is that of the Standard Webhooks specification 1.0.0: `webhook-id` is the same each time
one alert is sent, and `webhook-signature` is "v1," and the base64 HMAC-SHA256 of
"id.timestamp.body".
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

import urllib3
from urllib3.exceptions import HTTPError

from payorch.application.ports import Clock
from payorch.application.staff_alerts import AlertNotTaken
from payorch.infrastructure.public_addresses import public_pool

TIMEOUT_S = 10.0
_CONNECTIONS = 2
_KEY_PREFIX = "whsec_"


class SignedAlertWebhook:
    """`secret` as it is, or "whsec_" and base64. Redirects are not followed: they could lead the
    facts to somebody else. Unless it `may_be_private`, the receiver has public addresses only.
    """

    def __init__(
        self, url: str, secret: str, clock: Clock, *, may_be_private: bool = False
    ) -> None:
        self._url = url
        self._key = (
            base64.b64decode(secret.removeprefix(_KEY_PREFIX))
            if secret.startswith(_KEY_PREFIX)
            else secret.encode()
        )
        self._clock = clock
        self._pool = (
            urllib3.PoolManager(num_pools=1, maxsize=_CONNECTIONS, retries=False)
            if may_be_private
            else public_pool(connections=_CONNECTIONS)
        )

    def __call__(self, alert_id: str, name: str, facts: Mapping[str, str]) -> None:
        """Raises AlertNotTaken for anything but a 2xx."""
        body = json.dumps({"type": f"alert.{name}", "data": dict(facts)}, sort_keys=True).encode()
        try:
            answer = self._pool.request(
                "POST",
                self._url,
                body=body,
                headers=self._headers(alert_id, body),
                timeout=urllib3.Timeout(total=TIMEOUT_S),
                redirect=False,
                retries=False,
                preload_content=False,
            )
        except HTTPError as problem:
            raise AlertNotTaken(f"no answer: {type(problem).__name__}") from problem
        status = answer.status
        answer.close()
        if not 200 <= status < 300:
            raise AlertNotTaken(f"answered {status}")

    def _headers(self, alert_id: str, body: bytes) -> dict[str, str]:
        timestamp = str(int(self._clock.now().timestamp()))
        signed = b".".join((alert_id.encode(), timestamp.encode(), body))
        digest = hmac.new(self._key, signed, hashlib.sha256).digest()
        return {
            "Content-Type": "application/json",
            "webhook-id": alert_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        }
