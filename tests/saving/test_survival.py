"""A save that is killed, cut off or refused leaves the old file or the new one, nothing else."""

import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nnseq as keras
from nnseq.saving import atomic, load_model

CHILD = Path(__file__).with_name("kill_child.py")


@pytest.mark.parametrize("count", [10, pytest.param(200, marks=pytest.mark.long)])
def test_a_killed_save_leaves_a_whole_file(count, tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, CHILD, str(count)]
    found = subprocess.run(
        command, cwd=tmp_path, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    assert len(found.stdout.splitlines()) == count
    assert sorted(os.listdir(tmp_path)) == ["m.keras", "m.weights.h5"]


# --- disks that fail ------------------------------------------------------------------------------
def filled(number):
    model = keras.Sequential([keras.Input((200,)), keras.layers.Dense(50)])
    model.set_weights([np.full((200, 50), number), np.full((50,), number)])
    return model


SAVES = {"m.keras": keras.Model.save, "m.weights.h5": keras.Model.save_weights}


def value_in(path):
    model = load_model(path) if path.suffix == ".keras" else filled(0)
    if path.suffix != ".keras":
        model.load_weights(path)
    [value] = {float(x) for w in model.get_weights() for x in w.ravel()}
    return value


@pytest.mark.parametrize("name", SAVES)
def test_a_full_disk_leaves_the_old_file(name, tmp_path):
    path = tmp_path / name
    SAVES[name](filled(1), path)
    old = path.read_bytes()
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limit[1]))
        with pytest.raises(OSError) as caught:
            SAVES[name](filled(2), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert path.read_bytes() == old and os.listdir(tmp_path) == [name]


class Recorded(atomic.Disk):
    """A disk that writes down what is asked of it, and fails at the `fails`-th call."""

    def __init__(self, fails=None):
        self.calls = []
        self.fails = fails

    def _note(self, *call):
        self.calls.append(call)
        if len(self.calls) == self.fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def create(self, prefix, folder):
        self._note("create")
        file, name = super().create(prefix, folder)
        return Watched(file, self), name

    def sync(self, file):
        self._note("sync", Path(file.name_of_file()).read_bytes())
        super().sync(file.file)

    def replace(self, name, target):
        self._note("replace", Path(name).read_bytes())
        super().replace(name, target)

    def sync_folder(self, folder):
        self._note("sync folder")
        super().sync_folder(folder)


class Watched:
    """A file whose writes its disk is told of."""

    def __init__(self, file, disk):
        self.file, self.disk = file, disk

    def write(self, data):
        self.disk._note("write", self.file.tell(), bytes(data))
        return self.file.write(data)

    def name_of_file(self):
        self.file.flush()
        return f"/proc/self/fd/{self.file.fileno()}"

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()


@pytest.mark.parametrize("name", SAVES)
def test_every_write_that_fails_leaves_the_old_file(name, tmp_path, monkeypatch):
    path = tmp_path / name
    SAVES[name](filled(1), path)
    whole = Recorded()
    monkeypatch.setattr(atomic, "disk", whole)
    SAVES[name](filled(1), path)
    calls = [call[0] for call in whole.calls]
    old = path.read_bytes()
    assert calls[0] == "create" and calls[-3:] == ["sync", "replace", "sync folder"]
    for fails in range(1, len(calls) + 1):
        monkeypatch.setattr(atomic, "disk", Recorded(fails))
        with pytest.raises(OSError, match=name):
            SAVES[name](filled(2), path)
        assert (path.read_bytes() == old) == (fails < len(calls))
        assert os.listdir(tmp_path) == [name]
    assert value_in(path) == 2


@pytest.mark.parametrize("name", SAVES)
def test_power_may_fail_at_any_time(name, tmp_path, monkeypatch):
    """What was not synchronized may be lost, or there in part: a renamed file must be whole."""
    path = tmp_path / name
    SAVES[name](filled(1), path)
    disk = Recorded()
    monkeypatch.setattr(atomic, "disk", disk)
    SAVES[name](filled(2), path)
    written, synced = bytearray(), b""
    for kind, *what in disk.calls:
        if kind == "write":
            at, data = what
            written.extend(bytes(max(0, at + len(data) - len(written))))
            written[at : at + len(data)] = data
        elif kind == "sync":
            assert bytes(written) == what[0]
            synced = bytes(written)
        elif kind == "replace":
            assert synced == bytes(written) == what[0] == path.read_bytes()
    assert synced and value_in(path) == 2


def test_owner_mode_and_target_are_kept_when_another_folder_is_linked(tmp_path):
    (tmp_path / "far").mkdir()
    real, link = tmp_path / "far/real.weights.h5", tmp_path / "link.weights.h5"
    filled(1).save_weights(real)
    real.chmod(0o600)
    link.symlink_to("far/real.weights.h5")
    filled(2).save_weights(link)
    assert link.is_symlink() and value_in(link) == 2
    assert real.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path / "far") == ["real.weights.h5"]


def test_two_processes_that_save_do_not_remove_each_others_files(tmp_path):
    with atomic.atomic_file(tmp_path / "a") as one:
        one.write(b"one")
        with atomic.atomic_file(tmp_path / "a") as two:
            two.write(b"two")
        assert (tmp_path / "a").read_bytes() == b"two"
    assert (tmp_path / "a").read_bytes() == b"one" and os.listdir(tmp_path) == ["a"]
