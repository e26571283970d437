"""A replay told while it runs: lines of JSON, how far it is and then what came of it.

Reading a million orders takes some seconds; a page that says nothing meanwhile looks broken.
"""

import json
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Thread

from payorch.application.replay_policy import AnsweredReplay, Progress
from payorch.domain.errors import PayorchError

Line = dict[str, object]


def streamed(
    run: Callable[[Progress], AnsweredReplay], html: Callable[[AnsweredReplay], str]
) -> Iterator[str]:
    """One JSON object a line: {"done", "of"} any number of times, then {"html"} or {"problem"}."""
    news: SimpleQueue[Line | AnsweredReplay] = SimpleQueue()

    def work() -> None:
        try:
            news.put(run(lambda done, of: news.put({"done": done, "of": of})))
        except PayorchError as error:
            news.put({"problem": error.message})
        except Exception:
            news.put({"problem": "The replay failed; the log has the reason. Nothing was changed."})
            raise

    Thread(target=work, daemon=True).start()
    while True:
        line = news.get()
        if isinstance(line, AnsweredReplay):
            yield json.dumps({"html": html(line)}) + "\n"
            return
        yield json.dumps(line) + "\n"
        if "problem" in line:
            return
