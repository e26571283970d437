"""Orders that end without a payment."""

from payorch.application.end_order import EndOrderUseCase
from payorch.infrastructure.persistence.order_endings import SqlAlchemyOrderEndings
from payorch.infrastructure.persistence.order_reader import SqlAlchemyOrderReader
from payorch.wiring.base import Base

EXPIRE_EVERY_S = 60.0


def order_endings(base: Base) -> EndOrderUseCase:
    return EndOrderUseCase(
        endings=SqlAlchemyOrderEndings(base.transactions),
        orders=SqlAlchemyOrderReader(base.database),
        clock=base.clock,
    )
