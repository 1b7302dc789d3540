"""Layers of several inputs against Keras: Dot, Attention, AdditiveAttention, MultiHeadAttention,
GroupQueryAttention, with random arguments in functional models, and called by themselves."""

import json

import numpy as np
import pytest
from differential.plain import Draw, Make, make

import nnseq
from nnseq import layers, ops
from nnseq.engine.traced import Traced

keras = pytest.importorskip("keras", reason="Keras is the oracle: pip install 'keras==3.15.*' jax")
jax = pytest.importorskip("jax", reason="the oracle runs on JAX")
from test_layers import assert_close, normal  # noqa: E402

pytestmark = pytest.mark.keras
ROWS, BATCH = 18, 4  # five steps, the last one of two samples
T, S, D = 5, 4, 6


# --- random functional models ---------------------------------------------------------------------


def dot(draw):
    shapes, axes = draw.pick(
        [
            ([(D,), (D,)], [1, -1]),
            ([(T, D), (S, D)], [2, (2, 2), -1]),
            ([(D, T), (S, D)], [(1, 2), (1, -1)]),
            ([(T, D), (D,)], [(2, 1)]),
            ([(D,), (2, D, 3)], [(1, 2)]),
            ([(2, D, 3), (D, 2)], [(2, 1)]),
        ]
    )
    arguments = {"axes": draw.pick(axes), **draw.some({"normalize": True}, 0.4)}
    return Make("layers.Dot", arguments), shapes, {}


def sequences(draw):
    """Query and value, and perhaps a key."""
    return [(T, D), (S, D)] + [(S, D)] * draw.chance(0.4)


def attention(draw):
    arguments = draw.some({"use_scale": True, "score_mode": ["dot", "concat"], "dropout": 0.3}, 0.4)
    return Make("layers.Attention", arguments), sequences(draw), call_options(draw)


def additive(draw):
    arguments = draw.some({"use_scale": [False], "dropout": 0.3}, 0.3)
    return Make("layers.AdditiveAttention", arguments), sequences(draw), call_options(draw)


def call_options(draw):
    return draw.some({"use_causal_mask": True, "return_attention_scores": True}, 0.35)


def head_options(draw):
    return draw.some(
        {
            "dropout": 0.3,
            "use_bias": [False],
            "sliding_window": 2,
            "use_gate": True,
            "kernel_initializer": ["he_normal", Make("initializers.RandomUniform")],
            "bias_initializer": "ones",
            "kernel_regularizer": "l2",
            "kernel_constraint": "max_norm",
            "activity_regularizer": "l2",
        },
        0.25,
    )


def multi_head(draw):
    sizes = draw.some({"value_dim": 2, "output_shape": [5, (2, 3)], "attention_axes": 1}, 0.3)
    arguments = {"num_heads": draw.pick([1, 2, 3]), "key_dim": 4, **sizes, **head_options(draw)}
    shapes, options = sequences(draw), call_options(draw)
    if "dropout" not in arguments and "return_attention_scores" not in options:
        arguments.pop("value_dim", None)  # Keras on JAX then wants values as wide as keys
    return Make("layers.MultiHeadAttention", arguments), shapes, options


def grouped(draw):
    queries, keys = draw.pick([(4, 2), (4, 1), (2, 2)])
    arguments = {"head_dim": 3, "num_query_heads": queries, "num_key_value_heads": keys}
    layer = Make("layers.GroupQueryAttention", {**arguments, **head_options(draw)})
    return layer, sequences(draw), call_options(draw)


KINDS = [dot, attention, additive, multi_head, grouped, multi_head]


def model_of(lib, seed):
    """The model of a seed: inputs, perhaps masked, the layer, and layers that use its mask."""
    lib.utils.clear_session(free_memory=False)
    draw = Draw(seed)
    described, shapes, options = KINDS[seed % len(KINDS)](draw)
    kl = lib.layers
    given = [lib.Input(shape) for shape in shapes]
    is_masked = described.path != "layers.Dot" and draw.chance(0.5)
    inputs = [kl.Masking()(x) for x in given] if is_masked else given
    layer = make(lib, described)
    in_list = described.path in ("layers.Dot", "layers.Attention", "layers.AdditiveAttention")
    results = layer(inputs, **options) if in_list else layer(*inputs, **options)
    outputs = list(results) if options.get("return_attention_scores") else [results]
    if described.path == "layers.GroupQueryAttention":
        del outputs[1:]  # the mask that Keras gives these scores (N, 1, T, S) fits no loss of them
    if len(outputs[0].shape) == 3:
        outputs.append(kl.GlobalAveragePooling1D()(outputs[0]))
    return lib.Model(given, outputs), shapes, described.arguments.get("dropout", 0.0)


