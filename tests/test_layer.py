"""Layer: building, weights, modes, masks, losses, attributes and errors."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import nnseq
from nnseq import GradientTape, Input, KerasTensor, Layer, Model, Tensor, Variable, layers, ops
from nnseq.engine.traced import Traced

X = np.float32([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


class Scale(Layer):
    """y = x * factor + shift, the shift not trained."""

    def __init__(self, start=2.0, **kwargs):
        super().__init__(**kwargs)
        self.start = start

    def build(self, input_shape):
        self.shift = self.add_weight((input_shape[-1],), "zeros", trainable=False, name="shift")
        self.factor = self.add_weight(
            shape=(input_shape[-1],),
            initializer=lambda shape, dtype=None: np.full(shape, self.start, dtype),
            name="factor",
        )

    def call(self, inputs):
        return inputs * self.factor + self.shift

    def get_config(self):
        return {**super().get_config(), "start": self.start}


class Twice(Layer):
    """Layers in a list and in a dict, appended to later."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.blocks = [Scale(name="first")]
        self.named = {"b": Scale(name="second")}
        self.blocks.append(Scale(name="third"))

    def call(self, inputs):
        return self.named["b"](self.blocks[1](self.blocks[0](inputs)))


def test_lazy_building_and_weights():
    layer = Scale(name="scale")
    assert layer.weights == [] and not layer.built
    assert repr(layer) == "<Scale name=scale, built=False>"
    y = layer(X)
    assert isinstance(y, Tensor) and y.numpy().tolist() == (X * 2).tolist()
    assert [v.name for v in layer.weights] == ["factor", "shift"]  # trained ones first
    assert [v.path for v in layer.weights] == ["scale/factor", "scale/shift"]
    assert layer.trainable_weights == [layer.factor]
    assert layer.non_trainable_weights == [layer.shift]
    assert layer.count_params() == 6 and layer.built


def test_build_by_hand():
    layer = Scale()
    layer.build((None, 4))
    assert layer.built and layer.factor.shape == (4,)
    assert layer.path == layer.name


def test_count_params_unbuilt():
    with pytest.raises(ValueError, match=r"You tried to call `count_params` on layer 'scale_x'"):
        Scale(name="scale_x").count_params()


def test_get_and_set_weights():
    layer = Scale()
    layer(X)
    layer.set_weights([np.ones(3), np.zeros(3)])
    assert layer(X).numpy().tolist() == X.tolist()
    with pytest.raises(ValueError, match="length 1, but the layer was expecting 2 weights"):
        layer.set_weights([np.ones(3)])
    with pytest.raises(ValueError, match=r"weight shape \(3,\) is not compatible"):
        layer.set_weights([np.zeros(3), np.ones(4)])
    assert layer.get_weights()[0].tolist() == [1, 1, 1]


def test_sublayers_in_attributes_lists_and_dicts():
    layer = Twice(name="twice")
    assert layer(X).numpy().tolist() == (X * 8).tolist()
    assert len(layer.weights) == 6
    assert [v.path for v in layer.trainable_weights] == [
        "twice/first/factor",
        "twice/third/factor",
        "twice/second/factor",
    ]
    assert {v.path for v in layer.weights} == {
        f"twice/{name}/{v}" for name in ("first", "second", "third") for v in ("factor", "shift")
    }


def test_variables_as_attributes():
    class Counter(Layer):
        def __init__(self):
            super().__init__()
            self.count = Variable(0.0, trainable=False)
            self.gain = Variable(2.0)

        def call(self, inputs):
            self.count.assign_add(1.0)
            return inputs * self.gain

    layer = Counter()
    layer(X)
    Traced(layer)(X)
    assert float(layer.count) == 2.0
    assert layer.weights == [layer.gain, layer.count]


def test_trainable_is_recursive():
    layer = Twice()
    layer(X)
    layer.trainable = False
    assert not any(block.trainable for block in layer.blocks)
    assert layer.trainable_weights == [] and len(layer.non_trainable_weights) == 6
    layer.blocks[0].trainable = True
    assert layer.trainable_weights == []
    layer.trainable = True
    layer.blocks[0].trainable = False
    assert len(layer.trainable_weights) == 2


def test_a_trace_sees_trainable_as_it_was_snapshot():
    layer = Twice()
    layer(X)
    seen = []

    def step(x):
        seen.append((layer.trainable, len(layer.trainable_weights)))
        return layer(x)

    Traced(step, trainable={id(layer): False})(X)
    assert seen == [(False, 0)] and layer.trainable


class Modes(Layer):
    def call(self, inputs, training=None):
        return inputs * (2.0 if training else 1.0)


class Outer(Layer):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, inputs, training=None):
        return self.inner(inputs)


class NoModes(Layer):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, inputs):
        return self.inner(inputs)


