"""Configurations: get_config, from_config, to_json, clone_model, classes and functions of users."""

import json

import numpy as np
import pytest

import nnseq as keras
from nnseq import layers, ops
from nnseq.models import clone_model, model_from_json
from nnseq.saving import (
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    load_model,
    register_keras_serializable,
    serialize_keras_object,
)

X = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")


@register_keras_serializable("tests")
class Scale(layers.Layer):
    def __init__(self, start, inner=None, **kwargs):
        super().__init__(**kwargs)
        self.start = start
        self.inner = inner

    def build(self, input_shape):
        self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")

    def call(self, x):
        x = x * self.factor * self.start
        return x if self.inner is None else self.inner(x)

    def get_config(self):
        inner = None if self.inner is None else layers.serialize(self.inner)
        return {**super().get_config(), "start": self.start, "inner": inner}

    @classmethod
    def from_config(cls, config):
        inner = config.pop("inner")
        return cls(**config, inner=None if inner is None else layers.deserialize(inner))


class Recorded(layers.Layer):
    """Has no get_config of its own."""

    def __init__(self, factor, *, inner=None, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.factor = factor
        self.inner = inner

    def call(self, x):
        return self.inner(x) * self.factor


@register_keras_serializable("tests")
def cubed(x):
    return x * x * x


@register_keras_serializable("tests")
class Network(keras.Model):
    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.blocks = [layers.Dense(units), layers.Dense(units, name="second")]
        self.norm = layers.BatchNormalization()
        self.head = {"out": layers.Dense(2)}
        self.seen = keras.metrics.Mean(name="seen")

    def call(self, x, training=False):
        for block in self.blocks:
            x = block(x)
        return self.head["out"](self.norm(x, training=training))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def sequential():
    return keras.Sequential(
        [keras.Input((6,), name="x"), layers.Dense(5, "relu", name="a"), layers.Dense(2, name="b")],
        name="m",
    )


def functional():
    a, b = keras.Input((6,), name="a"), keras.Input((6,), name="b")
    shared = layers.Dense(4, name="shared")
    both = layers.Concatenate(name="both")([shared(a), shared(b)])
    return keras.Model({"a": a, "b": b}, [layers.Dense(1, name="o")(both), both], name="f")


def same_outputs(model, other, x):
    other.set_weights(model.get_weights())
    for mine, yours in zip(
        keras.utils.pack_x_y_sample_weight(model.predict(x, verbose=0)),
        keras.utils.pack_x_y_sample_weight(other.predict(x, verbose=0)),
        strict=True,
    ):
        for one, two in zip(np.atleast_1d(mine), np.atleast_1d(yours), strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("make", [sequential, functional])
def test_configs_make_equal_models(make):
    model = make()
    inputs = X if make is sequential else {"a": X, "b": X + 1}
    config = json.loads(json.dumps(model.get_config()))
    for again in (
        type(model).from_config(config),
        model_from_json(model.to_json(indent=2)),
        clone_model(model),
    ):
        assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
        assert again.name == model.name and again is not model
        assert not {id(v) for v in again.weights} & {id(v) for v in model.weights}
        other = again.get_config()
        assert json.loads(json.dumps(other)) == config
        outputs, expected = again.predict(inputs, verbose=0), model.predict(inputs, verbose=0)
        assert np.shape(outputs if make is sequential else outputs[0]) == np.shape(
            expected if make is sequential else expected[0]
        )
        again.set_weights(model.get_weights())
        outputs = again.predict(inputs, verbose=0)
        for one, two in zip(
            [outputs] if make is sequential else outputs,
            [expected] if make is sequential else expected,
            strict=True,
        ):
            np.testing.assert_array_equal(one, two)


def test_functions_between_layers_are_kept(tmp_path):
    x = keras.Input((6,))
    y = ops.reshape(ops.relu(layers.Dense(4)(x) - 1.0), (-1, 2, 2))
    model = keras.Model(x, y)
    model.save(tmp_path / "m.keras")
    again = load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_layer_used_twice_stays_one_layer(tmp_path):
    dense = layers.Dense(6)
    model = keras.Sequential([keras.Input((6,)), dense, layers.ReLU(), dense])
    model.save(tmp_path / "m.keras")
    for again in (load_model(tmp_path / "m.keras"), clone_model(model)):
        assert again.layers[0] is again.layers[2] and len(again.weights) == 2


def test_nested_models(tmp_path):
    base = keras.Sequential([keras.Input((6,)), layers.Dense(5)], name="base")
    base.trainable = False
    model = keras.Sequential([base, layers.Dense(2)])
    model.save(tmp_path / "m.keras")
    again = load_model(tmp_path / "m.keras")
    assert len(again.trainable_weights) == 2
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


# --- what users define ---------------------------------------------------------------------------
def test_registered_classes_and_functions(tmp_path):
    assert get_registered_name(Scale) == "tests>Scale"
    assert get_registered_object("tests>Scale") is Scale is get_custom_objects()["tests>Scale"]
    model = keras.Sequential(
        [keras.Input((6,)), Scale(2.0, inner=layers.Dense(3)), layers.Dense(2, activation=cubed)]
    )
    model.compile("sgd", loss=keras.losses.mean_absolute_error)
    model.fit(X, np.ones((4, 2)), verbose=0)
    model.save(tmp_path / "m.keras")
    again = load_model(tmp_path / "m.keras")
    assert again.loss is keras.losses.mean_absolute_error
    assert again.layers[1].activation is cubed
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def test_unregistered_classes_must_be_given(tmp_path):
    model = keras.Sequential([keras.Input((6,)), Recorded(2.0, inner=layers.Dense(3))])
    model.save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match=r"Could not locate the class 'Recorded'.*custom_objects"):
        load_model(tmp_path / "m.keras")
    again = load_model(tmp_path / "m.keras", custom_objects={"Recorded": Recorded})
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    with custom_object_scope({"Recorded": Recorded}):
        assert load_model(tmp_path / "m.keras").layers[0].factor == 2.0
    with pytest.raises(ValueError, match="Could not locate"):
        load_model(tmp_path / "m.keras")


def test_arguments_are_recorded_for_classes_without_get_config():
    layer = Recorded(3.0, name="r", inner=layers.ReLU(name="i"))
    layer.trainable = False
    config = layer.get_config()
    assert config["factor"] == 3.0 and config["name"] == "r" and config["trainable"] is False
    again = deserialize_keras_object(
        serialize_keras_object(layer), custom_objects={"Recorded": Recorded}
    )
    assert again.inner.name == "i" and again.factor == 3.0 and not again.trainable
    with pytest.raises(NotImplementedError, match=r"'bad' \(Recorded\).*'factor'.*get_config"):
        Recorded(object(), name="bad").get_config()


def test_subclassed_models(tmp_path):
    model = Network(units=4)
    model.compile("adam", "mse")
    model.fit(X, np.ones((4, 2)), verbose=0)
    model.seen.update_state([1.0, 5.0])
    model.save(tmp_path / "m.keras")
    again = load_model(tmp_path / "m.keras")
    assert isinstance(again, Network) and again.units == 4 and again.built
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    assert float(again.seen.result()) == 3.0
    model.save_weights(tmp_path / "m.weights.h5")
    fresh = Network(units=4)
    fresh.build((None, 6))
    fresh.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(fresh.predict(X, verbose=0), model.predict(X, verbose=0))


def test_lambdas_are_refused():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(2, activation=lambda x: x)])
    with pytest.raises(TypeError, match="lambda: files hold no code"):
        model.to_json()


