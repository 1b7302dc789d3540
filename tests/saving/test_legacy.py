"""Older files: whole models and weights in HDF5, of Keras 3 and, written by hand, of Keras 2."""

import json

import h5py
import numpy as np
import pytest

import nnseq as keras
from nnseq import layers
from nnseq.saving import ModelFileError, load_model

X = np.random.default_rng(0).normal(size=(20, 6)).astype("float32")
Y = X[:, :3]


def sequential(k):
    model = k.Sequential(
        [
            k.Input((6,)),
            k.layers.Dense(5, activation="relu", kernel_regularizer="l2"),
            k.layers.BatchNormalization(),
            k.layers.Dense(3),
        ]
    )
    model.compile(k.optimizers.Adam(0.01), "mse", metrics=["mae"])
    return model


def functional(k):
    x = k.Input((6,), name="x")
    base = k.Sequential([k.Input((6,)), k.layers.Dense(4, name="inner")], name="base")
    base.layers[0].trainable = False
    y = k.layers.Concatenate()([base(x), k.layers.Dense(2, activation="tanh")(x)])
    model = k.Model(x, k.layers.Dense(3)(k.layers.Dropout(0.1)(y)))
    model.compile(k.optimizers.SGD(0.1, momentum=0.9), "mse")
    return model


def recurrent(k):
    model = k.Sequential([k.Input((6,)), k.layers.Reshape((3, 2)), k.layers.GRU(3)])
    model.compile("rmsprop", k.losses.MeanSquaredError())
    return model


@pytest.mark.keras
@pytest.mark.parametrize("make", [sequential, functional, recurrent])
def test_models_and_weights_of_keras_3(make, tmp_path):
    oracle = pytest.importorskip("keras")
    theirs = make(oracle)
    theirs.fit(X, Y, verbose=0, shuffle=False)
    theirs.save(tmp_path / "m.h5")
    ours = load_model(tmp_path / "m.h5")
    np.testing.assert_allclose(
        ours.predict(X, verbose=0), theirs.predict(X, verbose=0), rtol=1e-5, atol=1e-6
    )
    assert int(ours.optimizer.iterations) == 1
    for mine, other in zip(ours.optimizer.variables, theirs.optimizer.variables, strict=True):
        np.testing.assert_array_equal(mine.numpy(), np.asarray(other))
    theirs.save_weights(tmp_path / "new.weights.h5")
    fresh = make(keras)
    fresh.load_weights(tmp_path / "m.h5")
    for mine, other in zip(fresh.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)


# --- Keras 2 --------------------------------------------------------------------------------------
def write_weights(group, weights):
    """{layer: {weight name: array}}, as Keras 2 writes them."""
    group.attrs["layer_names"] = [name.encode() for name in weights]
    group.attrs["backend"] = b"tensorflow"
    group.attrs["keras_version"] = b"2.11.0"
    for name, arrays in weights.items():
        layer = group.create_group(name)
        layer.attrs["weight_names"] = [key.encode() for key in arrays]
        for key, array in arrays.items():
            layer[key] = array


def keras_2_weights():
    rng = np.random.default_rng(1)
    sizes = {"dense": (6, 5), "dense_1": (5, 3)}
    found = {"dropout": {}}
    for name, shape in sizes.items():
        found[name] = {
            f"{name}/kernel:0": rng.normal(size=shape).astype("float32"),
            f"{name}/bias:0": rng.normal(size=shape[1:]).astype("float32"),
        }
    return found


def keras_2_layer(name, units, activation, **config):
    zeros = {"class_name": "Zeros", "config": {}}
    glorot = {"class_name": "GlorotUniform", "config": {"seed": None}}
    return {
        "class_name": "Dense",
        "config": {
            "name": name, "trainable": True, "dtype": "float32", "units": units,
            "activation": activation, "use_bias": True, "kernel_initializer": glorot,
            "bias_initializer": zeros, "kernel_regularizer": None, "bias_regularizer": None,
            "activity_regularizer": None, "kernel_constraint": None, "bias_constraint": None,
            **config,
        },
    }  # fmt: skip


def keras_2_model(path, weights):
    model = {
        "class_name": "Sequential",
        "config": {
            "name": "old",
            "layers": [
                keras_2_layer("dense", 5, "relu", batch_input_shape=[None, 6]),
                {
                    "class_name": "Dropout",
                    "config": {"name": "dropout", "trainable": True, "dtype": "float32",
                               "rate": 0.1, "noise_shape": None, "seed": None},
                },
                keras_2_layer("dense_1", 3, "linear"),
            ],
        },
    }  # fmt: skip
    adam = {"name": "Adam", "learning_rate": 0.01, "decay": 0.0, "beta_1": 0.9, "beta_2": 0.999,
            "epsilon": 1e-07, "amsgrad": False}  # fmt: skip
    training = {
        "loss": "mse", "metrics": ["mae"], "weighted_metrics": None, "loss_weights": None,
        "sample_weight_mode": None, "optimizer_config": {"class_name": "Adam", "config": adam},
    }  # fmt: skip
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = b"2.11.0"
        file.attrs["model_config"] = json.dumps(model).encode()
        file.attrs["training_config"] = json.dumps(training).encode()
        write_weights(file.create_group("model_weights"), weights)


