"""Customers' personal data: sealing it anew, showing it with a reason, and erasing it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from payorch.application.erase_customer import EraseCustomerUseCase
from payorch.application.jobs import (
    DAY_S,
    ERASE_OLD_CUSTOMERS,
    HOUR_S,
    SEAL_PERSONAL_DATA,
    JobHandler,
    Schedule,
)
from payorch.application.reveal_customers import RevealCustomersUseCase
from payorch.application.seal_personal_data import SealPersonalDataUseCase
from payorch.config import Settings
from payorch.infrastructure.persistence.access_journal import SqlAlchemyAccessJournal
from payorch.infrastructure.persistence.erasure_book import SqlAlchemyErasureBook
from payorch.infrastructure.persistence.order_reader import SqlAlchemyOrderReader
from payorch.infrastructure.persistence.sealing_book import SqlAlchemySealingBook
from payorch.wiring.base import Base

PERSONAL_DATA_SCHEDULES = (
    Schedule(SEAL_PERSONAL_DATA, HOUR_S),
    Schedule(ERASE_OLD_CUSTOMERS, DAY_S),
)


@dataclass(frozen=True, slots=True)
class PersonalDataWork:
    seal: SealPersonalDataUseCase
    erase: EraseCustomerUseCase
    reveal: RevealCustomersUseCase

    @property
    def handlers(self) -> Mapping[str, JobHandler]:
        return {
            SEAL_PERSONAL_DATA.name: self.seal.handle,
            ERASE_OLD_CUSTOMERS.name: self.erase.handle,
        }


def personal_data_work(settings: Settings, base: Base) -> PersonalDataWork:
    days = settings.keep_personal_data_days
    return PersonalDataWork(
        seal=SealPersonalDataUseCase(
            SqlAlchemySealingBook(base.transactions, base.data_keys), base.jobs, base.clock
        ),
        erase=EraseCustomerUseCase(
            SqlAlchemyErasureBook(base.transactions),
            base.clock,
            keep=timedelta(days=days) if days else None,
        ),
        reveal=RevealCustomersUseCase(
            SqlAlchemyOrderReader(base.database, base.personal_data),
            SqlAlchemyAccessJournal(base.transactions),
            base.clock,
        ),
    )
