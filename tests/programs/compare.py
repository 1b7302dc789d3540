"""What the programs share: the same weights in both libraries, and Keras gradients by hand."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")
jax = pytest.importorskip("jax")


def copy_weights(ours, theirs):
    """Gives the Keras model the weights of ours."""
    theirs.set_weights(ours.get_weights())


def assert_same_weights(ours, theirs, tolerance=1e-4):
    """Every weight within `tolerance` of the largest in its array (at least 0.01)."""
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        scale = max(np.abs(b).max(initial=0), 1e-2)
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * scale)


def assert_same_losses(ours, theirs, tolerance=1e-4):
    """Equal histories, or equal numbers."""
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        for name, values in ours.items():
            np.testing.assert_allclose(values, theirs[name], rtol=tolerance, err_msg=name)
    else:
        np.testing.assert_allclose(ours, theirs, rtol=tolerance)


def keras_step(loss_of, variables, optimizer=None):
    """The loss that `loss_of()` computes with Keras; optionally one step of the optimizer."""

    def loss(values):
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return loss_of()

    value, grads = jax.jit(jax.value_and_grad(loss))([v.value for v in variables])
    if optimizer is not None:
        optimizer.apply(grads, variables)
    return float(value)
