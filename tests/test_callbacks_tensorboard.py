"""TensorBoard's event files, read back by a strict reader; SwapEMAWeights and RemoteMonitor."""

import json
import struct
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import numpy as np
import pytest

import nnseq
from nnseq import callbacks, layers, models, optimizers
from nnseq.optimizers import schedules
from nnseq.utils.event_file import EventFile, scalar

keras = pytest.importorskip("keras")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def build(library=nnseq, optimizer=None, **arguments):
    L = library.layers
    model = library.Sequential(
        [library.Input((3,)), L.Dense(1, kernel_initializer="zeros", name="head")]
    )
    model.compile(optimizer or library.optimizers.SGD(0.05), "mse", metrics=["mae"], **arguments)
    return model


# --- a reader -------------------------------------------------------------------------------------
def masked_crc32c(data):
    """Bit by bit, as the standard defines it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x82F63B78 * (crc & 1)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32


def records(data):
    while data:
        (length,), (check,) = struct.unpack("<Q", data[:8]), struct.unpack("<I", data[8:12])
        assert check == masked_crc32c(data[:8])
        body, data = data[12 : 12 + length], data[12 + length :]
        assert len(body) == length
        assert struct.unpack("<I", data[:4])[0] == masked_crc32c(body)
        yield body
        data = data[4:]


def varint(data):
    value = shift = 0
    for place, byte in enumerate(data):
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, data[place + 1 :]
        shift += 7
    raise AssertionError("a varint without an end")


def fields(data):
    """{number: [values]} of a message."""
    found = {}
    while data:
        key, data = varint(data)
        kind = key & 7
        if kind == 0:
            value, data = varint(data)
        elif kind == 1:
            (value,), data = struct.unpack("<d", data[:8]), data[8:]
        else:
            assert kind == 2
            length, data = varint(data)
            value, data = data[:length], data[length:]
            assert len(value) == length
        found.setdefault(key >> 3, []).append(value)
    return found


def tensor(data):
    found = fields(data)
    sizes = [fields(dim)[1][0] for dim in fields(found[2][0]).get(2, [])]
    if found[1] == [7]:
        return found[8][0].decode()
    return np.frombuffer(found[4][0], {1: "<f4", 2: "<f8"}[found[1][0]]).reshape(sizes)


def read(directory):
    """[(tag, step, value, plugin)] of all files of a directory."""
    found = []
    for path in sorted(directory.glob("events.out.tfevents.*")):
        first, *events = records(path.read_bytes())
        assert fields(first)[3] == [b"brain.Event:2"]
        for event in map(fields, events):
            assert event[1][0] > 1.6e9
            for value in map(fields, fields(event[5][0])[1]):
                plugin = fields(fields(value[9][0])[1][0])
                tag = value[1][0].decode()
                found.append((tag, event[2][0], tensor(value[8][0]), plugin[1][0].decode()))
    return found


def scalars(directory):
    found = {}
    for tag, step, value, plugin in read(directory):
        if plugin == "scalars":
            found.setdefault(tag, []).append((step, float(value)))
    return found


def test_the_reader_is_strict(tmp_path):
    file = EventFile(str(tmp_path))
    file.add([scalar("a", 1.5)], 2**40)
    file.close()
    second = EventFile(str(tmp_path))  # of the same second
    second.close()
    assert read(tmp_path) == [("a", 2**40, 1.5, "scalars")]
    (path, _) = sorted(tmp_path.iterdir())
    data = bytearray(path.read_bytes())
    data[-6] ^= 1
    with pytest.raises(AssertionError):
        list(records(bytes(data)))


# --- TensorBoard ----------------------------------------------------------------------------------
def test_epochs_and_validation(tmp_path):
    model = build()
    told = callbacks.TensorBoard(tmp_path, histogram_freq=2, write_steps_per_second=True)
    history = model.fit(
        X, Y, 4, 3, verbose=0, callbacks=[told], validation_data=(X[:5], Y[:5])
    ).history
    train, held = scalars(tmp_path / "train"), scalars(tmp_path / "validation")
    assert set(train) == {
        "epoch_loss", "epoch_mae", "epoch_learning_rate", "epoch_steps_per_second",
    }  # fmt: skip
    assert set(held) == {
        "epoch_loss", "epoch_mae", "evaluation_loss_vs_iterations", "evaluation_mae_vs_iterations",
    }  # fmt: skip
    for name in ("loss", "mae"):
        for found, key in ((train, name), (held, f"val_{name}")):
            steps, values = zip(*found[f"epoch_{name}"], strict=True)
            assert steps == (0, 1, 2)
            np.testing.assert_allclose(values, history[key], rtol=1e-6)
    assert [step for step, _ in held["evaluation_loss_vs_iterations"]] == [5, 10, 15]
    assert [value for _, value in train["epoch_learning_rate"]] == pytest.approx([0.05] * 3)
    assert all(value > 0 for _, value in train["epoch_steps_per_second"])
    (graph,) = [entry for entry in read(tmp_path / "train") if entry[3] == "graph_keras_model"]
    assert graph[0] == "keras" and json.loads(graph[2])["class_name"] == "Sequential"
    buckets = [entry for entry in read(tmp_path / "train") if entry[3] == "histograms"]
    assert [(e[0], e[1]) for e in buckets] == [
        (f"{v.path}/histogram", epoch) for epoch in (0, 2) for v in model.weights
    ]
    kernel = model.get_weights()[0]
    assert buckets[2][2].shape == (30, 3) and buckets[2][2][:, 2].sum() == 3
    assert buckets[2][2][0, 0] == pytest.approx(kernel.min())
    assert buckets[2][2][-1, 1] == pytest.approx(kernel.max())


@pytest.mark.parametrize(("every", "steps"), [("batch", range(1, 11)), (3, (3, 6, 9))])
def test_batches(tmp_path, every, steps):
    told = callbacks.TensorBoard(str(tmp_path), update_freq=every, write_steps_per_second=True)
    build().fit(X, Y, 4, 2, verbose=0, callbacks=told)
    train = scalars(tmp_path / "train")
    for name in ("batch_loss", "batch_mae", "batch_steps_per_second"):
        assert [step for step, _ in train[name]] == list(steps)
    assert len(train["epoch_loss"]) == 2
    assert not (tmp_path / "validation").exists()


def test_batches_are_only_told_if_they_are_written():
    assert not callbacks.TensorBoard().every_batch
    assert callbacks.TensorBoard(update_freq=5).every_batch


def test_schedules_evaluations_and_several_numbers(tmp_path):
    model = build(optimizer=optimizers.SGD(schedules.ExponentialDecay(0.1, 5, 0.5)))
    told = callbacks.TensorBoard(tmp_path, write_graph=False)
    model.fit(X, Y, 4, 2, verbose=0, callbacks=told)
    rates = [value for _, value in scalars(tmp_path / "train")["epoch_learning_rate"]]
    assert rates == pytest.approx([0.05, 0.025])
    assert not [entry for entry in read(tmp_path / "train") if entry[3] != "scalars"]
    loss, _ = model.evaluate(X, Y, verbose=0, callbacks=[told])
    found = scalars(tmp_path / "validation")["evaluation_loss_vs_iterations"]
    assert found == [(10, pytest.approx(loss))]
    told.on_epoch_end(2, {"f": np.float32([0.25, 0.5])})
    told.on_train_end()
    train = scalars(tmp_path / "train")
    assert train["epoch_f_0"] == [(2, 0.25)] and train["epoch_f_1"] == [(2, 0.5)]


@pytest.mark.parametrize(
    "arguments",
    [
        {"write_images": True},
        {"profile_batch": 2},
        {"embeddings_freq": 1},
        {"embeddings_metadata": "x.tsv"},
        {"update_freq": "step"},
        {"update_freq": -1},
    ],
)
def test_what_is_not_supported(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        callbacks.TensorBoard(**arguments)


# --- SwapEMAWeights -------------------------------------------------------------------------------
def ema_fit(library, swap_on_epoch, tmp_path):
    """What validation saw, the weights at the ends of epochs, and those after fit."""
    made = library.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.5)
    model = build(library, made)
    seen = []
    look = library.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(model.get_weights()[0].copy())
    )
    swap = library.callbacks.SwapEMAWeights(swap_on_epoch)
    history = model.fit(
        X, Y, 4, 3, verbose=0, shuffle=False, callbacks=[swap, look], validation_data=(X, Y)
    ).history
    return [history["loss"], history["val_loss"], *seen, *model.get_weights()]


@pytest.mark.keras
@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_averages_in_validation_as_keras(tmp_path, swap_on_epoch):
    ours, theirs = (ema_fit(library, swap_on_epoch, tmp_path) for library in (nnseq, keras))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


def test_averages_while_predicting_and_back():
    model = build(optimizer=optimizers.SGD(0.05, use_ema=True, ema_momentum=0.9))
    swap = callbacks.SwapEMAWeights()
    start = model.predict(X, verbose=0)
    assert np.array_equal(start, model.predict(X, verbose=0, callbacks=[swap]))  # none yet
    model.fit(X[:8], Y[:8], 4, verbose=0, callbacks=[swap])
    for _ in range(3):
        model.train_on_batch(X, Y)
    weights = model.get_weights()
    averages = [v.numpy() for v in model.optimizer.variables[2:4]]
    seen = model.predict(X, verbose=0, callbacks=[swap])
    np.testing.assert_allclose(seen, X @ averages[0] + averages[1], rtol=1e-5, atol=1e-6)
    for before, after in zip(weights, model.get_weights(), strict=True):
        assert np.array_equal(before, after)


def test_averages_after_an_early_end():
    model = build(optimizer=optimizers.SGD(0.05, use_ema=True, ema_momentum=0.9))
    seen = []
    stop = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", epoch == 1)
    )
    look = callbacks.LambdaCallback(on_epoch_end=lambda e, logs: seen.append(model.get_weights()))
    swap = callbacks.SwapEMAWeights(swap_on_epoch=True)
    model.fit(X, Y, 4, 5, verbose=0, callbacks=[stop, swap, look])
    assert len(seen) == 2
    for a, b in zip(seen[-1], model.get_weights(), strict=True):
        assert np.array_equal(a, b)


def test_an_optimizer_without_averages_is_refused():
    with pytest.raises(ValueError, match="use_ema=False"):
        build().fit(X, Y, verbose=0, callbacks=callbacks.SwapEMAWeights())


# --- RemoteMonitor --------------------------------------------------------------------------------
@pytest.fixture
def server():
    """(address, what was posted) of a server on this machine."""
    posted = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            posted.append((self.path, dict(self.headers), body))
            self.send_response(500 if "fail" in self.path else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    running = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}", posted
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.mark.parametrize("as_json", [False, True])
def test_remote_monitor(server, as_json):
    root, posted = server
    told = callbacks.RemoteMonitor(root, "/here", "sent", {"X-Key": "7"}, as_json)
    history = build().fit(X, Y, epochs=2, verbose=0, callbacks=told).history
    assert len(posted) == 2
    for epoch, (path, headers, body) in enumerate(posted):
        sent = json.loads(body if as_json else parse_qs(body)["sent"][0])
        assert sent == {
            "epoch": epoch,
            "loss": history["loss"][epoch],
            "mae": history["mae"][epoch],
        }
        assert path == "/here" and headers["X-Key"] == "7"
        assert headers["Content-Type"].endswith("json" if as_json else "urlencoded")
    told.on_epoch_end(3, {"f": np.float32([0.5, 1])})
    assert '"f": [0.5, 1.0]' in (posted[2][2] if as_json else parse_qs(posted[2][2])["sent"][0])


def test_a_server_that_does_not_answer_is_a_warning(server):
    for root, path in ((server[0], "/fail"), ("http://127.0.0.1:9", "/")):
        with pytest.warns(UserWarning, match="Could not reach RemoteMonitor root server at http"):
            callbacks.RemoteMonitor(root, path).on_epoch_end(0, {})
    with pytest.raises(ValueError, match=r"http.s. URL. Received: 'file:///tmp'"):
        callbacks.RemoteMonitor("file:///tmp")


def test_functional_models_have_a_graph(tmp_path):
    x = nnseq.Input((3,))
    model = models.Model(x, layers.Dense(1)(x))
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0, callbacks=callbacks.TensorBoard(tmp_path))
    graphs = [entry for entry in read(tmp_path / "train") if entry[3] == "graph_keras_model"]
    assert json.loads(graphs[0][2])["class_name"] == "Functional"
