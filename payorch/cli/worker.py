"""`payorch worker`: runs background jobs, beside others of its kind on this host or another."""

import os
import socket
import threading

import click

from payorch.cli.environment import read_settings
from payorch.cli.stop_signal import stop_on_signals
from payorch.cli.wired_application import wired_application
from payorch.config import Settings
from payorch.infrastructure.jobs import Background, Worker, drain
from payorch.infrastructure.jobs.places import places_of
from payorch.infrastructure.settled_heap import settle_heap


@click.command()
@click.option(
    "--threads",
    type=click.IntRange(1, 50),
    help="Jobs of each queue at once, instead of PAYORCH_WORKER_PLACES.",
)
@click.option("--queues", help="Only these queues, comma-separated.")
@click.option("--once", is_flag=True, help="Run what is due now, one after the other, and end.")
def worker(*, threads: int | None, queues: str | None, once: bool) -> None:
    """Run background jobs until told to stop: settle payments, send refunds and e-mails.

    Any number of workers may run, on any number of hosts that share the database.
    """
    settings = read_settings()
    with wired_application(settings) as wired:
        background = wired.background
        places = _places(settings, background, threads=threads, queues=queues)
        if once:
            done = drain(background, queues=tuple(places), with_schedules=True)
            click.echo(f"ran {done} jobs")
        else:
            _work(Worker(background, places=places), places)


def _places(
    settings: Settings, background: Background, *, threads: int | None, queues: str | None
) -> dict[str, int]:
    places = places_of(background.queues, settings.places_by_queue)
    if queues is not None:
        wanted = [name.strip() for name in queues.split(",") if name.strip()]
        if unknown := sorted(set(wanted) - set(places)):
            raise click.UsageError(
                f"No such queue: {', '.join(unknown)}. There are: {', '.join(places)}."
            )
        places = {name: max(1, places[name]) for name in wanted}
    if threads is not None:
        places = dict.fromkeys(places, threads)
    return {name: number for name, number in places.items() if number > 0}


def _work(worker: Worker, places: dict[str, int]) -> None:
    name = f"{socket.gethostname()}:{os.getpid()}"
    listed = ", ".join(f"{queue} {number}" for queue, number in places.items())
    stop = stop_on_signals()
    settle_heap()
    threading.Thread(target=_stop_with, args=(stop, worker), daemon=True).start()
    click.echo(f"worker {name} started; places: {listed}")
    left = worker.run()
    ends = ", ".join(f"{number} {end}" for end, number in sorted(worker.ends.items()))
    click.echo(
        f"worker {name} stopped; tries: {ends or 'none'}"
        + (f"; {left} still ran and will be taken over" if left else "")
    )


def _stop_with(stop: threading.Event, worker: Worker) -> None:
    stop.wait()
    worker.stop()
