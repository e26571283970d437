"""What a run came to: in full for a reader of the log, and in one line for the README."""

from collections import Counter
from dataclasses import dataclass

from tests.chaos.books import Findings


@dataclass(frozen=True, slots=True)
class Report:
    title: str
    findings: Findings
    orders: Counter[str]
    transactions: Counter[str]
    answers: Counter[str]
    strikes: Counter[str]
    settled_by: Counter[str]
    refunds: Counter[str]
    events: Counter[str]
    lost_answers: int
    open_after_the_storm: int
    settled_in_s: float

    @property
    def kills(self) -> int:
        return self.strikes.total() - self.strikes["database"]

    @property
    def figures(self) -> str:
        found = self.findings.counts()
        return (
            f"{self.title}: {self.orders.total()} orders ({self.orders['paid']} paid), "
            f"{self.kills} processes killed, {self.strikes['database']} database crashes, "
            f"{self.lost_answers} charges not answered for, {self.refunds.total()} refunds; "
            f"{found['charged_twice']} charged twice, {found['charged_but_not_paid']} lost, "
            f"{found['paid_but_not_charged']} falsely paid, "
            f"{found['told_paid_but_not']} falsely told, {found['still_open']} still open, "
            f"{found['refund_sent_twice']} refunded twice, "
            f"{found['broken_invariants']} invariants broken"
        )

    def lines(self) -> list[str]:
        def tally(counter: Counter[str]) -> str:
            return ", ".join(f"{name} {number}" for name, number in counter.most_common()) or "-"

        return [
            self.figures,
            f"orders: {self.orders.total()} ({tally(self.orders)})",
            f"attempts: {self.transactions.total()} ({tally(self.transactions)})",
            f"answers to customers: {tally(self.answers)}",
            f"kill -9: {tally(self.strikes)}",
            f"proofs found later: {tally(self.settled_by)}",
            f"refunds: {self.refunds.total()} ({tally(self.refunds)})",
            f"events of providers: {tally(self.events)}",
            f"still open after the storm: {self.open_after_the_storm}",
            f"seconds until all was settled and answered: {self.settled_in_s:.1f}",
            *(f"  {name}: {number}" for name, number in self.findings.counts().items()),
        ]