def data(seed, shapes):
    rng = np.random.default_rng([seed, 1])
    x = [rng.normal(size=(ROWS, *shape)).astype("float32") for shape in shapes]
    for values in x:
        if seed % len(KINDS) and values.ndim == 3:  # steps that Masking masks, not the first
            values[:, 1:][rng.random(values[:, 1:].shape[:2]) < 0.3] = 0.0
    return x


def gradients(ours, theirs, x, seed):
    """Of a weighted sum of the outputs by inputs and weights, in both libraries."""
    rng = np.random.default_rng([seed, 2])
    factors = [rng.normal(size=y.shape).astype("float32") for y in nnseq_outputs(ours, x)]

    def target(trainable, inputs):
        fixed = [v.value for v in theirs.non_trainable_variables]
        outputs, _ = theirs.stateless_call(trainable, fixed, inputs)
        flat = outputs if isinstance(outputs, list | tuple) else [outputs]
        return sum(jax.numpy.sum(y * w) for y, w in zip(flat, factors, strict=True))

    by_weights, by_inputs = jax.jit(jax.grad(target, argnums=(0, 1)))(
        [v.value for v in theirs.trainable_variables], x
    )
    with nnseq.GradientTape() as tape:
        tensors = [ops.convert_to_tensor(value) for value in x]
        for tensor in tensors:
            tape.watch(tensor)
        pairs = zip(nnseq_outputs(ours, tensors), factors, strict=True)
        total = sum(ops.sum(y * w) for y, w in pairs)
    got = tape.gradient(total, [*tensors, *ours.trainable_variables])
    return [np.asarray(g) for g in got], [np.asarray(g) for g in [*by_inputs, *by_weights]]


def nnseq_outputs(model, x):
    outputs = model(x)
    return outputs if isinstance(outputs, list | tuple) else [outputs]


def predictions(model, x):
    found = model.predict(x, batch_size=BATCH, verbose=0)
    return found if isinstance(found, list | tuple) else [found]


def compare(seed, folder):
    (ours, shapes, dropout), (theirs, _, _) = model_of(nnseq, seed), model_of(keras, seed)
    assert [(v.path, tuple(v.shape)) for v in ours.weights] == [
        (v.path, tuple(v.shape)) for v in theirs.weights
    ]
    # Of the weights of its heads Keras says (T, T), and gives (T, S).
    assert tuple(ours.outputs[0].shape) == tuple(theirs.outputs[0].shape)
    ours.set_weights(w := [0.6 * normal(v.shape, k) for k, v in enumerate(ours.weights)])
    theirs.set_weights(w)
    x = data(seed, shapes)
    for a, b in zip(predictions(ours, x), predictions(theirs, x), strict=True):
        assert_close(a, b, 1e-5, "predict")
    for a, b in zip(*gradients(ours, theirs, [v[:3] for v in x], seed), strict=True):
        assert_close(a, b, 1e-4, "gradient")
    y = [normal(p.shape, k) for k, p in enumerate(predictions(ours, x))]
    for model in (ours, theirs):
        model.compile("sgd", "mse")
    if not dropout and ours.trainable_weights:
        logs = [m.fit(x, y, BATCH, shuffle=False, verbose=0).history for m in (ours, theirs)]
        assert logs[0]["loss"] == pytest.approx(logs[1]["loss"], rel=1e-3)
        for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            assert_close(a, b, 1e-3, "five steps")
    for model, lib in ((ours, keras), (theirs, nnseq)):
        model.save(folder / "model.keras")
        read = lib.models.load_model(folder / "model.keras")
        for a, b in zip(predictions(read, x), predictions(model, x), strict=True):
            assert_close(a, b, 1e-5, "after loading")
    layer = next(
        layer for layer in ours.layers if not isinstance(layer, layers.InputLayer | layers.Masking)
    )
    again = type(layer).from_config(json.loads(json.dumps(layer.get_config())))
    same_config(again.get_config(), layer.get_config())
    same_config(layer.get_config(), theirs.get_layer(layer.name).get_config())


