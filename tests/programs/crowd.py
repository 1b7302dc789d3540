"""Threads that use a model while it trains."""

import threading
import time


def in_threads(call, work):
    """Threads k = 0 to 7 repeat `call(k)` while `work()` runs, until each has called ten times.

    Returns how often `work` ran, and what the threads raised.
    """
    stop, counts, errors = threading.Event(), [0] * 8, []

    def repeat(k):
        try:
            while not stop.is_set():
                call(k)
                counts[k] += 1
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=repeat, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    rounds, deadline = 0, time.monotonic() + 60
    try:
        while rounds == 0 or (min(counts) < 10 and not errors and time.monotonic() < deadline):
            work()
            rounds += 1
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert errors or min(counts) >= 10
    return rounds, errors
