"""Which verifier proves the events of which payment method."""

from collections.abc import Callable, Mapping, Sequence

from payorch.application.ports import Clock
from payorch.application.provider_events import WebhookVerifier
from payorch.domain.payment_method import PaymentMethodVO
from payorch.infrastructure.gateways.sandbox.webhooks import SandboxWebhookVerifier, signing_keys

VerifierFactory = Callable[[PaymentMethodVO], WebhookVerifier | None]


def sandbox_verifiers(secret: str, *, clock: Clock, tolerance_s: float) -> VerifierFactory:
    """Verifiers of the practice provider's events. `{account}` in `secret` is the account's name.

    `secret` may be a comma-separated list, for a rotation. An empty one takes no events at all.
    """

    def verifier_for(method: PaymentMethodVO) -> WebhookVerifier | None:
        keys: Sequence[bytes] = signing_keys(secret.replace("{account}", method.account))
        if not keys:
            return None
        return SandboxWebhookVerifier(
            account=method.account, keys=keys, clock=clock, tolerance_s=tolerance_s
        )

    return verifier_for


class ConnectorWebhookVerifiers:
    """Verifiers by the method's connector; a connector without one sends no events."""

    def __init__(self, factories: Mapping[str, VerifierFactory]) -> None:
        self._factories = factories

    def verifier_for(self, method: PaymentMethodVO) -> WebhookVerifier | None:
        factory = self._factories.get(method.connector)
        return None if factory is None else factory(method)