def by_hand(weights):
    hidden = np.maximum(
        X @ weights["dense"]["dense/kernel:0"] + weights["dense"]["dense/bias:0"], 0
    )
    return hidden @ weights["dense_1"]["dense_1/kernel:0"] + weights["dense_1"]["dense_1/bias:0"]


def test_a_model_of_keras_2(tmp_path):
    weights = keras_2_weights()
    keras_2_model(tmp_path / "m.h5", weights)
    model = load_model(tmp_path / "m.h5")
    np.testing.assert_allclose(model.predict(X, verbose=0), by_hand(weights), atol=1e-5)
    assert model.name == "old" and float(model.optimizer.learning_rate) == np.float32(0.01)
    model.fit(X, Y, verbose=0)
    assert load_model(tmp_path / "m.h5", compile=False).optimizer is None


def small():
    return keras.Sequential(
        [keras.Input((6,)), layers.Dense(5, "relu", name="dense"), layers.Dropout(0.1),
         layers.Dense(3, name="dense_1")]
    )  # fmt: skip


def test_weights_of_keras_2(tmp_path):
    weights = keras_2_weights()
    for name in ("w.h5", "w.hdf5", "w.weights.h5"):
        with h5py.File(tmp_path / name, "w") as file:
            write_weights(file, weights)
        model = small()
        model.load_weights(tmp_path / name)
        np.testing.assert_allclose(model.predict(X, verbose=0), by_hand(weights), atol=1e-5)


def test_weights_by_name(tmp_path):
    weights = keras_2_weights()
    with h5py.File(tmp_path / "w.h5", "w") as file:
        write_weights(file, weights)
    model = keras.Sequential(
        [keras.Input((5,)), layers.Dense(3, name="dense_1"), layers.Dense(9, name="new")]
    )
    new = model.layers[1].get_weights()
    model.load_weights(tmp_path / "w.h5", by_name=True)
    kernel, bias = model.layers[0].get_weights()
    np.testing.assert_array_equal(kernel, weights["dense_1"]["dense_1/kernel:0"])
    np.testing.assert_array_equal(bias, weights["dense_1"]["dense_1/bias:0"])
    np.testing.assert_array_equal(new[0], model.layers[1].get_weights()[0])
    with pytest.raises(ModelFileError, match=r"holds weights of 2 layers, the model has 1"):
        keras.Sequential([keras.Input((6,)), layers.Dense(5)]).load_weights(tmp_path / "w.h5")
    model.save_weights(tmp_path / "new.weights.h5")
    with pytest.raises(ModelFileError, match="is for older files"):
        model.load_weights(tmp_path / "new.weights.h5", by_name=True)


def test_names_of_a_large_model_are_in_several_attributes(tmp_path):
    weights = keras_2_weights()
    with h5py.File(tmp_path / "w.h5", "w") as file:
        write_weights(file, weights)
        names = file.attrs["layer_names"]
        del file.attrs["layer_names"]
        file.attrs["layer_names0"], file.attrs["layer_names1"] = names[:2], names[2:]
    model = small()
    model.load_weights(tmp_path / "w.h5")
    np.testing.assert_allclose(model.predict(X, verbose=0), by_hand(weights), atol=1e-5)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda f: f["model_weights"].attrs.__delitem__("layer_names"), "weights of 0 layers"),
        (lambda f: f["model_weights/dense"].__delitem__("dense"), "which the file lists"),
        (lambda f: f["model_weights"].__delitem__("dense"), "no group 'model_weights/dense'"),
        (lambda f: f.__setitem__("x", h5py.SoftLink("/model_weights")), "is a link"),
        (lambda f: f.attrs.__delitem__("model_config"), "no configuration of a model"),
        (lambda f: f.attrs.__setitem__("model_config", b"{"), "model_config is not valid JSON"),
        (lambda f: f.attrs.__setitem__("model_config", 3), "expected text"),
    ],
)
def test_bad_older_files_are_refused(change, text, tmp_path):
    path = tmp_path / "m.h5"
    keras_2_model(path, keras_2_weights())
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(ModelFileError, match=text) as caught:
        load_model(path)
    assert "m.h5" in str(caught.value) and len(str(caught.value)) < 400


def test_weights_that_do_not_fit_change_nothing(tmp_path):
    weights = keras_2_weights()
    weights["dense_1"]["dense_1/bias:0"] = np.ones(4, "float32")
    with h5py.File(tmp_path / "w.h5", "w") as file:
        write_weights(file, weights)
    model = small()
    before = model.get_weights()
    with pytest.raises(ModelFileError, match=r"'bias' has shape \(3,\).*\(4,\)"):
        model.load_weights(tmp_path / "w.h5")
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
