"""nnseq.function: the same numbers as eager code, one Program per kind of arguments."""

import copy
import pickle

import numpy as np
import pytest

import nnseq
from nnseq import GradientTape, Sequential, Variable, layers, losses, metrics, ops, optimizers

RNG = np.random.default_rng(0)
X = RNG.standard_normal((72, 6), dtype="float32")
Y = np.sin(X[:, :1])


def perceptron():
    nnseq.utils.set_random_seed(3)
    return Sequential([nnseq.Input((6,)), layers.Dense(9, activation="relu"), layers.Dense(1)])


def train(wrap, epochs=3):
    """The weights, the losses and the step of a loop over batches of 32, 32 and 8."""
    model, optimizer = perceptron(), optimizers.Adam(1e-2)
    loss_of, mean = losses.MeanSquaredError(), metrics.Mean()

    @wrap
    def step(x, y):
        with GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        mean.update_state(loss, sample_weight=ops.cast(ops.shape(x)[0], "float32"))
        return loss

    found = []
    for _ in range(epochs):
        mean.reset_state()
        last = [float(step(X[i : i + 32], Y[i : i + 32])) for i in (0, 32, 64)]
        found.append([*last, float(mean.result())])
    return model.get_weights(), found, step


def count(function):
    """How many traces it has."""
    return sum(traced.count for traced in function._traces._traced.values())


def plain(python_function):
    return python_function


def assert_same(a, b):
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)


def test_a_loop_gives_the_bits_of_eager_code_and_of_fit():
    eager, eager_losses, _ = train(plain)
    traced, traced_losses, step = train(nnseq.function)
    assert_same(eager, traced)
    assert eager_losses == traced_losses
    assert count(step) == 1  # the last, smaller batch too

    model = perceptron()
    model.compile(optimizers.Adam(1e-2), "mse")
    history = model.fit(X, Y, batch_size=32, epochs=3, shuffle=False, verbose=0).history
    assert_same(model.get_weights(), traced)
    assert history["loss"] == [epoch[-1] for epoch in traced_losses]


def gan(wrap):
    nnseq.utils.set_random_seed(5)
    generator = Sequential([nnseq.Input((3,)), layers.Dense(8, activation="tanh"), layers.Dense(6)])
    critic = Sequential([nnseq.Input((6,)), layers.Dense(8, activation="relu"), layers.Dense(1)])
    of_generator, of_critic = optimizers.Adam(1e-2, beta_1=0.5), optimizers.RMSprop(1e-2)
    loss_of = losses.BinaryCrossentropy(from_logits=True)

    @wrap
    def step(real, noise):
        fake = generator(noise, training=True)
        with GradientTape() as tape:
            judged = critic(ops.concatenate([real, fake], axis=0), training=True)
            truth = [ops.ones_like(real[:, :1]), ops.zeros_like(fake[:, :1])]
            critic_loss = loss_of(ops.concatenate(truth, axis=0), judged)
        gradients = tape.gradient(critic_loss, critic.trainable_weights)
        of_critic.apply(gradients, critic.trainable_weights)
        with GradientTape() as tape:  # against the critic that has just learnt
            judged = critic(generator(noise, training=True), training=True)
            loss = loss_of(ops.ones_like(judged), judged)
        gradients = tape.gradient(loss, generator.trainable_weights)
        of_generator.apply(gradients, generator.trainable_weights)
        return {"critic": critic_loss, "generator": loss}

    rng = np.random.default_rng(1)
    logs = [
        step(X[i : i + 8], rng.standard_normal((8, 3), dtype="float32")) for i in range(0, 48, 8)
    ]
    return [*generator.get_weights(), *critic.get_weights()], logs


def test_a_gan():
    eager, eager_logs = gan(plain)
    traced, logs = gan(nnseq.function)
    for a, b in zip(eager, traced, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)
    for a, b in zip(eager_logs, logs, strict=True):
        assert float(a["critic"]) == pytest.approx(float(b["critic"]), rel=1e-5)
        assert float(a["generator"]) == pytest.approx(float(b["generator"]), rel=1e-5)


