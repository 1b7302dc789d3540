"""A DataLoader of PyTorch gives fit, evaluate and predict their batches; without PyTorch, what has
its protocol does."""

import numpy as np
import pytest

import nnseq
from nnseq import layers

RNG = np.random.default_rng(3)
X = RNG.normal(size=(22, 4)).astype("float32")
Y = RNG.normal(size=(22, 2)).astype("float32")


class StandInTensor:
    """What nnseq sees of a torch.Tensor: on a device, and with a gradient, it is no array."""

    def __init__(self, values, where="cpu", requires_grad=True):
        self.values, self.where, self.requires_grad = values, where, requires_grad
        self.shape, self.dtype = values.shape, f"torch.{values.dtype}"

    def detach(self):
        return StandInTensor(self.values, self.where, requires_grad=False)

    def cpu(self):
        return StandInTensor(self.values, "cpu", self.requires_grad)

    def float(self):
        return StandInTensor(self.values.astype("float32"), self.where, self.requires_grad)

    def __array__(self, dtype=None, copy=None):
        if self.dtype == "torch.bfloat16":
            raise TypeError("Got unsupported ScalarType BFloat16")
        if self.where != "cpu":
            raise TypeError("can't convert cuda:0 device type tensor to numpy")
        if self.requires_grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad")
        return self.values if dtype is None else self.values.astype(dtype)


class StandInLoader:
    """Lists [x, y] of tensors; without a length where its data set has none."""

    def __init__(self, batch_size, has_length, where):
        self.batch_size, self.has_length, self.where = batch_size, has_length, where

    def __iter__(self):
        for k in range(0, len(X), self.batch_size):
            rows = slice(k, k + self.batch_size)
            yield [StandInTensor(X[rows], self.where), StandInTensor(Y[rows], self.where)]

    def __len__(self):
        if not self.has_length:
            raise TypeError("object of type 'IterableDataset' has no len()")
        return -(-len(X) // self.batch_size)


def torch_loader(kind, **options):
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    if kind == "iterable":

        class Rows(torch.utils.data.IterableDataset):
            def __iter__(self):
                return iter([data[i] for i in range(len(X))])

        return torch.utils.data.DataLoader(Rows(), batch_size=5)
    return torch.utils.data.DataLoader(data, batch_size=5, **options)


LOADERS = {
    "stand-in": lambda: StandInLoader(5, True, "cuda"),
    "without length": lambda: StandInLoader(5, False, "cpu"),
    "torch": lambda: torch_loader("map"),
    "torch, iterable": lambda: torch_loader("iterable"),
    "torch, processes": lambda: torch_loader("map", num_workers=2),
}


def model_of():
    nnseq.utils.set_random_seed(1)
    model = nnseq.Sequential([nnseq.Input((4,)), layers.Dense(3, "tanh"), layers.Dense(2)])
    model.compile("adam", "mse", metrics=["mae"])
    return model


@pytest.mark.parametrize("kind", LOADERS)
def test_a_loader_gives_what_the_arrays_give(kind):
    ours, same = model_of(), model_of()
    loader = LOADERS[kind]()
    got = ours.fit(loader, validation_data=LOADERS[kind](), epochs=3, verbose=0).history
    arrays = {"batch_size": 5, "shuffle": False, "verbose": 0}
    want = same.fit(X, Y, validation_data=(X, Y), validation_batch_size=5, epochs=3, **arrays)
    assert got == want.history
    for a, b in zip(ours.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert ours.evaluate(loader, verbose=0) == same.evaluate(X, Y, batch_size=5, verbose=0)
    np.testing.assert_array_equal(
        ours.predict(loader, verbose=0), same.predict(X, batch_size=5, verbose=0)
    )


def test_batches_of_dicts():
    class Loader(StandInLoader):
        def __iter__(self):
            return iter([({"a": x}, {"b": y}) for x, y in super().__iter__()])

    x = nnseq.Input((4,), name="a")
    model = nnseq.Model({"a": x}, {"b": layers.Dense(2)(layers.Dense(3, "tanh")(x))})
    model.compile("adam", "mse")
    same = model_of()
    model.set_weights(same.get_weights())
    got = model.fit(Loader(5, True, "cuda"), epochs=2, verbose=0).history["loss"]
    want = same.fit(X, Y, batch_size=5, shuffle=False, epochs=2, verbose=0).history["loss"]
    assert got == want


def test_bfloat16():
    x = StandInTensor(X, "cpu", requires_grad=False)
    x.dtype = "torch.bfloat16"
    x.detach = x.cpu = lambda: x
    np.testing.assert_array_equal(model_of().predict(x), model_of().predict(X))


def test_targets_come_with_the_loader():
    with pytest.raises(ValueError, match="`y`"):
        model_of().fit(LOADERS["stand-in"](), Y, verbose=0)
