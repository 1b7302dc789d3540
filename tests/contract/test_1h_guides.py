"""Contract section 1h, lines 44 to 51: what the guides next to the Sequential one do."""

import re

import numpy as np
import pytest

import nnseq
from nnseq import Input, Sequential, layers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 4)).astype("float32")
Y = RNG.integers(0, 3, 20)


def classifier(k=nnseq, **arguments):
    model = k.Sequential([k.Input((4,)), k.layers.Dense(8, "relu"), k.layers.Dense(3)])
    options = {
        "optimizer": "rmsprop",
        "loss": k.losses.SparseCategoricalCrossentropy(from_logits=True),
        "metrics": ["accuracy"],
    }
    model.compile(**{**options, **arguments})
    return model


def both_histories(make, fit):
    """The histories of Keras and nnseq from the same weights."""
    keras = pytest.importorskip("keras")
    theirs, ours = make(keras), make(nnseq)
    ours.set_weights([np.asarray(w) for w in theirs.get_weights()])
    return [fit(model).history for model in (ours, theirs)]


def assert_same_history(ours, theirs):
    assert list(ours) == list(theirs)
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.keras
def test_line_44_compile_by_strings_and_objects():
    def make(k):
        return classifier(
            k,
            optimizer=k.optimizers.RMSprop(learning_rate=k.optimizers.schedules.ExponentialDecay(
                0.01, decay_steps=3, decay_rate=0.9)),
            metrics=[k.metrics.SparseCategoricalAccuracy(), "sparse_top_k_categorical_accuracy"],
        )  # fmt: skip

    def fit(model):
        return model.fit(
            X, Y, batch_size=6, epochs=3, shuffle=False, verbose=0, validation_data=(X[:7], Y[:7]),
            class_weight={0: 2.0, 1: 0.5},
        )  # fmt: skip

    assert_same_history(*both_histories(make, fit))


@pytest.mark.keras
def test_line_44_custom_loss_and_metric():
    def make(k):
        class CustomMSE(k.losses.Loss):
            def __init__(self, factor=0.1, name="custom_mse"):
                super().__init__(name=name)
                self.factor = factor

            def call(self, y_true, y_pred):
                mse = k.ops.mean(k.ops.square(y_true - y_pred), axis=-1)
                return mse + self.factor * k.ops.mean(k.ops.square(0.5 - y_pred), axis=-1)

        class Positives(k.metrics.Metric):
            def __init__(self, name="positives", **kwargs):
                super().__init__(name=name, **kwargs)
                self.count = self.add_variable(shape=(), initializer="zeros", name="count")

            def update_state(self, y_true, y_pred, sample_weight=None):
                self.count.assign_add(k.ops.sum(k.ops.cast(y_pred > 0, "float32")))

            def result(self):
                return self.count.value

            def reset_state(self):
                self.count.assign(0.0)

        model = k.Sequential([k.Input((4,)), k.layers.Dense(1)])
        model.compile("sgd", CustomMSE(), metrics=[Positives()])
        return model

    def fit(model):
        return model.fit(X, X[:, :1], batch_size=6, epochs=2, shuffle=False, verbose=0)

    assert_same_history(*both_histories(make, fit))


@pytest.mark.keras
def test_line_44_two_inputs_two_outputs_by_name():
    def make(k):
        a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
        h = k.layers.concatenate([a, b])
        outputs = [k.layers.Dense(1, name="score")(h), k.layers.Dense(3, name="class")(h)]
        model = k.Model([a, b], outputs)
        model.compile(
            k.optimizers.SGD(0.01),
            loss={
                "score": k.losses.MeanSquaredError(),
                "class": k.losses.SparseCategoricalCrossentropy(from_logits=True),
            },
            metrics={"score": ["mae"], "class": ["accuracy"]},
            loss_weights={"score": 2.0, "class": 1.0},
        )
        return model

    def fit(model):
        return model.fit(
            {"a": X, "b": -X}, {"score": X[:, 0], "class": Y}, batch_size=6, epochs=2,
            shuffle=False, verbose=0, validation_split=0.2,
        )  # fmt: skip

    assert_same_history(*both_histories(make, fit))


@pytest.mark.keras
def test_line_44_a_py_dataset():
    def make(k):
        class Data(k.utils.PyDataset):
            def __len__(self):
                return 4

            def __getitem__(self, index):
                rows = slice(5 * index, 5 * index + 5)
                return X[rows], Y[rows], np.arange(5.0)

        model = classifier(k)
        model.data = Data
        return model

    def fit(model):
        return model.fit(model.data(), epochs=2, shuffle=False, verbose=0)

    assert_same_history(*both_histories(make, fit))