def test_a_gradient_penalty():
    def trained(wrap):
        nnseq.utils.set_random_seed(2)
        critic = Sequential([nnseq.Input((6,)), layers.Dense(8, "tanh"), layers.Dense(1)])
        optimizer = optimizers.SGD(0.1)

        @wrap
        def step(x):
            with GradientTape() as outer:
                with GradientTape() as inner:
                    inner.watch(x)
                    judged = critic(x, training=True)
                slope = inner.gradient(judged, x)
                norm = ops.sqrt(ops.sum(ops.square(slope), axis=1))
                penalty = ops.mean(ops.square(norm - 1.0))
            weights = critic.trainable_weights
            pairs = zip(outer.gradient(penalty, weights), weights, strict=True)
            optimizer.apply_gradients(pairs)
            return penalty

        tensor = ops.convert_to_tensor(X[:16])
        return [float(step(tensor)) for _ in range(12)], critic.get_weights()

    eager, eager_weights = trained(plain)
    traced, weights = trained(nnseq.function)
    np.testing.assert_allclose(eager, traced, rtol=1e-4)
    assert traced[-1] < traced[0] / 2
    for a, b in zip(eager_weights, weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


# --- arguments and results ------------------------------------------------------------------------
def test_structures_in_and_out():
    @nnseq.function
    def f(batch, scale=1.0, *, names=("a", "b"), extra=None):
        """Scales."""
        x, (y, z) = batch["x"], batch["rest"]
        result = {names[0]: x * scale, names[1]: [y + z, (z, None)], "static": scale}
        return (result if extra is None else extra), "done"

    a, b, c = np.float32([[1, 2]]), np.int32([3]), np.float64([0.5])
    batch = {"rest": [b, (c)], "x": a}
    found, done = f(batch, 2.0)
    assert done == "done" and found["static"] == 2.0 and found["b"][1][1] is None
    np.testing.assert_array_equal(found["a"], [[2, 4]])
    np.testing.assert_array_equal(found["b"][0], [3.5])
    assert found["b"][1][0].dtype == "float32"
    assert isinstance(found["b"][1], tuple) and list(found) == ["a", "b", "static"]
    assert f(batch, scale=3.0)[0]["static"] == 3.0
    assert f(batch, 1.0, extra=a)[0].numpy().tolist() == [[1.0, 2.0]]
    assert f.__name__ == "f" and f.__doc__ == "Scales."


def test_what_makes_a_new_trace():
    calls = []

    @nnseq.function
    def f(x, power=2):
        calls.append(power)
        return x**power

    f(X[:4])
    f(X[:5])
    f(ops.convert_to_tensor(X[:5]))
    f(X)
    assert calls == [2]
    f(X[:, :2])  # another dim
    f(X.astype("int32"))  # another dtype
    f(X[0])  # another rank
    assert calls == [2] * 4
    np.testing.assert_allclose(f(X, 3), X**3, rtol=1e-6)
    f(X, power=3)
    f(X, True)  # not the 1 that equals it
    f(X, 1)
    assert calls == [2] * 4 + [3, 3, True, 1]
    np.testing.assert_allclose(f(X), np.square(X), rtol=1e-6)
    assert calls == [2] * 4 + [3, 3, True, 1]


def test_first_dims_that_differ_and_one_row_that_broadcasts():
    f = nnseq.function(lambda x, table, row: x @ ops.transpose(table) + row)
    for rows in (4, 7, 1, 3):
        x, table, row = X[:rows], X[:3], np.ones((1, 3), "float32")
        np.testing.assert_allclose(f(x, table, row), x @ table.T + row, rtol=1e-4, atol=1e-5)


def test_code_that_needs_the_number_of_rows():
    f = nnseq.function(lambda x: ops.stack([x[i] * i for i in range(x.shape[0])]))
    for rows in (2, 3):
        expected = X[:rows] * np.arange(rows)[:, np.newaxis]
        np.testing.assert_allclose(f(X[:rows]), expected, rtol=1e-6)


# --- state ----------------------------------------------------------------------------------------
def test_variables_are_read_and_assigned_in_order():
    v, total = Variable([1.0, 2.0]), Variable(0.0)

    @nnseq.function
    def f(x):
        before = v.value
        v.assign_add(x)
        total.assign_add(ops.sum(v))
        v.assign(v * 2.0)
        return before, v

    before, after = f(np.float32([1, 1]))
    assert before.numpy().tolist() == [1, 2] and after.numpy().tolist() == [4, 6]
    v.assign([0.0, 0.0])  # between calls
    before, after = f(np.float32([1, 1]))
    assert before.numpy().tolist() == [0, 0] and v.numpy().tolist() == [2, 2]
    assert float(total) == 5 + 2


def test_a_failed_call_changes_nothing():
    v = Variable(0.0)

    @nnseq.function
    def f(x, index):
        v.assign_add(1.0)
        return ops.take(x, index, axis=0)

    f(X[:4], np.int32([3]))
    with pytest.raises(ValueError, match="4"):
        f(X[:4], np.int32([4]))
    assert float(v) == 1


def test_random_numbers_move_on_with_each_call():
    dropout = layers.Dropout(0.5, seed=1)
    f = nnseq.function(lambda x: dropout(x, training=True))
    first, second = f(X).numpy(), f(X).numpy()
    assert (first == 0).mean() == pytest.approx(0.5, abs=0.1) and (first != second).any()


def test_learning_rates_of_every_kind():
    w, optimizer = Variable(1.0), optimizers.SGD(0.5)
    calls = []

    @nnseq.function
    def step(slope):
        calls.append(1)
        optimizer.apply([slope], [w])

    def moved():
        before = float(w)
        step(np.float32(1))
        return before - float(w)

    assert moved() == pytest.approx(0.5)
    optimizer.learning_rate = 0.25
    assert moved() == pytest.approx(0.25) and len(calls) == 1
    rates = iter([0.125, 0.0625, 0.03125])
    optimizer.learning_rate = lambda: next(rates)
    assert [moved(), moved()] == [pytest.approx(0.0625), pytest.approx(0.03125)]
    optimizer.learning_rate = optimizers.schedules.PiecewiseConstantDecay([4], [1.0, 2.0])
    assert [moved(), moved()] == [pytest.approx(1.0), pytest.approx(2.0)]


def test_layers_that_are_frozen_afterwards():
    model, optimizer = perceptron(), optimizers.SGD(0.1)

    @nnseq.function
    def step(x):
        with GradientTape() as tape:
            loss = ops.mean(ops.square(model(x, training=True)))
        weights = model.trainable_weights
        optimizer.apply(tape.gradient(loss, weights), weights)

    step(X)
    first, last = model.layers[0].get_weights(), model.layers[1].get_weights()
    model.layers[0].trainable = False
    step(X)
    assert_same(model.layers[0].get_weights(), first)
    assert (model.layers[1].get_weights()[0] != last[0]).any()


# --- where it is called ---------------------------------------------------------------------------
class Scaled(layers.Layer):
    def build(self, shape):
        self.scale = self.add_weight(shape=(), initializer="ones")

    @nnseq.function
    def call(self, x, training=False):
        return x * self.scale * (2.0 if training else 1.0)

    @nnseq.function(jit_compile=True, reduce_retracing=True)
    def doubled(self, x):
        return 2.0 * self(x)


def test_methods_belong_to_their_objects():
    one, other = Scaled(), Scaled()
    assert one(X[:2]).numpy().tolist() == X[:2].tolist()
    other(X[:2])
    other.scale.assign(3.0)
    np.testing.assert_allclose(other.doubled(X[:2]), 6 * X[:2], rtol=1e-6)
    np.testing.assert_allclose(one.doubled(X[:2]), 2 * X[:2], rtol=1e-6)
    np.testing.assert_allclose(one(X[:2], training=True), 2 * X[:2], rtol=1e-6)
    np.testing.assert_allclose(Scaled().doubled(X[:2]), 2 * X[:2], rtol=1e-6)
    for copied in (copy.deepcopy(other), pickle.loads(pickle.dumps(other))):
        copied.scale.assign(5.0)
        np.testing.assert_allclose(copied.doubled(X[:2]), 10 * X[:2], rtol=1e-6)
    np.testing.assert_allclose(other.doubled(X[:2]), 6 * X[:2], rtol=1e-6)
    model = nnseq.Model(inputs := nnseq.Input((6,)), one(inputs))
    np.testing.assert_allclose(model.predict(X, verbose=0), X, rtol=1e-6)


def test_inside_fit_another_function_and_a_tape():
    @nnseq.function
    def square(x):
        return ops.square(x)

    assert float(nnseq.function(lambda x: square(x) + 1.0)(np.float32(3))) == 10
    x = ops.convert_to_tensor(3.0)
    with GradientTape() as tape:
        y = square(x)
    assert float(tape.gradient(y, x)) == 6

    class Own(Sequential):
        @nnseq.function
        def train_step(self, data):
            return super().train_step(data)

    nnseq.utils.set_random_seed(3)
    own = Own([nnseq.Input((6,)), layers.Dense(9, activation="relu"), layers.Dense(1)])
    usual = perceptron()
    for model in (own, usual):
        model.compile(optimizers.Adam(1e-2), "mse")
        model.fit(X, Y, batch_size=32, shuffle=False, verbose=0)
    assert_same(own.get_weights(), usual.get_weights())


def test_masks_and_losses_of_layers_come_through():
    embedding = layers.Embedding(5, 2, mask_zero=True)
    embedded = embedding(np.int32([[1, 2, 0]]))
    pool = layers.GlobalAveragePooling1D()
    np.testing.assert_array_equal(nnseq.function(pool.__call__)(embedded), pool(embedded))
    made = nnseq.function(embedding.__call__)(np.int32([[1, 2, 0]]))
    assert made._keras_mask.numpy().tolist() == [[True, True, False]]

    regularized = layers.ActivityRegularization(l2=0.5)
    nnseq.function(lambda x: regularized(x))(np.float32([[2.0]]))
    assert float(regularized.losses[0]) == pytest.approx(2.0)


# --- what is refused ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "what"),
    [
        (lambda x: float(ops.sum(x)), "the float value"),
        (lambda x: x if ops.sum(x) > 0 else -x, "the truth value"),
        (lambda x: ops.sum(x).numpy(), "the value"),
        (lambda x: sum(1 for row in x), "iteration"),
        (lambda x: np.asarray(x), "the value"),
    ],
)
def test_reading_numbers_is_refused_in_one_line(body, what):
    def named(x):
        return body(x)

    with pytest.raises(TypeError, match=f"nnseq.function 'named': {what}.*ops.where") as caught:
        nnseq.function(named)(X)
    assert "\n" not in str(caught.value)


