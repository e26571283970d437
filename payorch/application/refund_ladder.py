"""How to find out what became of a refund: the resolution ladder of domain.md, for money back.

The first request goes out here as well. After a request that may have arrived, another one is
sent only where the provider makes both one: under the same key inside its window, or a void; or
once more when two people concluded that the earlier one came to nothing, and a search finds none.
"""

from dataclasses import dataclass
from datetime import datetime

from payorch.application.refund_gateway import RefundAnswer, RefundGateway, RefundRequest
from payorch.application.resolution_ladder import WINDOW_MARGIN
from payorch.domain.outcome import UnknownReason
from payorch.domain.payment_method import Capabilities
from payorch.domain.refund import Refund, RefundKind
from payorch.domain.refund_outcome import RefundRefused, RefundUnknown, verified_refund


@dataclass(frozen=True, slots=True)
class RefundLadder:
    """One refund's ladder, as it was read before the lease was taken.

    `named_reference`: the provider's id that an event gave; it counts when what it shows is ours.
    """

    gateway: RefundGateway
    capabilities: Capabilities
    refund: Refund
    now: datetime
    timeout_s: float
    named_reference: str | None = None

    @property
    def may_send(self) -> bool:
        """Whether the climb may send the refund itself, for the first time or again."""
        return self._is_safe_to_send or self.refund.may_send_once_more

    @property
    def _is_safe_to_send(self) -> bool:
        """Whether however many requests are one refund at the provider."""
        refund = self.refund
        if refund.kind is RefundKind.VOID or refund.sent_at is None:
            return True
        age_s = (self.now - refund.sent_at).total_seconds()
        return age_s < self.capabilities.idempotency_window_s * WINDOW_MARGIN

    def climb(self) -> RefundAnswer | None:
        """The answer that says most. None when nobody can be asked any more."""
        if self.refund.kind is RefundKind.VOID:
            return self._void()
        reference = self.refund.provider_reference
        if reference is not None:
            answer = self._read(reference)
            # An id that the provider does not know was no id of ours: the next steps need none.
            if not _is_not_found(answer):
                return answer
        elif (named := self._read_named()) is not None:
            return named
        if self._is_safe_to_send:
            return self._send()
        found = self._find()
        has_found = found is not None and not _is_not_found(found)
        if has_found or not self.refund.may_send_once_more:
            return found
        return self._send()

    def look(self) -> RefundAnswer | None:
        """Only asks, as for a refund that the books have settled: nothing can be sent by this."""
        if self.refund.kind is RefundKind.VOID:
            return self.gateway.read_void(self._request, timeout_s=self.timeout_s)
        reference = self.refund.provider_reference
        if reference is not None:
            return self._read(reference)
        return self._read_named() or self._find()

    def _read(self, reference: str) -> RefundAnswer:
        return self.gateway.read_refund(reference, self._request, timeout_s=self.timeout_s)

    def _read_named(self) -> RefundAnswer | None:
        if self.named_reference is None:
            return None
        answer = self._read(self.named_reference)
        is_ours = not isinstance(verified_refund(answer.outcome, self.refund), RefundUnknown)
        return answer if is_ours else None

    def _send(self) -> RefundAnswer:
        """After an earlier request a refusal that shows no refund is about this request only:
        the earlier one may be why nothing is left to give back, and a search can tell.
        """
        answer = self.gateway.refund(self._request, timeout_s=self.timeout_s)
        if not self.refund.may_have_been_sent or not _shows_nothing(answer):
            return answer
        found = self._find()
        return answer if found is None or _is_not_found(found) else found

    def _void(self) -> RefundAnswer:
        """A payment is voided once however often it is asked for. After an earlier request a
        refusal may only mean that there is nothing left to void.
        """
        answer = self.gateway.void(self._request, timeout_s=self.timeout_s)
        if self.refund.may_have_been_sent and isinstance(answer.outcome, RefundRefused):
            read = self.gateway.read_void(self._request, timeout_s=self.timeout_s)
            if not _is_not_found(read):
                return read
        return answer

    def _find(self) -> RefundAnswer | None:
        if not self.capabilities.find_by_reference:
            return None
        return self.gateway.find_refund(self._request, timeout_s=self.timeout_s)

    @property
    def _request(self) -> RefundRequest:
        return RefundRequest.of(self.refund)


def _shows_nothing(answer: RefundAnswer) -> bool:
    outcome = answer.outcome
    return isinstance(outcome, RefundRefused) and outcome.provider_reference is None


def _is_not_found(answer: RefundAnswer) -> bool:
    outcome = answer.outcome
    return isinstance(outcome, RefundUnknown) and outcome.reason is UnknownReason.NOT_FOUND
