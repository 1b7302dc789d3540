"""Initializers: distributions, seeds, and configurations that Keras reads."""

import math
import random

import numpy as np
import pytest

from nnseq import initializers
from nnseq.utils import set_random_seed

RANDOM = [
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "truncated_normal",
    "variance_scaling",
]
# name -> (variance, largest absolute value or None) for a kernel (5, 5, 8, 24)
IN, OUT = 25 * 8, 25 * 24
TRUNCATED = 2 / 0.87962566103423978
EXPECTED = {
    "glorot_normal": (2 / (IN + OUT), TRUNCATED * math.sqrt(2 / (IN + OUT))),
    "glorot_uniform": (2 / (IN + OUT), math.sqrt(6 / (IN + OUT))),
    "he_normal": (2 / IN, TRUNCATED * math.sqrt(2 / IN)),
    "he_uniform": (2 / IN, math.sqrt(6 / IN)),
    "lecun_normal": (1 / IN, TRUNCATED * math.sqrt(1 / IN)),
    "lecun_uniform": (1 / IN, math.sqrt(3 / IN)),
    "random_normal": (0.05**2, None),
    "random_uniform": (0.1**2 / 12, 0.05),
    "truncated_normal": ((0.05 * 0.87962566103423978) ** 2, 0.1),
    "variance_scaling": (1 / IN, TRUNCATED * math.sqrt(1 / IN)),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_distribution(name):
    values = initializers.deserialize({"class_name": type(initializers.get(name)).__name__,
                                       "config": {"seed": 3}})((5, 5, 8, 24))  # fmt: skip
    variance, bound = EXPECTED[name]
    assert values.dtype == np.float32
    assert abs(values.mean()) < 5 * math.sqrt(variance / values.size)
    assert values.var() == pytest.approx(variance, rel=0.06)
    if bound is not None:
        assert 0.95 * bound < np.abs(values).max() <= bound * (1 + 1e-6)


@pytest.mark.parametrize("name", RANDOM)
def test_an_int_seed_gives_the_same_values_each_call(name):
    kind = type(initializers.get(name))
    first = kind(seed=11)
    assert np.array_equal(first((4, 6)), first((4, 6)))
    assert np.array_equal(first((4, 6)), kind(seed=11)((4, 6)))
    assert not np.array_equal(first((4, 6)), kind(seed=12)((4, 6)))


@pytest.mark.parametrize("name", RANDOM)
def test_without_a_seed_python_decides(name):
    random.seed(5)
    first, second = initializers.get(name)((4, 6)), initializers.get(name)((4, 6))
    assert not np.array_equal(first, second)
    random.seed(5)
    assert np.array_equal(first, initializers.get(name)((4, 6)))
    set_random_seed(7)
    third = initializers.get(name)((4, 6))
    set_random_seed(7)
    assert np.array_equal(third, initializers.get(name)((4, 6)))


def test_the_configuration_keeps_an_unset_seed_unset():
    assert initializers.HeNormal().get_config() == {"seed": None}
    assert initializers.HeNormal(seed=4).clone().seed == 4


@pytest.mark.parametrize("shape", [(6, 6), (3, 7), (7, 3), (2, 3, 4, 5)])
def test_orthogonal(shape):
    q = initializers.Orthogonal(gain=2.0, seed=1)(shape).reshape(-1, shape[-1]) / 2
    gram = q @ q.T if q.shape[0] < q.shape[1] else q.T @ q
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-5)


def test_fixed_values():
    assert initializers.Constant([1.0, 2.0])((3, 2)).tolist() == [[1, 2]] * 3
    assert initializers.get("zeros")((2,)).tolist() == [0, 0]
    assert initializers.get("ones")((2,), "int32").dtype == np.int32
    assert initializers.Identity(3.0)((2, 3)).tolist() == [[3, 0, 0], [0, 3, 0]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: initializers.Identity()((3,)), "2D"),
        (lambda: initializers.Orthogonal()((3,)), "two-dimensional"),
        (lambda: initializers.VarianceScaling(mode="fan"), "fan_avg"),
        (lambda: initializers.VarianceScaling(scale=0), "scale"),
        (lambda: initializers.VarianceScaling(distribution="gauss"), "gauss"),
        (lambda: initializers.GlorotUniform(seed="a"), "seed"),
        (lambda: initializers.get("glorot_unifrom"), "Did you mean 'glorot_uniform'"),
        (lambda: initializers.get(3), "initializer"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.keras
@pytest.mark.parametrize("name", [*RANDOM, "zeros", "ones", "constant", "identity"])
def test_keras_reads_the_configuration(name):
    keras = pytest.importorskip("keras")
    config = initializers.serialize(initializers.get(name))
    theirs = keras.initializers.deserialize(config)
    assert type(theirs).__name__ == config["class_name"]
    again = initializers.deserialize(keras.initializers.serialize(theirs))
    assert again.get_config() == config["config"]