def test_training_reaches_inner_layers():
    for layer in (Modes(), Outer(Modes()), NoModes(Outer(Modes()))):
        assert layer(X).numpy().tolist() == X.tolist()
        assert layer(X, training=True).numpy().tolist() == (2 * X).tolist()
        assert layer(X).numpy().tolist() == X.tolist()
    assert Outer(Modes())(X, training=False).numpy().tolist() == X.tolist()
    assert Traced(NoModes(Modes()), training=True)(X).numpy().tolist() == (2 * X).tolist()


def test_default_of_call_and_explicit_inner_argument():
    class Always(Layer):
        def call(self, inputs, training=True):
            return inputs * (2.0 if training else 1.0)

    class Pinned(Layer):
        def __init__(self):
            super().__init__()
            self.inner = Modes()

        def call(self, inputs):
            return self.inner(inputs, training=False)

    assert Always()(X).numpy().tolist() == (2 * X).tolist()
    assert Pinned()(X, training=True).numpy().tolist() == X.tolist()


# --- masks ---------------------------------------------------------------------------------------
class MaskZero(Layer):
    def __init__(self):
        super().__init__()
        self.supports_masking = True

    def call(self, inputs):
        return inputs * 1.0

    def compute_mask(self, inputs, previous_mask):
        return ops.not_equal(inputs, 0.0)


class Pass(Layer):
    def __init__(self):
        super().__init__()
        self.supports_masking = True

    def call(self, inputs):
        return inputs + 1.0


class Drop(Layer):
    def call(self, inputs):
        return inputs + 1.0


class Take(Layer):
    def call(self, inputs, mask=None):
        return inputs if mask is None else ops.where(mask, inputs, -1.0)


MASKED = np.float32([[1.0, 0.0]])


def test_masks_are_routed():
    def step(x):
        return Take()(Pass()(MaskZero()(x)))

    for run in (step, Traced(step)):
        assert run(ops.convert_to_tensor(MASKED)).tolist() == [[2.0, -1.0]]
    y = Pass()(MaskZero()(MASKED))
    assert y._keras_mask.tolist() == [[True, False]]
    assert Take()(Tensor(MASKED), mask=Tensor([[False, True]])).tolist() == [[-1.0, 0.0]]


def test_masks_in_a_functional_model():
    x = Input((2,))
    model = Model(x, Take()(Pass()(MaskZero()(x))))
    assert model(MASKED).tolist() == [[2.0, -1.0]]
    keeps = Model(x, Pass()(MaskZero()(x)))
    assert keeps(MASKED)._keras_mask.tolist() == [[True, False]]


def test_a_dropped_mask_warns_once():
    layer = Drop()
    with pytest.warns(UserWarning, match="does not support masking"):
        y = layer(MaskZero()(MASKED))
    assert y._keras_mask is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(MaskZero()(MASKED))
        Take()(MaskZero()(MASKED))


# --- losses --------------------------------------------------------------------------------------
class Penalty(Layer):
    def call(self, inputs):
        self.add_loss(ops.sum(inputs))
        return inputs


class PenaltyModel(Model):
    def __init__(self):
        super().__init__()
        self.inner = Penalty()
        self.dense = layers.Dense(1, kernel_regularizer="l2", kernel_initializer="ones")

    def call(self, inputs):
        return self.dense(self.inner(inputs))


def test_losses_of_the_last_call():
    layer = Penalty()
    layer(X)
    layer(X)
    assert [float(x) for x in layer.losses] == [21.0]
    model = PenaltyModel()
    for scale in (1.0, 2.0):
        model(X * scale)
        assert [float(x) for x in model.losses] == pytest.approx([21.0 * scale, 0.03])


def test_losses_inside_a_trace():
    model = PenaltyModel()

    def step(x):
        model(x)
        return sum(model.losses)

    traced = Traced(step)
    assert float(traced(X)) == pytest.approx(21.03)
    assert float(traced(X * 2)) == pytest.approx(42.03)


def test_activity_regularizer_is_divided_by_the_batch_size():
    layer = layers.Activation("linear", activity_regularizer=lambda y: ops.sum(ops.square(y)))
    layer(X)
    assert float(layer.losses[0]) == pytest.approx(float((X**2).sum()) / 2)


def test_add_loss_takes_scalars_only():
    with pytest.raises(ValueError, match="add_loss"):
        Layer().add_loss("x")


# --- attributes and traces -----------------------------------------------------------------------
def test_assigning_an_attribute_drops_the_traces():
    class Rate(Layer):
        rate = 1.0

        def call(self, inputs):
            return inputs * self.rate

    layer = Rate()
    x = Input((3,))
    model = Model(x, layer(x))
    traced = Traced(lambda x: layer(x) + 0.0)
    assert model(X).numpy().tolist() == traced(X).numpy().tolist() == X.tolist()
    layer.rate = 3.0
    assert model(X).numpy().tolist() == traced(X).numpy().tolist() == (3 * X).tolist()


