"""Focal, generalized, overlap, circle and CTC losses: against Keras and references in NumPy."""

import itertools

import numpy as np
import pytest

from nnseq import GradientTape, layers, losses, models, ops

keras = pytest.importorskip("keras")

RNG = np.random.default_rng(12)
BITS = RNG.integers(0, 2, (6, 4)).astype("float32")
UNIT = RNG.uniform(0.02, 0.98, (6, 4)).astype("float32")
SCORES = RNG.normal(size=(6, 4)).astype("float32")
PROBABILITIES = UNIT / UNIT.sum(-1, keepdims=True)
CLASSES = RNG.integers(0, 4, 6)
HOT = np.eye(4, dtype="float32")[CLASSES]
MASKS = RNG.integers(0, 2, (6, 3, 2)).astype("float32")
SOFT = RNG.uniform(size=(6, 3, 2)).astype("float32")
EMBEDDED = (SCORES / np.linalg.norm(SCORES, axis=1, keepdims=True)).astype("float32")
KINDS = np.array([0, 1, 0, 2, 1, 1])
SPOKEN = np.array(
    [[1, 2, 0, 0], [3, 3, 1, 0], [2, 0, 0, 0], [0, 0, 0, 0], [1, 2, 3, 1], [3, 3, 0, 0]]
)
FRAMES = 2 * RNG.normal(size=(6, 7, 4)).astype("float32")
BALANCED = {"apply_class_balancing": True, "alpha": 0.4, "gamma": 1.5, "label_smoothing": 0.1}
# (class, arguments, targets, predictions)
CASES = [
    ("BinaryFocalCrossentropy", {}, BITS, UNIT),
    ("BinaryFocalCrossentropy", {"from_logits": True}, BITS, SCORES),
    ("BinaryFocalCrossentropy", BALANCED, BITS, UNIT),
    ("BinaryFocalCrossentropy", {"gamma": 0.0}, BITS, UNIT),
    ("BinaryFocalCrossentropy", {"axis": 1}, MASKS, SOFT),
    ("CategoricalFocalCrossentropy", {}, HOT, PROBABILITIES),
    ("CategoricalFocalCrossentropy", {"from_logits": True, "alpha": 0.5}, HOT, SCORES),
    ("CategoricalFocalCrossentropy", {"gamma": 0.5, "label_smoothing": 0.2}, HOT, 3 * UNIT),
    ("CategoricalFocalCrossentropy", {"axis": 1}, MASKS, SOFT + 0.1),
    ("CategoricalGeneralizedCrossEntropy", {}, CLASSES, PROBABILITIES),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.8}, CLASSES, PROBABILITIES),
    ("Dice", {"axis": (1, 2)}, MASKS, SOFT),
    ("Dice", {"axis": -1}, BITS, UNIT),
    ("Tversky", {"axis": (1, 2)}, MASKS, SOFT),
    ("Tversky", {"axis": 1, "alpha": 0.2, "beta": 0.9}, BITS, UNIT),
    ("Circle", {}, KINDS, EMBEDDED),
    ("Circle", {"gamma": 2.0, "margin": 0.1, "remove_diagonal": False}, KINDS[:, None], EMBEDDED),
    ("CTC", {}, SPOKEN, FRAMES),
]  # fmt: skip
IDS = [f"{i}-{case[0]}" for i, case in enumerate(CASES)]


def near(ours, theirs, rtol=2e-5):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=rtol, atol=1e-5)


def both(name, **arguments):
    return getattr(losses, name)(**arguments), getattr(keras.losses, name)(**arguments)


@pytest.mark.keras
@pytest.mark.parametrize(("name", "arguments", "y", "p"), CASES, ids=IDS)
def test_values(name, arguments, y, p):
    for reduction in ("sum_over_batch_size", "sum", None):
        ours, theirs = both(name, **arguments, reduction=reduction)
        near(ours(y, p), theirs(y, p))
        weights = np.linspace(0, 2, 6, dtype="float32")
        weights = weights.reshape((6,) + (1,) * (np.ndim(theirs.fn(y, p, **theirs._fn_kwargs)) - 1))
        near(ours(y, p, weights), theirs(y, p, weights))


def gradient(loss, y, p):
    p = ops.convert_to_tensor(p)
    with GradientTape() as tape:
        tape.watch(p)
        value = loss(y, p)
    return tape.gradient(value, p).numpy()