def test_clone_functions():
    model = sequential()

    def renamed(layer):
        return type(layer).from_config({**layer.get_config(), "name": "new_" + layer.name})

    again = clone_model(model, clone_function=renamed)
    assert [layer.name for layer in again.layers] == ["new_a", "new_b"]
    outer = keras.Sequential([model, layers.Dense(1, name="top")])
    deep = clone_model(outer, clone_function=renamed, recursive=True)
    assert [layer.name for layer in deep.layers[0].layers] == ["new_a", "new_b"]
    called = []

    def call(layer, *args, **kwargs):
        called.append(layer.name)
        return layer(*args, **kwargs)

    clone_model(functional(), call_function=call)
    assert called == ["shared", "shared", "both", "o"]
    other = clone_model(model, input_tensors=keras.Input((6,), name="else"))
    assert other.input_names == ["else"] and other.output_shape == (None, 2)
    with pytest.raises(ValueError, match="Sequential and functional"):
        clone_model(Network(), clone_function=renamed)


@pytest.mark.parametrize(
    "value",
    [None, 1, 2.5, "x", [1, "a"], {"a": [None]}, slice(1, None), ..., b"bytes"],
)
def test_values_come_back(value):
    assert deserialize_keras_object(json.loads(json.dumps(serialize_keras_object(value)))) == value


def test_arrays_come_back():
    array = np.arange(6, dtype="int32").reshape(2, 3)
    again = deserialize_keras_object(json.loads(json.dumps(serialize_keras_object(array))))
    np.testing.assert_array_equal(again, array)
    assert again.dtype == array.dtype and serialize_keras_object(np.float32(1.5)) == 1.5


@pytest.mark.keras
def test_keras_reads_a_rescaling_without_offset(tmp_path):
    oracle = pytest.importorskip("keras")
    model = keras.Sequential([keras.Input((3,)), layers.Rescaling(0.5)])
    model.save(tmp_path / "m.keras")
    x = np.ones((2, 3), "float32")
    theirs = oracle.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(theirs.predict(x, verbose=0), model.predict(x, verbose=0))