def callbacks_of(k, told):
    class Note(k.callbacks.Callback):
        def note(name):
            def hook(self, *args, logs=None):
                given = args if logs is None else (*args, logs)
                told.append((name, *(sorted(x) if isinstance(x, dict) else x for x in given)))

            return hook

        for mode in ("train", "test", "predict"):
            for end in ("begin", "end"):
                locals()[f"on_{mode}_{end}"] = note(f"{mode}_{end}")
                locals()[f"on_{mode}_batch_{end}"] = note(f"{mode}_batch_{end}")
        on_epoch_begin, on_epoch_end = note("epoch_begin"), note("epoch_end")

    return Note()


@pytest.mark.keras
def test_line_46_order_of_callbacks():
    keras = pytest.importorskip("keras")
    logs = []
    for k in (nnseq, keras):
        told = []
        model, note = classifier(k), callbacks_of(k, told)
        model.fit(X, Y, batch_size=8, epochs=2, verbose=0, validation_data=(X, Y), callbacks=[note])
        assert note.model is model
        assert note.params == {"verbose": 0, "epochs": 2, "steps": 3}
        model.evaluate(X, Y, batch_size=8, verbose=0, callbacks=[note])
        model.predict(X, batch_size=8, verbose=0, callbacks=[note])
        logs.append([event for event in told if event[0] != "predict_end"])
    assert logs[0] == logs[1]


