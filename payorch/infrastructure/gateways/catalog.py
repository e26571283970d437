"""Which connector serves which payment method, and one adapter for each."""

from collections.abc import Callable, Mapping
from threading import Lock

from payorch.application.ports import Clock
from payorch.domain.errors import PaymentMethodNotFound
from payorch.domain.payment_method import MethodKind, PaymentMethodVO
from payorch.infrastructure.gateways.adapter import PaymentGatewayAdapter
from payorch.infrastructure.gateways.bulkhead import Bulkhead
from payorch.infrastructure.gateways.connector import Connector
from payorch.infrastructure.gateways.exchange import ProviderExchange
from payorch.infrastructure.gateways.http_transport import ProviderTransport
from payorch.infrastructure.gateways.provider_circuits import ProviderCircuits
from payorch.infrastructure.gateways.refund_adapter import RefundGatewayAdapter
from payorch.infrastructure.gateways.sandbox import SandboxConnector

ConnectorFactory = Callable[[PaymentMethodVO], Connector]
_Key = tuple[str, str, str, int]

_SANDBOX_METHODS = {
    MethodKind.CARD: "card",
    MethodKind.WALLET: "wallet",
    MethodKind.BANK_REDIRECT: "bank_redirect",
    MethodKind.CRYPTO: "bank_redirect",
}


def sandbox_connectors(base_url: str, api_key: str) -> ConnectorFactory:
    """Connectors to the practice provider. `{account}` in `api_key` is the account's name."""

    def connector_for(method: PaymentMethodVO) -> Connector:
        return SandboxConnector(
            base_url=base_url,
            account=method.account,
            api_key=api_key.replace("{account}", method.account),
            method=_SANDBOX_METHODS[method.kind],
        )

    return connector_for


class ConnectorCatalog:
    """Adapters by payment method, made at first use. A changed setting makes a new one."""

    def __init__(
        self,
        *,
        connectors: Mapping[str, ConnectorFactory],
        transport: ProviderTransport,
        circuits: ProviderCircuits,
        clock: Clock,
        log_failure: Callable[[str, Mapping[str, str | int | None]], None],
    ) -> None:
        self._connectors = connectors
        self._transport = transport
        self._circuits = circuits
        self._clock = clock
        self._log_failure = log_failure
        self._lock = Lock()
        self._adapters: dict[_Key, tuple[PaymentGatewayAdapter, RefundGatewayAdapter]] = {}

    def is_connected(self, method: PaymentMethodVO) -> bool:
        return method.connector in self._connectors

    def gateway_for(self, method: PaymentMethodVO) -> PaymentGatewayAdapter:
        """The adapter of this method. Raises PaymentMethodNotFound for an unknown connector."""
        return self._adapters_of(method)[0]

    def refund_gateway_for(self, method: PaymentMethodVO) -> RefundGatewayAdapter:
        """Raises PaymentMethodNotFound for an unknown connector."""
        return self._adapters_of(method)[1]

    def _adapters_of(
        self, method: PaymentMethodVO
    ) -> tuple[PaymentGatewayAdapter, RefundGatewayAdapter]:
        key = (method.code, method.connector, method.account, method.max_concurrency)
        with self._lock:
            if key not in self._adapters:
                self._adapters[key] = self._new_adapters(method)
            return self._adapters[key]

    def _new_adapters(
        self, method: PaymentMethodVO
    ) -> tuple[PaymentGatewayAdapter, RefundGatewayAdapter]:
        """Both share the places: refunds must not take more of our threads than payments may."""
        factory = self._connectors.get(method.connector)
        if factory is None:
            raise PaymentMethodNotFound(f"No connector is called {method.connector!r} here.")
        connector, bulkhead = factory(method), Bulkhead(method.max_concurrency)
        payments = PaymentGatewayAdapter(
            provider_code=method.code,
            connector=connector,
            transport=self._transport,
            circuits=self._circuits,
            bulkhead=bulkhead,
            clock=self._clock,
            log_failure=self._log_failure,
        )
        refunds = RefundGatewayAdapter(
            provider_code=method.code,
            connector=connector,
            exchanges=ProviderExchange(self._transport, self._clock),
            bulkhead=bulkhead,
            log_failure=self._log_failure,
        )
        return payments, refunds
