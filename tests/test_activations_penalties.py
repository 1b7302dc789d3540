"""Activations, regularizers and constraints against Keras, extreme values and all axes included."""

import numpy as np
import pytest

from nnseq import GradientTape, activations, constraints, layers, models, ops, regularizers

keras = pytest.importorskip("keras")

RNG = np.random.default_rng(9)
EXTREMES = np.array([0, -0.0, 1e-8, -1e-8, 3, -3, 6, 88, -88, 200, -200], "float32")
VALUES = np.concatenate([10 * RNG.normal(size=21).astype("float32"), EXTREMES]).reshape(4, 8)
WEIGHT = 3 * RNG.normal(size=(3, 4, 5)).astype("float32")
PLAIN = [
    "celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu",
    "hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu",
    "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign",
    "sparse_plus", "sparse_sigmoid", "squareplus", "swish", "tanh", "tanh_shrink",
]  # fmt: skip
ACTIVATIONS = [
    *[(name, {}) for name in PLAIN],
    ("celu", {"alpha": 0.3}),
    ("elu", {"alpha": 0.3}),
    ("glu", {"axis": 0}),
    ("hard_shrink", {"threshold": 3.0}),
    ("soft_shrink", {"threshold": 3}),
    ("squareplus", {"b": 0.5}),
    ("threshold", {"threshold": 3, "default_value": 1}),
    ("gelu", {"approximate": True}),
    ("leaky_relu", {"negative_slope": 0.01}),
    ("log_softmax", {"axis": 0}),
    ("softmax", {"axis": 0}),
    ("softmax", {"axis": (0, 1)}),
    ("relu", {"negative_slope": 0.1}),
    ("relu", {"max_value": 3}),
    ("relu", {"max_value": 6}),
    ("relu", {"threshold": 1.0}),
    ("relu", {"threshold": -1.0}),
    ("relu", {"max_value": 3.0, "threshold": 1.0, "negative_slope": 0.2}),
]
CONSTRAINTS = [
    ("MaxNorm", {}),
    ("MaxNorm", {"max_value": 0.5, "axis": 1}),
    ("MaxNorm", {"axis": [0, 1]}),
    ("UnitNorm", {}),
    ("UnitNorm", {"axis": (0, 2)}),
    ("NonNeg", {}),
    ("MinMaxNorm", {}),
    ("MinMaxNorm", {"min_value": 0.5, "max_value": 1.0, "rate": 0.5, "axis": [1, 2]}),
]
REGULARIZERS = [
    ("L1", {}),
    ("L2", {"l2": 0.5}),
    ("L1L2", {"l1": 0.1, "l2": 0.2}),
    ("L1L2", {}),
    ("OrthogonalRegularizer", {}),
    ("OrthogonalRegularizer", {"factor": 0.3, "mode": "columns"}),
]


def near(ours, theirs):
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.keras
@pytest.mark.parametrize(("name", "arguments"), ACTIVATIONS)
def test_activations(name, arguments):
    theirs = getattr(keras.activations, name)(keras.ops.convert_to_tensor(VALUES), **arguments)
    near(getattr(activations, name)(ops.convert_to_tensor(VALUES), **arguments), theirs)


@pytest.mark.keras
@pytest.mark.parametrize(
    "name",
    ["celu", "glu", "hard_shrink", "hard_silu", "hard_tanh", "log_sigmoid", "soft_shrink",
     "sparse_plus", "sparse_sigmoid", "squareplus", "tanh_shrink"],
)  # fmt: skip
def test_gradients_of_activations(name):
    import jax

    values = WEIGHT.reshape(3, 5, 4)
    x = ops.convert_to_tensor(values)
    with GradientTape() as tape:
        tape.watch(x)
        value = ops.sum(ops.sin(getattr(activations, name)(x)))
    theirs = getattr(keras.activations, name)
    expected = jax.grad(lambda v: jax.numpy.sum(jax.numpy.sin(theirs(v))))(values)
    near(tape.gradient(value, x), expected)


def projected(x):
    """The nearest probabilities of a vector, by bisection, in float64."""
    low, high = x.max() - 1.0, x.max()
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if np.maximum(x - middle, 0).sum() > 1 else (low, middle)
    return np.maximum(x - low, 0)


@pytest.mark.parametrize("scale", [1e-3, 0.3, 1.0, 1e3])
def test_sparsemax(scale):
    """Keras 3.15 is wrong here (keras#23425)."""
    x = (scale * RNG.normal(size=(3, 7, 5))).astype("float32")
    x[0, 1] = x[0, 2]  # ties
    for axis in (0, 1, -1):
        expected = np.apply_along_axis(projected, axis, x.astype("float64"))
        found = activations.sparsemax(x, axis)
        np.testing.assert_allclose(found, expected, atol=2e-6 * scale + 1e-6)
    near(activations.sparsemax(np.float32([1e8, 1e8, 0])), [0.5, 0.5, 0])
    near(activations.sparsemax(np.float32([-np.inf, 1, 1.5])), [0, 0.25, 0.75])


