"""`python -m tests.chaos --seconds 600 --database postgresql`: one long storm.

Prints the whole report; ends with 1 when anything was doubled, lost or misreported.
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.chaos.bad_providers import SILENT_PROVIDERS
from tests.chaos.chaos_database import chaos_database
from tests.chaos.chaos_run import NAIVE, ChaosRun


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seconds", type=float, default=45.0)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--naive", action="store_true", help="the control: it has to find harm")
    parser.add_argument("--folder", type=Path, help="keep logs and ledgers there")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="payorch-storm-") as temporary:
        folder = chosen.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        with chaos_database(chosen.database, folder) as database:
            run = ChaosRun(folder, database, chosen.seconds, seed=chosen.seed)
            if chosen.naive:
                run = replace(run, command=NAIVE, profiles=SILENT_PROVIDERS)
            report = run.execute()
    print("\n".join(report.lines()))  # noqa: T201 - a command
    harms = report.findings.harms()
    for name, found in harms.items():
        print(f"{name}: {', '.join(found[:20])}")  # noqa: T201 - a command
    return 1 if harms else 0


if __name__ == "__main__":
    sys.exit(main())
