"""While a customer waits for a lookup, her thread is one of those that her provider may hold."""

from payorch.application.payment_result import ResultKind
from payorch.domain.payment_method import Capabilities
from tests.scripted_provider import LOST, answer, listed, payment, scripted_shop
from tests.shop import a_method

SEARCH = Capabilities(find_by_reference=True)


class HangsAtAlpha:
    """alpha loses each answer; while it is asked about the first payment, another one comes."""

    def __init__(self) -> None:
        self.meanwhile = lambda: None

    def __call__(self, call):
        if call.account == "beta":
            return answer(201, payment(call.reference, f"p_{call.reference}"))
        if call.operation == "charge":
            raise LOST
        come, self.meanwhile = self.meanwhile, lambda: None
        come()
        return listed()


def test_a_provider_that_loses_answers_holds_no_more_threads_than_its_places(database):
    provider = HangsAtAlpha()
    methods = [
        a_method("alpha", capabilities=SEARCH, max_concurrency=1),
        a_method("beta", capabilities=SEARCH),
    ]
    shop = scripted_shop(database, provider, methods)
    others = []
    provider.meanwhile = lambda: others.append(shop.pay())

    waiting = shop.pay()

    assert waiting.kind is ResultKind.CONFIRMING
    [other] = others
    assert other.kind is ResultKind.PAID
    assert shop.statuses(other.order_id) == [("alpha", "not_sent"), ("beta", "approved")]