def test_changing_trainable_drops_the_traces_of_plain_calls():
    bn = layers.BatchNormalization()
    x = Input((3,))
    model = Model(x, bn(x))
    model(X, training=True)
    before = bn.moving_mean.numpy()
    bn.trainable = False
    y = model(X, training=True)
    assert bn.moving_mean.numpy().tolist() == before.tolist()
    assert abs(float(ops.mean(y))) > 0.1


# --- KerasTensors --------------------------------------------------------------------------------
def test_symbolic_call():
    layer = Scale()
    y = layer(Input((3,)))
    assert isinstance(y, KerasTensor) and y.shape == (None, 3) and layer.built
    assert layer.output is y and layer.input.shape == (None, 3)
    assert layer.compute_output_shape((7, 3)) == (7, 3)
    with pytest.raises(AttributeError, match="never been called"):
        _ = Scale().output
    assert not hasattr(Scale(), "input")


def test_input():
    assert Input((4,), name="foo").name == "foo"
    assert Input(784).shape == (None, 784)
    assert Input([4], batch_size=3).shape == (3, 4)
    assert Input(batch_shape=(2, 3), dtype="int32").dtype == "int32"
    with pytest.raises(ValueError, match="You must pass a `shape` argument"):
        Input()
    with pytest.raises(ValueError, match="both `shape` and `batch_shape`"):
        Input((2,), batch_shape=(1, 2))
    with pytest.raises(ValueError, match="to a shape"):
        Input(("a",))
    with pytest.raises(NotImplementedError, match="sparse"):
        Input((2,), sparse=True)


def test_code_that_needs_numbers_is_described_by_two_sizes():
    class Flat(Layer):
        def call(self, inputs):
            return ops.reshape(inputs, (inputs.shape[0] * inputs.shape[1], 2))

    assert Flat()(Input((3, 2))).shape == (None, 2)


# --- errors and configuration --------------------------------------------------------------------
def test_names_and_arguments():
    with pytest.raises(ValueError, match=r"cannot contain character `/`. Received: name=a/b"):
        Scale(name="a/b")
    with pytest.raises(ValueError, match=r"passed to Scale: \{'foo': 5\}"):
        Scale(foo=5)


def test_an_error_names_the_innermost_layer_once():
    class Bad(Layer):
        def call(self, inputs):
            return ops.matmul(inputs, np.ones((7, 2), np.float32))

    class Around(Layer):
        def __init__(self):
            super().__init__(name="around")
            self.bad = Bad(name="bad")

        def call(self, inputs):
            return self.bad(inputs)

    for run in (Around(), Traced(Around())):
        with pytest.raises(ValueError, match=r"bad.*inner") as caught:
            run(X)
        assert "\n" not in str(caught.value)


def test_input_spec():
    dense = layers.Dense(2, name="d")
    dense(X)
    text = (
        "Input 0 of layer 'd' is incompatible with the layer: expected axis -1 of input shape to "
        r"have value 3, but received input with shape \(5, 7\)"
    )
    with pytest.raises(ValueError, match=text):
        dense(np.ones((5, 7)))
    with pytest.raises(ValueError, match="expected min_ndim=2, found ndim=1"):
        layers.Dense(2)(np.ones(3))


def test_a_layer_without_call():
    with pytest.raises(NotImplementedError, match=r"`call\(\)`"):
        Layer()(X)


def test_config_copies_and_pickles():
    layer = Scale(3.0, name="s", trainable=False)
    layer(X)
    again = Scale.from_config(layer.get_config())
    assert (again.name, again.start, again.trainable, again.built) == ("s", 3.0, False, False)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        other.factor.assign([0, 0, 0])
        assert layer.factor.numpy().tolist() == [3, 3, 3]
        assert other(X).numpy().sum() == 0


def test_layers_are_differentiable_eagerly():
    layer = Scale()
    with GradientTape() as tape:
        y = ops.sum(layer(X))
    grads = tape.gradient(y, layer.trainable_weights)
    np.testing.assert_allclose(grads[0], X.sum(0))


def test_build_makes_initial_values_while_tracing():
    layer = Scale()
    assert Traced(layer)(X).numpy().tolist() == (2 * X).tolist()
    assert layer.factor.numpy().tolist() == [2, 2, 2]


def test_inputs_are_cast_to_float32():
    seen = []

    class See(Layer):
        def call(self, inputs):
            seen.append(inputs.dtype)
            return inputs

    See()(X.astype(np.float64))
    See()(Tensor(X, dtype="float64"))
    See()(np.array([[1, 2]]))
    assert seen == ["float32", "float32", "int64"]


def test_public_names():
    assert nnseq.Layer is layers.Layer and nnseq.Input is layers.Input
