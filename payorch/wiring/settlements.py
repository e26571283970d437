"""Settlement reports: receiving them, reading them in the background, and their differences."""

from collections.abc import Mapping
from dataclasses import dataclass

from payorch.application.change_provider_fees import ProviderFeeRepository
from payorch.application.import_settlement import ImportSettlementUseCase
from payorch.application.jobs import IMPORT_SETTLEMENT, UNDO_SETTLEMENT, JobHandler
from payorch.application.receive_settlement import ReceiveSettlementUseCase
from payorch.application.settle_differences import SettleDifferencesUseCase
from payorch.application.undo_settlement import UndoSettlementUseCase
from payorch.config import Settings
from payorch.infrastructure.persistence.difference_desk import SqlAlchemyDifferenceDesk
from payorch.infrastructure.persistence.settlement_book import SqlAlchemySettlementBook
from payorch.infrastructure.persistence.settlement_files import SqlAlchemySettlementFiles
from payorch.infrastructure.persistence.settlement_undo import SqlAlchemySettlementUndo
from payorch.wiring.base import Base

MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Settlements:
    receive: ReceiveSettlementUseCase
    undo: UndoSettlementUseCase
    settle_differences: SettleDifferencesUseCase
    handlers: Mapping[str, JobHandler]


def settlements(settings: Settings, base: Base, fees: ProviderFeeRepository) -> Settlements:
    files = SqlAlchemySettlementFiles(base.transactions)
    book = SqlAlchemySettlementBook(base.transactions)
    importing = ImportSettlementUseCase(
        files=files,
        book=book,
        fees=fees,
        clock=base.clock,
        checkpoint=base.checkpoint,
    )
    undo = UndoSettlementUseCase(
        undo=SqlAlchemySettlementUndo(base.transactions),
        files=files,
        book=book,
        clock=base.clock,
        checkpoint=base.checkpoint,
    )
    return Settlements(
        undo=undo,
        receive=ReceiveSettlementUseCase(
            files, base.registry, base.clock, max_bytes=settings.max_settlement_file_mb * MB
        ),
        settle_differences=SettleDifferencesUseCase(
            SqlAlchemyDifferenceDesk(base.transactions), base.clock
        ),
        handlers={IMPORT_SETTLEMENT.name: importing.execute, UNDO_SETTLEMENT.name: undo.handle},
    )