def test_line_46_callbacks_steer_training():
    class Stop(nnseq.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.optimizer.learning_rate = 0.5
            if epoch == 1:
                self.model.stop_training = True

    model = classifier()
    history = model.fit(X, Y, epochs=5, verbose=0, callbacks=[Stop()])
    assert history.epoch == [0, 1]
    assert float(model.optimizer.learning_rate) == 0.5


@pytest.mark.keras
def test_line_47_masks():
    keras = pytest.importorskip("keras")
    ids = np.array([[3, 1, 0, 0], [2, 2, 2, 0], [1, 2, 3, 4]])
    theirs, ours = masked_model(keras), masked_model(nnseq)
    ours.set_weights([np.asarray(w) for w in theirs.get_weights()])
    np.testing.assert_allclose(ours(ids), theirs(ids), rtol=1e-5, atol=1e-6)
    for embedding in (theirs.layers[0], ours.layers[0]):
        np.testing.assert_array_equal(embedding.compute_mask(ids), ids != 0)
        np.testing.assert_array_equal(embedding(ids)._keras_mask, ids != 0)
    x = 2 * ours.layers[0](ids).numpy() * (ids != 0)[..., None]
    by_hand = ours.layers[3](x, mask=ids != 0)
    np.testing.assert_allclose(ours(ids), by_hand, rtol=1e-5, atol=1e-6)


def masked_model(k):
    class Temporal(k.layers.Layer):
        def compute_mask(self, inputs, mask=None):
            return mask

        def call(self, inputs, mask=None):
            return inputs * k.ops.expand_dims(k.ops.cast(mask, "float32"), -1)

    class Through(k.layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, inputs):
            return inputs * 2.0

    embedding = k.layers.Embedding(5, 6, mask_zero=True)
    model = k.Sequential([embedding, Temporal(), Through(), k.layers.SimpleRNN(3)])
    model.build((None, 4))
    return model


@pytest.mark.keras
def test_line_48_subclassed_layer_and_model():
    def make(k):
        class Linear(k.layers.Layer):
            def __init__(self, units=3, **kwargs):
                super().__init__(**kwargs)
                self.units = units

            def build(self, input_shape):
                self.w = self.add_weight(
                    shape=(input_shape[-1], self.units), initializer="random_normal",
                    regularizer="l2", trainable=True,
                )  # fmt: skip
                self.b = self.add_weight(shape=(self.units,), initializer="zeros")

            def call(self, inputs):
                self.add_loss(1e-2 * k.ops.sum(k.ops.square(inputs)) / 20.0)
                return k.ops.matmul(inputs, self.w) + self.b

            def get_config(self):
                return {**super().get_config(), "units": self.units}

        class Net(k.Model):
            def __init__(self):
                super().__init__()
                self.one, self.two = Linear(5), Linear(3)

            def call(self, x):
                return self.two(k.ops.relu(self.one(x)))

        assert Linear.from_config(Linear(7).get_config()).units == 7
        model = Net()
        model(X)
        assert [tuple(w.shape) for w in model.weights] == [(4, 5), (5,), (5, 3), (3,)]
        assert len(model.losses) == 4
        model.compile("sgd", k.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model

    def fit(model):
        return model.fit(X, Y, batch_size=10, epochs=2, shuffle=False, verbose=0)

    assert_same_history(*both_histories(make, fit))


@pytest.mark.keras
def test_line_48_compute_loss_is_overridden():
    def make(k):
        class Custom(k.Model):
            def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
                return k.ops.mean(k.ops.square(y_pred - y)) + k.ops.mean(y_pred)

        x = k.Input((4,))
        model = Custom(x, k.layers.Dense(1)(x))
        model.compile("sgd")
        return model

    def fit(model):
        return model.fit(X, X[:, :1], batch_size=10, epochs=2, shuffle=False, verbose=0)

    assert_same_history(*both_histories(make, fit))


def test_line_48_train_step_is_overridden():
    class Custom(Sequential):
        def train_step(self, data):
            x, y = data
            with nnseq.GradientTape() as tape:
                loss = self.compute_loss(y=y, y_pred=self(x, training=True))
            variables = self.trainable_variables
            gradients = tape.gradient(loss, variables)
            self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
            return {"mine": loss}

    plain = Sequential([Input((4,)), layers.Dense(1)])
    custom = Custom([Input((4,)), layers.Dense(1)])
    custom.set_weights(plain.get_weights())
    for model in (plain, custom):
        model.compile("adam", "mse")
    want = plain.fit(X, X[:, :1], batch_size=20, epochs=3, shuffle=False, verbose=0).history["loss"]
    got = custom.fit(X, X[:, :1], batch_size=20, epochs=3, shuffle=False, verbose=0).history
    assert list(got) == ["mine"]
    np.testing.assert_allclose(got["mine"], want, rtol=1e-6)


@pytest.mark.keras
def test_line_49_the_functional_api():
    keras = pytest.importorskip("keras")
    outputs, weights = [], None
    for k in (keras, nnseq):
        a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
        shared = k.layers.Dense(3, activation="tanh", name="shared")
        inner = k.Model(a, k.layers.Dense(3)(shared(a)), name="inner")
        both = k.layers.concatenate([inner(a), inner(b), k.layers.average([shared(a), shared(b)])])
        both = k.layers.add([both, k.layers.Dense(9)(both)])
        model = k.Model([a, b], [both, k.layers.Dense(1)(both)])
        weights = weights or [np.asarray(w) for w in model.get_weights()]
        model.set_weights(weights)
        outputs.append([np.asarray(y) for y in model([X, -X])])
    assert len(weights) == 8
    for ours, theirs in zip(*reversed(outputs), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_line_50_normalization_adapts(k):
    norm = k.layers.Normalization()
    norm.adapt(5 * X + 3)
    y = np.asarray(norm(5 * X + 3))
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(y.std(0), 1, atol=1e-4)
    assert len(norm.weights) == 3


LINE = {
    1: r"3/3 ━{20} \d+s \d+(ms|us|s)/step - accuracy: \d\.\d{4} - loss: \d\.\d{4}"
    r" - val_accuracy: \d\.\d{4} - val_loss: \d\.\d{4}",
    2: r"3/3 - \d+s - \d+(ms|us|s)/step - accuracy: \d\.\d{4} - loss: \d\.\d{4}"
    r" - val_accuracy: \d\.\d{4} - val_loss: \d\.\d{4}",
}


@pytest.mark.parametrize("verbose", [1, 2, "auto"])
@pytest.mark.parametrize("epochs", [1, 2])
def test_line_51_output_of_fit(verbose, epochs, capsys):
    classifier().fit(X, Y, batch_size=8, epochs=epochs, verbose=verbose, validation_data=(X, Y))
    lines = re.sub(r"\x1b\[\d+m", "", capsys.readouterr().out).splitlines()
    if epochs > 1:
        assert lines[0::2] == ["Epoch 1/2", "Epoch 2/2"]
        lines = lines[1::2]
    assert len(lines) == epochs
    for line in lines:
        assert re.fullmatch(LINE[1 if verbose == "auto" else verbose], line.strip())


def test_line_51_output_of_predict_and_silence(capsys):
    model = classifier()
    model.fit(X, Y, verbose=0)
    assert capsys.readouterr().out == ""
    model.predict(X, verbose=1)
    line = re.sub(r"\x1b\[\d+m", "", capsys.readouterr().out).strip()
    assert re.fullmatch(r"1/1 ━{20} \d+s \d+(ms|us|s)/step", line)
