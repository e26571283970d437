"""The `payorch` command with one deliberate mistake: no answer is taken for "not charged".

It is the first idea of many a payment page: on a timeout, try the next provider. And what such a
page does not have is taken away: the comparison with the providers' books, which finds the second
charge and gives it back. The chaos test runs it as a control: a harness that sees no double charges
here would see none anywhere.

Run as `python -m tests.chaos.naive_payorch serve ...`.
"""

from dataclasses import replace

from payorch.application.compare_providers import CompareProvidersUseCase
from payorch.application.provider_gateway import Answer, ChargeRequest
from payorch.application.verify_providers import ProviderComparison
from payorch.cli import main
from payorch.domain.outcome import NotSent, NotSentReason, Unknown
from payorch.infrastructure.gateways.adapter import PaymentGatewayAdapter
from tests.chaos.honest_payorch import connect

_honest_charge = PaymentGatewayAdapter.charge


def naive_charge(
    self: PaymentGatewayAdapter,
    request: ChargeRequest,
    *,
    timeout_s: float,
    ignore_circuit: bool = False,
) -> Answer:
    answer = _honest_charge(self, request, timeout_s=timeout_s, ignore_circuit=ignore_circuit)
    if isinstance(answer.outcome, Unknown):
        return replace(answer, outcome=NotSent(NotSentReason.NOT_PROCESSED))
    return answer


def compare_nothing(self: CompareProvidersUseCase) -> ProviderComparison:
    return ProviderComparison()


if __name__ == "__main__":
    PaymentGatewayAdapter.charge = naive_charge
    CompareProvidersUseCase.execute = compare_nothing
    connect()
    main()
