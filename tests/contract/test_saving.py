"""Contract lines 20, 42 and 45: files, configurations and custom objects."""

import json
import re

import numpy as np
import pytest

X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")


def small(k, name="m"):
    return k.Sequential([k.Input((4,)), k.layers.Dense(3, "relu"), k.layers.Dense(2)], name=name)


@pytest.mark.parametrize(("method", "what"), [("save_weights", "sav"), ("load_weights", "load")])
def test_line_20_weights_of_an_unbuilt_model(k, tmp_path, method, what):
    model = k.Sequential([k.layers.Dense(2)])
    with pytest.raises(ValueError) as caught:
        getattr(model, method)(tmp_path / "m.weights.h5")
    assert re.fullmatch(
        rf"You are {what}ing (weights of |weights into )?a model that has not yet been built\. Try "
        r"building the model first by calling it on some data or by using `build\(\)`\.",
        str(caught.value),
    )
    assert not list(tmp_path.iterdir())


def test_line_20_an_unbuilt_model_is_saved_with_a_warning(k, tmp_path):
    model = k.Sequential([k.layers.Dense(2)])
    with pytest.warns(UserWarning, match=r"has not yet been built"):
        model.save(tmp_path / "m.keras")
    again = k.models.load_model(tmp_path / "m.keras")
    assert not again.built and again(X).shape == (8, 2)


def test_line_42_weights(k, tmp_path):
    model, other = small(k), small(k)
    model.save_weights(tmp_path / "m.weights.h5")
    assert (np.asarray(model(X)) != np.asarray(other(X))).any()
    other.load_weights(str(tmp_path / "m.weights.h5"))
    np.testing.assert_array_equal(model(X), other(X))


@pytest.mark.parametrize("name", ["m.h5", "m", "m.npz", "weights.keras.txt"])
def test_line_42_other_suffixes_of_weights(k, tmp_path, name):
    path = str(tmp_path / name)
    with pytest.raises(ValueError) as caught:
        small(k).save_weights(path)
    assert str(caught.value) == (
        f"The filename must end in `.weights.h5`. Received: filepath={path}"
    )


@pytest.mark.parametrize("name", ["m", "m.txt"])
def test_line_42_other_suffixes_of_models(k, tmp_path, name):
    with pytest.raises(ValueError, match=r"^Invalid filepath extension for saving\. "):
        small(k).save(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["m.keras", "m.weights.h5"])
def test_line_42_no_such_file(k, tmp_path, name):
    path = str(tmp_path / name)
    with pytest.raises((ValueError, FileNotFoundError)) as caught:
        small(k).load_weights(path) if "weights" in name else k.models.load_model(path)
    if name == "m.keras":
        assert str(caught.value).startswith(
            f"File not found: filepath={path}. Please ensure the file is an accessible `.keras` "
            "zip file."
        )
    else:
        assert path in str(caught.value)


def test_line_45_a_saved_model_goes_on(k, tmp_path):
    model = small(k)
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(X, X[:, :2], verbose=0)
    model.save(tmp_path / "m.keras")
    again = k.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    assert again.evaluate(X, X[:, :2], verbose=0) == model.evaluate(X, X[:, :2], verbose=0)
    for each in (model, again):
        each.fit(X, X[:, :2], epochs=2, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_line_45_configurations(k):
    model = small(k)
    again = k.Sequential.from_config(model.get_config())
    assert again.name == "m" and again.built and again.output_shape == (None, 2)
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    text = model.to_json()
    assert json.loads(text)["class_name"] == "Sequential"
    other = k.models.model_from_json(text)
    assert other.count_params() == model.count_params() == 23
    clone = k.models.clone_model(model)
    assert clone.layers[0] is not model.layers[0]
    other.set_weights(model.get_weights())
    np.testing.assert_array_equal(other(X), model(X))


def test_line_45_layers_alone(k):
    dense = k.layers.Dense(3, activation="relu", kernel_regularizer="l2", name="d")
    again = k.layers.Dense.from_config(dense.get_config())
    assert (again.units, again.name) == (3, "d")
    other = k.layers.deserialize(k.layers.serialize(dense))
    assert other.get_config() == dense.get_config() and other is not dense


def test_line_45_custom_objects(k, tmp_path):
    class Scale(k.layers.Layer):
        def __init__(self, factor=1.0, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor

        def call(self, inputs):
            return self.factor * inputs

        def get_config(self):
            return {**super().get_config(), "factor": self.factor}

    model = k.Sequential([k.Input((4,)), Scale(3.0)])
    model.save(tmp_path / "m.keras")
    with pytest.raises((TypeError, ValueError), match="Scale"):
        k.models.load_model(tmp_path / "m.keras")
    again = k.models.load_model(tmp_path / "m.keras", custom_objects={"Scale": Scale})
    np.testing.assert_allclose(again(X), 3 * X, rtol=1e-6)
    with k.utils.custom_object_scope({"Scale": Scale}):
        again = k.models.load_model(tmp_path / "m.keras")
    assert again.layers[0].factor == 3.0
    registered = k.utils.register_keras_serializable(package="contract", name="Scale")(Scale)
    k.Sequential([k.Input((4,)), registered(2.0)]).save(tmp_path / "r.keras")
    assert k.models.load_model(tmp_path / "r.keras").layers[0].factor == 2.0