def same_config(got, want):
    plain = [json.loads(json.dumps(config)) for config in (got, want)]
    for config in plain:
        config.pop("dtype")
        for value in config.values():
            if isinstance(value, dict):
                value["config"] = {k: v for k, v in value["config"].items() if "axes" not in k}
                value.pop("build_config", None)
    assert plain[0] == plain[1]


@pytest.mark.parametrize("case_seed", range(1, 4))
def test_functional_models(case_seed, tmp_path):
    compare(case_seed, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("case_seed", [0, *range(4, 120)])
def test_more_functional_models(case_seed, tmp_path):
    compare(case_seed, tmp_path)


# --- called by themselves -------------------------------------------------------------------------


def pair(name, arguments, inputs):
    """The layer of both libraries with the same weights, built."""
    ours, theirs = getattr(layers, name)(**arguments), getattr(keras.layers, name)(**arguments)
    ours(*inputs), theirs(*inputs)
    ours.set_weights(w := [0.6 * normal(v.shape, k) for k, v in enumerate(ours.weights)])
    theirs.set_weights(w)
    return ours, theirs


SOME = np.random.default_rng(7).random((2, T, S)) < 0.6
HEADS = ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3})
GROUPS = ("GroupQueryAttention", {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2})


@pytest.mark.parametrize(("name", "arguments"), [HEADS, GROUPS])
@pytest.mark.parametrize(
    "options",
    [
        {"attention_mask": SOME},
        {"attention_mask": SOME.astype("int32"), "return_attention_scores": True},
        {"use_causal_mask": True, "attention_mask": SOME},
        {"use_causal_mask": True, "return_attention_scores": True},
        {"value_mask": SOME[:, 0]},
    ],
    ids=",".join,
)
def test_masks_given_to_heads(name, arguments, options):
    inputs = normal((2, T, D)), normal((2, S, D), 1)
    ours, theirs = pair(name, arguments, inputs)
    got, want = ours(*inputs, **options), theirs(*inputs, **options)
    if not options.get("return_attention_scores"):
        got, want = [got], [want]
    for a, b in zip(got, want, strict=True):
        assert_close(a.numpy(), np.asarray(b), 1e-5)


@pytest.mark.parametrize("axes", [None, (2,), (1, 2), (-2,)])
def test_heads_along_several_axes(axes):
    arguments = {"num_heads": 2, "key_dim": 3, "attention_axes": axes}
    inputs = normal((2, 3, 4, D)), normal((2, 3, 4, D), 1)
    ours, theirs = pair("MultiHeadAttention", arguments, inputs)
    assert_close(ours(*inputs).numpy(), np.asarray(theirs(*inputs)), 1e-5)
    assert list(ours.get_config()["attention_axes"]) == list(theirs.get_config()["attention_axes"])


def test_heads_draw_kernels_that_differ():
    layer = layers.MultiHeadAttention(2, 3)
    layer(normal((2, T, D)), normal((2, T, D)))
    query, key = layer.query_dense.kernel.numpy(), layer.key_dense.kernel.numpy()
    assert (query != key).any()


def test_a_mask_of_the_query_goes_with_the_output_and_stays_on_the_input():
    x = layers.Masking()(data(1, [(T, D)])[0])
    layer = layers.MultiHeadAttention(2, 3)
    y = layer(x, x)
    np.testing.assert_array_equal(y._keras_mask.numpy(), x._keras_mask.numpy())
    kept = x._keras_mask.numpy()[0]
    alone = layer(*[x.numpy()[:1, kept]] * 2).numpy()[0]
    assert_close(y.numpy()[0][kept], alone, 1e-5)


@pytest.mark.parametrize("name", ["Attention", "AdditiveAttention"])
def test_attention_masks_queries_and_values(name):
    inputs = [normal((2, T, D)), normal((2, S, D), 1)]
    ours, theirs = getattr(layers, name)(), getattr(keras.layers, name)()
    ours(inputs), theirs(inputs)
    theirs.set_weights(ours.get_weights())
    masks = [SOME[:, :, 0], np.array([[1, 1, 0, 1], [0, 0, 0, 0]], bool)]
    for mask in (masks, [None, masks[1]], [masks[0], None]):
        want = np.asarray(theirs(inputs, mask=mask))
        assert_close(ours(inputs, mask=mask).numpy(), want, 1e-5)


def test_attention_drops_weights_in_training():
    layer = layers.Attention(dropout=0.5, seed=1)
    x = [ops.ones((1, 50, 2)), ops.ones((1, 40, 2))]
    _, weights = layer(x, training=True, return_attention_scores=True)
    assert set(np.unique(weights.numpy().round(4))) == {0, np.float32(0.05)}
    np.testing.assert_allclose(layer(x).numpy(), 1, rtol=1e-5)


