"""Finance uploads a provider's settlement report, says what its columns mean, and starts it.

The same bytes are taken once: who uploads them again is led to the first import.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import BinaryIO

from payorch.application.payment_method_registry import PaymentMethodRegistry
from payorch.application.ports import Clock
from payorch.application.settlement_file import DELIMITERS, Sample, checked_file, pieces_of
from payorch.application.settlement_file import sample_of as sample_of_pieces
from payorch.application.settlement_reports import (
    ImportState,
    SettlementFiles,
    SettlementImport,
    StoredMapping,
)
from payorch.domain.errors import (
    InvalidSettlementMapping,
    SettlementFileRefused,
    SettlementImportChanged,
)
from payorch.domain.payment_method import PaymentMethodVO
from payorch.domain.settlement_mapping import RowReader, SettlementMapping

STALE_AFTER = timedelta(days=1)
MAX_FILE_NAME = 120
_SAMPLE_PIECES = 2


@dataclass(frozen=True, slots=True)
class Uploaded:
    import_id: int
    is_known: bool


class ReceiveSettlementUseCase:
    def __init__(
        self,
        files: SettlementFiles,
        registry: PaymentMethodRegistry,
        clock: Clock,
        *,
        max_bytes: int,
    ) -> None:
        self._files = files
        self._registry = registry
        self._clock = clock
        self.max_bytes = max_bytes

    def upload(
        self, provider_code: str, *, file_name: str, stream: BinaryIO, actor: str
    ) -> Uploaded:
        """`stream` is read twice, so it has to be one that can be rewound.

        Kept in pieces, each in a transaction of its own: payments do not wait for a large file.
        Raises PaymentMethodNotFound and SettlementFileRefused.
        """
        provider_code = self._account_code(provider_code)
        checked = checked_file(pieces_of(stream), max_bytes=self.max_bytes)
        known = self._files.known_file(provider_code, checked.hash)
        if known is not None:
            return Uploaded(known, is_known=True)
        now = self._clock.now()
        self._files.drop_stale_uploads(before=now - STALE_AFTER)
        name = "".join(c for c in file_name if c.isprintable())[-MAX_FILE_NAME:]
        import_id = self._files.begin_upload(
            provider_code, file_name=name or "report.csv", actor=actor, at=now
        )
        stream.seek(0)
        for number, piece in enumerate(pieces_of(stream)):
            self._files.add_piece(import_id, number, piece)
        is_first = self._files.finish_upload(
            import_id, file_hash=checked.hash, size_bytes=checked.size_bytes
        )
        if is_first:
            return Uploaded(import_id, is_known=False)
        first = self._files.known_file(provider_code, checked.hash)
        if first is None:
            raise SettlementFileRefused("Somebody else uploaded it just now. Upload it again.")
        return Uploaded(first, is_known=True)

    def sample(self, import_id: int, delimiter: str | None = None) -> Sample:
        """Raises SettlementFileRefused and SettlementImportChanged."""
        self._waiting(import_id)
        if delimiter not in DELIMITERS:
            delimiter = None
        beginning = islice(self._files.pieces(import_id), _SAMPLE_PIECES)
        return sample_of_pieces(beginning, delimiter)

    def proposed(self, provider_code: str) -> StoredMapping | None:
        """The mapping that was used last; it need not fit."""
        return self._files.latest_mapping(provider_code)

    def start(
        self, import_id: int, mapping: SettlementMapping, *, delimiter: str, actor: str
    ) -> None:
        """Raises InvalidSettlementMapping, SettlementFileRefused and SettlementImportChanged."""
        if delimiter not in DELIMITERS:
            raise InvalidSettlementMapping("Choose what parts the columns.")
        RowReader(mapping, self.sample(import_id, delimiter).header)
        self._files.start(
            import_id, mapping, delimiter=delimiter, actor=actor, at=self._clock.now()
        )

    def run_again(self, import_id: int, *, actor: str) -> None:
        """For an import that stands still. Harmless while it runs. Raises like `start`."""
        self._files.run_again(import_id, actor=actor, at=self._clock.now())

    def discard(self, import_id: int, *, actor: str) -> None:
        """Raises SettlementImportChanged when it was started already."""
        self._files.discard(import_id, actor=actor, at=self._clock.now())

    def accounts(self) -> Sequence[Sequence[PaymentMethodVO]]:
        """The methods of each account at a provider; the first one's code stands for all."""
        by_account: dict[tuple[str, str], list[PaymentMethodVO]] = {}
        methods = self._registry.configuration().methods
        for method in sorted(methods, key=lambda method: method.code):
            by_account.setdefault((method.connector, method.account), []).append(method)
        return list(by_account.values())

    def _account_code(self, provider_code: str) -> str:
        """Raises PaymentMethodNotFound."""
        method = self._registry.method(provider_code)
        return next(
            account[0].code for account in self.accounts() if method.code in _codes(account)
        )

    def _waiting(self, import_id: int) -> SettlementImport:
        report = self._files.find(import_id)
        if report is None or report.state is not ImportState.UPLOADED:
            raise SettlementImportChanged("This report was started or discarded meanwhile.")
        return report


def _codes(methods: Sequence[PaymentMethodVO]) -> set[str]:
    return {method.code for method in methods}
