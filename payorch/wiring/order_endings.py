"""What ends an order without a payment, and what staff do at one."""

from payorch.application.end_order import EndOrderUseCase
from payorch.application.resolve_transaction import ResolveTransactionUseCase
from payorch.application.work_on_order import WorkOnOrderUseCase
from payorch.infrastructure.persistence.order_desk import SqlAlchemyOrderDesk
from payorch.infrastructure.persistence.order_endings import SqlAlchemyOrderEndings
from payorch.infrastructure.persistence.order_reader import SqlAlchemyOrderReader
from payorch.wiring.base import Base

EXPIRE_EVERY_S = 60.0


def order_endings(base: Base) -> EndOrderUseCase:
    return EndOrderUseCase(
        endings=SqlAlchemyOrderEndings(base.transactions),
        orders=SqlAlchemyOrderReader(base.database, base.personal_data),
        clock=base.clock,
    )


def work_on_orders(base: Base, resolve: ResolveTransactionUseCase) -> WorkOnOrderUseCase:
    return WorkOnOrderUseCase(
        desk=SqlAlchemyOrderDesk(base.transactions),
        open_attempts=base.open_attempts,
        resolve=resolve,
        clock=base.clock,
    )