@pytest.mark.keras
@pytest.mark.parametrize(("name", "arguments", "y", "p"), CASES, ids=IDS)
def test_gradients(name, arguments, y, p):
    import jax

    if name == "Circle":  # of samples without a partner JAX has NaN
        p, y = np.concatenate([p, p[::-1]]), np.concatenate([y, y[::-1]])
    ours, theirs = both(name, **arguments)
    expected = jax.jit(jax.grad(lambda x: theirs(y, x)))(p)
    near(gradient(ours, y, p), expected, rtol=1e-4)


@pytest.mark.keras
@pytest.mark.parametrize(("name", "arguments"), [case[:2] for case in CASES], ids=IDS)
def test_configurations(name, arguments):
    ours, theirs = both(name, **arguments)
    assert ours.get_config() == theirs.get_config()
    again = losses.deserialize(losses.serialize(ours))
    assert type(again) is type(ours) and again.get_config() == ours.get_config()
    assert type(losses.deserialize(keras.losses.serialize(theirs))) is type(ours)


@pytest.mark.keras
def test_masks_over_all_samples():
    for name in ("Dice", "Tversky"):
        ours, theirs = both(name)
        near(ours(MASKS, SOFT), theirs(MASKS, SOFT))
    near(losses.dice(MASKS, SOFT), losses.tversky(MASKS, SOFT))


def test_focal_values_of_known_logits_are_not_clipped():
    """As those of the cross-entropy."""
    p = ops.sigmoid(ops.convert_to_tensor([[-40.0]]))
    near(losses.binary_focal_crossentropy([[1.0]], p), [40.0])
    near(losses.binary_focal_crossentropy([[1.0]], [[-40.0]], from_logits=True), [40.0])


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
def test_gradients_of_certain_predictions_are_finite(gamma):
    for loss in (losses.BinaryFocalCrossentropy, losses.CategoricalFocalCrossentropy):
        assert np.isfinite(gradient(loss(gamma=gamma), HOT, HOT)).all()


# --- circle ---------------------------------------------------------------------------------------
def test_a_sample_without_a_partner_counts_nothing():
    labels = np.array([0, 1, 0, 2, 1, 1])  # 2 is alone
    values = losses.circle(labels, EMBEDDED)
    assert values.numpy()[3] == 0 and not values._keras_mask.numpy()[3]
    slope = gradient(losses.Circle(), labels, EMBEDDED)
    assert np.isfinite(slope).all() and slope.any()
    one_label = np.zeros(6, "int64")
    assert float(losses.Circle()(one_label, EMBEDDED)) == 0
    assert not gradient(losses.Circle(), one_label, EMBEDDED).any()


@pytest.mark.keras
def test_references_of_the_circle_loss():
    labels, references = np.array([0, 1, 2]), EMBEDDED[::-1][:3]
    for remove in (True, False):
        arguments = (KINDS, EMBEDDED, labels, references, remove, 5, 0.25)
        near(losses.circle(*arguments), keras.losses.circle(*arguments))


# --- CTC ------------------------------------------------------------------------------------------
def read(path):
    return [k for k, _ in itertools.groupby(path) if k != 0]


def by_all_paths(labels, logits):
    """In float64, over all C^T alignments."""
    scores = logits.astype("float64")
    scores -= np.log(np.exp(scores).sum(-1, keepdims=True))
    frames, classes = scores.shape
    wanted = [k for k in labels if k]
    total = sum(
        np.exp(sum(scores[t, k] for t, k in enumerate(path)))
        for path in itertools.product(range(classes), repeat=frames)
        if read(path) == wanted
    )
    return -np.log(total)


def test_ctc_is_the_sum_over_all_paths():
    logits = 2 * RNG.normal(size=(5, 5, 3)).astype("float32")
    labels = np.array([[1, 2, 0], [1, 1, 0], [2, 0, 0], [0, 0, 0], [1, 2, 1]])
    expected = [by_all_paths(*pair) for pair in zip(labels, logits, strict=True)]
    near(losses.ctc(labels, logits), expected)
    near(losses.ctc(labels.astype("float32"), 0 * logits), [
        by_all_paths(row, 0 * logits[0]) for row in labels
    ])  # fmt: skip


