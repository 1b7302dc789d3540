"""Loads bad files, one after the other, under limits, and writes what came of each.

`python hostile_child.py FOLDER` loads every file listed in FOLDER/list.txt and writes
FOLDER/results.json. 1 GB of address space; 10 seconds for each file.
"""

import codecs
import difflib  # noqa: F401 (what nnseq imports when it needs it)
import hashlib
import json
import os
import resource
import signal
import sys
import time
import warnings
from pathlib import Path

import h5py  # noqa: F401 (before memory and audit events are looked at)
import hostile_files

from nnseq.saving import load_model

model = hostile_files.base_model()
events = []
watched = None


def audit(event, arguments):
    if event == "open":
        if str(arguments[0]) != watched and not isinstance(arguments[0], int):
            events.append(f"open {arguments[0]} {arguments[2]}")
    elif event in FORBIDDEN or event.startswith(("socket.", "subprocess.", "pickle.", "ctypes.")):
        events.append(f"{event} {arguments}"[:100])


FORBIDDEN = {"os.system", "os.exec", "os.posix_spawn", "os.fork", "os.mkdir", "os.rename",
             "tempfile.mkstemp", "tempfile.mkdtemp", "marshal.loads", "compile"}  # fmt: skip


def digest():
    found = hashlib.sha256()
    for value in model.get_weights():
        found.update(value.tobytes())
    return found.hexdigest()


def memory(field):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field)) << 10


def load(path):
    if path.name.endswith(".weights.h5"):
        model.load_weights(path)
        return model.get_weights()
    return load_model(path).get_weights()


def attempt(path):
    global watched
    watched = None
    with open("/proc/self/clear_refs", "w") as file:  # the peak starts anew
        file.write("5")
    before, at_rest = digest(), memory("VmRSS")
    events.clear()
    watched = str(path)
    signal.alarm(10)
    start = time.perf_counter()
    found = {"name": path.name, "weights": None}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            weights = load(path)
        found["kind"], found["text"] = "loaded", ""
        found["weights"] = hashlib.sha256(b"".join(w.tobytes() for w in weights)).hexdigest()
    except BaseException as error:
        found["kind"], found["text"] = type(error).__name__, str(error)
    signal.alarm(0)
    found["seconds"] = time.perf_counter() - start
    found["events"] = list(events)
    watched = None
    found["memory"] = memory("VmHWM") - at_rest
    found["changed"] = digest() != before
    return found


def too_long(*_):
    raise TimeoutError("10 seconds are over")


def main(folder):
    names = (folder / "list.txt").read_text().split("\n")
    codecs.lookup("ascii")
    signal.signal(signal.SIGALRM, too_long)
    for name in ("good.keras", "good.weights.h5"):
        load(folder / name)  # imports what loading needs
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    sys.addaudithook(audit)
    with open(os.devnull, "w") as silence:
        os.dup2(silence.fileno(), 2)  # libhdf5 may print
    results = [attempt(folder / name) for name in names]
    (folder / "results.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