def test_traced_with_any_length():
    layer = layers.MultiHeadAttention(2, 3)
    layer(normal((1, T, D)), normal((1, T, D)))
    run = Traced(lambda x: layer(x, x, use_causal_mask=True), training=False)
    for shape in ((1, T, D), (3, 7, D)):
        x = normal(shape, 3)
        assert_close(run(x).numpy(), layer(x, x, use_causal_mask=True).numpy(), 1e-6)
    later = normal((1, 7, D), 3)
    later[:, 4:] = 0
    first = layer(normal((1, 7, D), 3), normal((1, 7, D), 3), use_causal_mask=True).numpy()
    assert_close(layer(later, later, use_causal_mask=True).numpy()[:, :4], first[:, :4], 1e-6)


@pytest.mark.parametrize("heads", [4, 2])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"is_causal": True, "scale": 0.3},
        {"mask": SOME[:, None], "bias": normal((2, 4, T, S), 8)},
        {"attn_logits_soft_cap": 1.5, "mask": np.zeros((2, 1, 1, S), bool)},
    ],
    ids=",".join,
)
def test_dot_product_attention(heads, options):
    q, k, v = normal((2, T, 4, 3)), normal((2, S, heads, 3), 1), normal((2, S, heads, 6), 2)
    got = ops.dot_product_attention(q, k, v, **options).numpy()
    wide = [np.repeat(x.astype(float), 4 // heads, axis=2) for x in (k, v)]
    logits = np.einsum("btnh,bsnh->bnts", q, wide[0]) * options.get("scale", 3**-0.5)
    logits = logits + options.get("bias", 0.0)
    if cap := options.get("attn_logits_soft_cap"):
        logits = logits / (1 + np.abs(logits) / cap)
    mask = options.get("mask", np.ones((1, 1, 1, 1), bool))
    if options.get("is_causal"):
        mask = mask & np.tril(np.ones((T, S), bool))
    logits = np.where(mask, logits, -1e30)
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    assert_close(got, np.einsum("bnts,bsnh->btnh", weights, wide[1]), 1e-5)


@pytest.mark.parametrize(
    ("make_it", "error", "word"),
    [
        (lambda: layers.Dot("x"), TypeError, "axes"),
        (lambda: layers.Dot((1, 2, 3)), ValueError, "two elements"),
        (lambda: layers.Dot((1, 2.0)), ValueError, "integers"),
        (lambda: layers.Dot(1)(normal((2, 3))), ValueError, "list of 2 inputs"),
        (lambda: layers.Dot(1)([normal((2, 3)), normal((2, 4))]), ValueError, "3 .at axis 1.*4"),
        (lambda: layers.Dot(0)([normal((2, 3)), normal((2, 3))]), ValueError, "axis 0"),
        (lambda: layers.Attention(score_mode="sum"), ValueError, "score_mode"),
        (lambda: layers.Attention(dropout=1.5), ValueError, "dropout"),
        (lambda: layers.Attention()(normal((2, 3, 4))), ValueError, "list of 2 or 3 inputs"),
        (lambda: layers.MultiHeadAttention(0, 2), ValueError, "num_heads"),
        (lambda: layers.MultiHeadAttention(2, 2.5), ValueError, "key_dim"),
        (lambda: layers.MultiHeadAttention(2, 2, value_dim=-1), ValueError, "value_dim"),
        (lambda: layers.MultiHeadAttention(2, 2, sliding_window=0), ValueError, "sliding_window"),
        (lambda: layers.MultiHeadAttention(2, 2, flash_attention=True), ValueError, "flash"),
        (lambda: layers.GroupQueryAttention(2, 3, 2), ValueError, "divisible"),
        (
            lambda: layers.MultiHeadAttention(2, 2)(*[normal((2, n, 4)) for n in (3, 4, 5)]),
            ValueError,
            "must be equal",
        ),
        (lambda: ops.dot_product_attention(*[normal((2, 3, 4))] * 3), ValueError, "4D"),
        (
            lambda: ops.dot_product_attention(*[normal((2, 3, n, 4)) for n in (3, 2, 2)]),
            ValueError,
            "multiple",
        ),
    ],
)  # fmt: skip
def test_errors(make_it, error, word):
    with pytest.raises(error, match=word):
        make_it()