def test_gradient_of_sparsemax():
    """Of the s positive ones d/dx is 1 - 1/s for itself and -1/s for another."""
    x = ops.convert_to_tensor([0.1, 0.3, -2.0, 0.2])
    weights = np.float32([1, 2, 3, 4])
    with GradientTape() as tape:
        tape.watch(x)
        value = ops.sum(weights * activations.sparsemax(x))
    near(tape.gradient(value, x), np.float32([1, 2, 7 / 3, 4]) - 7 / 3)


@pytest.mark.parametrize("name", ["glu", "sparsemax", "soft_shrink", "hard_swish"])
def test_activations_in_a_model(name):
    """Traced, with an unknown batch size, and by name."""
    x = WEIGHT.reshape(-1, 4)
    model = models.Sequential([layers.Input((4,)), layers.Activation(name)])
    near(model.predict(x, verbose=0), getattr(ops, name)(x))
    assert models.Sequential.from_config(model.get_config()).layers[0].activation is getattr(
        activations, name
    )


@pytest.mark.keras
@pytest.mark.parametrize(("name", "arguments"), CONSTRAINTS)
def test_constraints(name, arguments):
    ours, theirs = (getattr(m, name)(**arguments) for m in (constraints, keras.constraints))
    for weight in (WEIGHT, np.zeros_like(WEIGHT)):
        near(ours(ops.convert_to_tensor(weight)), theirs(keras.ops.convert_to_tensor(weight)))
    assert ours.get_config() == theirs.get_config()


@pytest.mark.keras
@pytest.mark.parametrize(("name", "arguments"), REGULARIZERS)
def test_regularizers(name, arguments):
    ours, theirs = (getattr(m, name)(**arguments) for m in (regularizers, keras.regularizers))
    weight = WEIGHT[0] if name.startswith("Orth") else WEIGHT
    near(ours(ops.convert_to_tensor(weight)), theirs(keras.ops.convert_to_tensor(weight)))
    assert ours.get_config() == pytest.approx(theirs.get_config())


def test_strings_of_regularizers():
    assert regularizers.get("l1").get_config() == {"l1": 0.01}
    assert regularizers.get("l2").get_config() == {"l2": 0.01}
    assert regularizers.get("l1_l2").get_config() == {"l1": 0.01, "l2": 0.01}
    assert regularizers.l1_l2(l1=0.5).get_config() == {"l1": 0.5, "l2": 0.0}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: activations.celu(1.0, alpha=0), "`alpha` must be > 0; got 0"),
        (lambda: activations.glu([1.0, 2.0, 3.0]), "cannot be cut into 2 equal parts"),
        (lambda: regularizers.L1(-1.0), "at least 0. Received: l1=-1.0"),
        (lambda: regularizers.L2("much"), "Received: l2='much'"),
        (lambda: regularizers.L2(float("nan")), "l2=nan"),
        (lambda: regularizers.OrthogonalRegularizer(mode="rws"), "mode='rws'"),
        (lambda: regularizers.OrthogonalRegularizer()(ops.ones((2, 2, 2))), "rank 2"),
        (lambda: layers.Dense(2, kernel_regularizer=0.01), "instance of a regularizer.*0.01"),
        (lambda: layers.Dense(2, kernel_constraint="maxnorm"), "Did you mean 'MaxNorm'"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.keras
def test_a_layer_as_activation():
    """Its weights are those of the model and are trained."""
    x, y = RNG.normal(size=(16, 4)).astype("float32"), RNG.normal(size=(16, 2)).astype("float32")
    weights = [RNG.normal(size=s).astype("float32") for s in ((4, 3), (3,), (3,), (3, 2), (2,))]
    losses = []
    for mods, lays in ((models, layers), (keras.models, keras.layers)):
        hidden = lays.Dense(3, activation=lays.PReLU())
        model = mods.Sequential([lays.Input((4,)), hidden, lays.Dense(2, lays.LeakyReLU(0.1))])
        model(x)  # in Keras the activation has no weights before
        model.set_weights(weights)
        model.compile("sgd", "mse")
        losses.append([float(model.train_on_batch(x, y)) for _ in range(3)])
        assert len(model.trainable_weights) == 5
        config = model.get_config()["layers"][1]["config"]["activation"]
        assert (config["module"], config["class_name"]) == ("keras.layers", "PReLU")
    near(*losses)