@pytest.mark.keras
def test_lengths_of_ctc():
    lengths, frames = np.array([2, 3, 1, 0, 4, 2]), np.array([7, 6, 3, 5, 7, 4])
    near(
        ops.ctc_loss(SPOKEN, FRAMES, lengths, frames),
        keras.ops.ctc_loss(SPOKEN, FRAMES, lengths, frames),
    )
    near(
        ops.ctc_loss(SPOKEN - 1, FRAMES, lengths, frames, mask_index=3),
        keras.ops.ctc_loss(SPOKEN - 1, FRAMES, lengths, frames, mask_index=3),
    )
    cut = [by_all_paths(SPOKEN[i], FRAMES[i, :4]) for i in (0, 2, 5)]
    four = np.full(6, 4)
    near(ops.ctc_loss(SPOKEN, FRAMES, lengths, four).numpy()[[0, 2, 5]], cut)


def test_impossible_labels_cost_much_but_not_nan():
    value = losses.ctc([[1, 1]], np.zeros((1, 2, 3), "float32"))
    assert 9e4 < float(value[0]) < 1.1e5
    assert np.isfinite(gradient(losses.CTC(), [[1, 1]], np.zeros((1, 2, 3), "float32"))).all()


# --- in fit ---------------------------------------------------------------------------------------
def fitted(library_models, library_layers, loss, x, y, head):
    weights = np.random.default_rng(0)
    model = library_models.Sequential(
        [library_layers.Input(x.shape[1:]), library_layers.Dense(4, activation=head)]
    )
    model.set_weights([weights.normal(size=w.shape) for w in model.get_weights()])
    model.compile("sgd", loss)
    history = model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0).history
    return [*history["loss"], model.evaluate(x, y, batch_size=4, verbose=0)]


@pytest.mark.keras
@pytest.mark.parametrize(
    ("loss", "y", "head"),
    [
        ("binary_focal_crossentropy", BITS, "sigmoid"),
        ("CategoricalFocalCrossentropy", HOT, "softmax"),
        ("dice", BITS, "sigmoid"),
        ("Tversky", BITS, "sigmoid"),
        ("CategoricalGeneralizedCrossEntropy", CLASSES, "softmax"),
        ("circle", KINDS, None),
        ("ctc", SPOKEN, None),
    ],
)
def test_fit_as_keras(loss, y, head):
    x = RNG.normal(size=(6, 7, 5) if loss == "ctc" else (6, 5)).astype("float32")
    made = [
        getattr(lib, loss)() if loss.startswith("CategoricalGen") else loss
        for lib in (losses, keras.losses)
    ]
    near(
        fitted(models, layers, made[0], x, y, head),
        fitted(keras.models, keras.layers, made[1], x, y, head),
        rtol=1e-4,
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: losses.Dice()(BITS, UNIT[:, :3]), "dice: .*the shapes must be equal"),
        (lambda: losses.Tversky()(BITS, UNIT[:, :3]), "tversky: .*the shapes must be equal"),
        (lambda: losses.BinaryFocalCrossentropy()(BITS, UNIT[:, :3]), "shapes must be equal"),
        (lambda: losses.CategoricalFocalCrossentropy()(HOT[:, :1], UNIT[:, :1]), "one class only"),
        (lambda: losses.BinaryFocalCrossentropy(label_smoothing=2)(BITS, UNIT), "in .0, 1."),
        (lambda: losses.CategoricalGeneralizedCrossEntropy(q=1.0), "Received: q=1.0"),
        (lambda: losses.CategoricalGeneralizedCrossEntropy()(HOT, UNIT), "one integer class"),
        (lambda: losses.Circle()(HOT, UNIT), r"of shape \(N,\) or \(N, 1\)"),
        (lambda: losses.Circle()(CLASSES, SOFT), r"embeddings \(N, D\)"),
        (lambda: losses.CTC()(CLASSES, FRAMES), r"ctc: expected targets \(N, labels\)"),
        (lambda: ops.ctc_loss(SPOKEN, SCORES, [1], [1]), r"ctc_loss: expected targets \(N, L\)"),
    ],
)  # fmt: skip
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("loss", "y", "shape"),
    [
        (losses.CategoricalGeneralizedCrossEntropy(), np.array([0, 7]), (2, 5)),
        (losses.CTC(), np.array([[1, 7], [2, 0]]), (2, 7, 5)),
    ],
)
def test_labels_that_no_step_can_use_are_found_before_the_first(loss, y, shape):
    model = models.Sequential([layers.Input(shape[1:]), layers.Dense(4)])
    model.compile("sgd", loss)
    with pytest.raises(ValueError, match=r"class 7 of sample . is not one of"):
        model.fit(np.zeros(shape, "float32"), y, verbose=0)