def test_reading_a_variable_is_refused():
    """Its numbers at the time of tracing would be a constant of the Program."""
    w = Variable([1.0, 2.0], name="held")
    with pytest.raises(TypeError, match=r"the value of Variable held.*ops\.where"):
        nnseq.function(lambda x: x * w.numpy()[0])(X)
    assert w.numpy().tolist() == [1.0, 2.0]


def test_wrong_use_is_refused():
    with pytest.raises(TypeError, match="'<lambda>' was given a set, which can be neither"):
        nnseq.function(lambda x: x)({1, 2})
    with pytest.raises(TypeError, match="no argument input_signature"):
        nnseq.function(input_signature=[])
    with pytest.raises(TypeError, match="is for functions; got a int"):
        nnseq.function(3)
    kept = []
    nnseq.function(lambda x: kept.append(x))(X)
    with pytest.raises(ValueError, match="kept from an earlier trace"):
        nnseq.function(lambda x: x)(kept[0])


def test_many_traces_are_told_of():
    f = nnseq.function(lambda x, rate: x * rate)
    with pytest.warns(UserWarning, match=r"'<lambda>' was traced 16 times.*np\.float32") as warned:
        for step in range(20):
            f(X, step / 10)
    assert len(warned) == 1 and warned[0].filename == __file__
    for step in range(20):
        f(X, np.float32(step / 10))
    assert count(f) == 21
