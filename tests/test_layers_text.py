"""StringLookup, IntegerLookup and TextVectorization.

Keras has them only with TensorFlow, so they are compared with what its documentation prints and
with a plain implementation; in models, in all the ways data comes.
"""

import json
import zipfile
from collections import Counter

import numpy as np
import pytest

import nnseq
from nnseq import layers

WORDS = ["a", "b", "c", "d"]
DATA = [["a", "c", "d"], ["d", "z", "b"]]


# --- lookups --------------------------------------------------------------------------------------


def test_lookup_as_documented():
    assert layers.StringLookup(vocabulary=WORDS)(DATA).tolist() == [[1, 3, 4], [4, 0, 2]]
    layer = layers.StringLookup()
    layer.adapt(DATA)
    assert layer.get_vocabulary() == ["[UNK]", "d", "z", "c", "b", "a"]
    two = layers.StringLookup(vocabulary=WORDS, num_oov_indices=2)
    assert two([["a", "c", "d"], ["m", "z", "b"]]).tolist() == [[2, 4, 5], [0, 1, 3]]
    hot = layers.StringLookup(vocabulary=WORDS, output_mode="one_hot")
    np.testing.assert_array_equal(hot(["a", "b", "c", "d", "z"]), np.eye(5)[[1, 2, 3, 4, 0]])
    multi = layers.StringLookup(vocabulary=WORDS, output_mode="multi_hot")
    assert multi([["a", "c", "d", "d"], ["d", "z", "b", "z"]]).tolist() == [
        [0, 1, 0, 1, 1], [1, 0, 1, 0, 1]]  # fmt: skip
    count = layers.StringLookup(vocabulary=WORDS, output_mode="count")
    assert count([["a", "c", "d", "d"], ["d", "z", "b", "z"]]).tolist() == [
        [0, 1, 0, 1, 2], [2, 0, 1, 0, 1]]  # fmt: skip
    weighted = layers.StringLookup(
        vocabulary=WORDS, idf_weights=[0.25, 0.75, 0.6, 0.4], output_mode="tf_idf"
    )
    got = weighted([["a", "c", "d", "d"], ["d", "z", "b", "z"]])
    np.testing.assert_allclose(got, [[0, 0.25, 0, 0.6, 0.8], [1, 0, 0.75, 0, 0.4]])
    special = layers.StringLookup(
        vocabulary=["[UNK]", *WORDS], idf_weights=[0.9, 0.25, 0.75, 0.6, 0.4], output_mode="tf_idf"
    )
    got = special([["a", "c", "d", "d"], ["d", "z", "b", "z"]])
    np.testing.assert_allclose(got, [[0, 0.25, 0, 0.6, 0.8], [1.8, 0, 0.75, 0, 0.4]], rtol=1e-6)
    back = layers.StringLookup(vocabulary=WORDS, invert=True)
    assert back([[1, 3, 4], [4, 0, 2]]).tolist() == [["a", "c", "d"], ["d", "[UNK]", "b"]]


def test_integer_lookup_as_documented():
    words, data = [12, 36, 1138, 42], [[12, 1138, 42], [42, 1000, 36]]
    assert layers.IntegerLookup(vocabulary=words)(data).tolist() == [[1, 3, 4], [4, 0, 2]]
    layer = layers.IntegerLookup()
    layer.adapt(data)
    assert layer.get_vocabulary() == [-1, 42, 1138, 1000, 36, 12]
    two = layers.IntegerLookup(vocabulary=words, num_oov_indices=2)
    assert two([[12, 1138, 42], [37, 1000, 36]]).tolist() == [[2, 4, 5], [1, 0, 3]]
    hot = layers.IntegerLookup(vocabulary=words, output_mode="one_hot")
    np.testing.assert_array_equal(hot([12, 36, 1138, 42, 7]), np.eye(5)[[1, 2, 3, 4, 0]])
    back = layers.IntegerLookup(vocabulary=words, invert=True)
    assert back([[1, 3, 4], [4, 0, 2]]).tolist() == [[12, 1138, 42], [42, -1, 36]]
    farm = layers.IntegerLookup(vocabulary=words, num_oov_indices=3, oov_method="farmhash")
    want = layers.Hashing(3)([[7, 8, 9]]).tolist()
    assert farm([[7, 8, 9]]).tolist() == want


def reference(layer, rows):
    """What a lookup gives, one token after the other."""
    vocabulary = layer.get_vocabulary()
    start = 1 if layer.mask_token is not None and layer.output_mode == "int" else 0
    oov = range(start, start + layer.num_oov_indices)
    found = []
    for row in rows:
        indices = []
        for token in row:
            if token == layer.mask_token:
                indices += [0] if layer.output_mode == "int" else []
            elif token in vocabulary[oov.stop :]:
                indices.append(vocabulary.index(token, oov.stop))
            else:
                indices.append(oov[0])
        counts = Counter(indices)
        depth = layer.max_tokens if layer.pad_to_max_tokens else len(vocabulary)
        if layer.output_mode == "int":
            found.append(indices)
        else:
            counted = [counts[i] for i in range(depth)]
            found.append([min(n, 1) for n in counted] if layer.output_mode == "multi_hot" else
                         counted)  # fmt: skip
    return found


@pytest.mark.parametrize("mode", ["int", "multi_hot", "count"])
@pytest.mark.parametrize("seed", range(6))
def test_lookup_against_a_plain_one(mode, seed):
    rng = np.random.default_rng(seed)
    letters = np.array(list("abcdefghij"))
    rows = letters[rng.integers(0, 10, (5, 4))]
    arguments = {
        "mask_token": [None, "c"][rng.integers(2)],
        "max_tokens": [None, 5][rng.integers(2)],
        "output_mode": mode,
    }
    arguments["pad_to_max_tokens"] = arguments["max_tokens"] is not None and seed % 2 == 0
    layer = layers.StringLookup(**arguments)
    given = letters[rng.integers(0, 6, (7, 3))]
    layer.adapt(given)
    counts = Counter(given.reshape(-1).tolist())
    counts.pop(arguments["mask_token"], None)
    first = 2 if mode == "int" and arguments["mask_token"] else 1
    most = None if arguments["max_tokens"] is None else arguments["max_tokens"] - first
    want = sorted(counts, key=lambda t: (counts[t], t), reverse=True)[:most]
    assert layer.get_vocabulary(include_special_tokens=False) == want
    for data in (rows, rows.astype(object), rows.tolist(), rows.astype("S")):
        assert np.asarray(layer(data)).tolist() == reference(layer, rows.tolist())
    assert layer.vocabulary_size() == len(layer.get_vocabulary())
    config = json.loads(json.dumps(layer.get_config()))
    again = layers.StringLookup.from_config(config)
    np.testing.assert_array_equal(again(rows), layer(rows))
    if mode == "int":  # it may still be adapted
        again.adapt(rows)


def test_idf_of_adapted_data():
    documents = [["a", "b", "a"], ["a", "c", "c"], ["a", "c", "d"]]
    layer = layers.StringLookup(output_mode="tf_idf", max_tokens=8, pad_to_max_tokens=True)
    layer.adapt(documents)
    assert layer.get_vocabulary() == ["[UNK]", "a", "c", "d", "b"]
    idf = np.log(1 + 3 / (1 + np.array([3, 2, 1, 1])))
    weights = np.array([idf.mean(), *idf, 0, 0, 0])
    got = layer([["a", "a", "z"], ["d", "c", "b"]])
    np.testing.assert_allclose(got, weights * [[1, 2, 0, 0, 0, 0, 0, 0], [0, 0, 1, 1, 1, 0, 0, 0]],
                               rtol=1e-6)  # fmt: skip
    again = layers.StringLookup.from_config(json.loads(json.dumps(layer.get_config())))
    np.testing.assert_array_equal(again([["a", "a", "z"]]), layer([["a", "a", "z"]]))


def test_adapt_to_batches_and_vocabulary_files(tmp_path):
    whole, parts = layers.StringLookup(), layers.StringLookup()
    whole.adapt(np.array(DATA))
    parts.adapt(np.array([row]) for row in DATA)
    assert whole.get_vocabulary() == parts.get_vocabulary()
    some = layers.StringLookup()
    some.adapt((np.array([row]) for row in DATA), steps=1)
    assert some.get_vocabulary() == ["[UNK]", "d", "c", "a"]
    (tmp_path / "words.txt").write_text("a\nb\nc\nd\n")
    layer = layers.StringLookup(vocabulary=str(tmp_path / "words.txt"))
    assert layer(DATA).tolist() == [[1, 3, 4], [4, 0, 2]]
    (tmp_path / "numbers.txt").write_text("12\n36\n")
    numbers = layers.IntegerLookup(vocabulary=str(tmp_path / "numbers.txt"))
    assert numbers([36, 12, 1]).tolist() == [2, 1, 0]
    config = {**layer.get_config(), "vocabulary": str(tmp_path / "words.txt")}
    for cls in (layers.StringLookup, layers.TextVectorization):
        with pytest.raises(ValueError, match="outside of the model archive"):
            cls.from_config(config)


L = layers.StringLookup
REFUSED = [
    (lambda: L(max_tokens=1), "max_tokens=1"),
    (lambda: L(pad_to_max_tokens=True), "must set `max_tokens`"),
    (lambda: L(num_oov_indices=-1), "num_oov_indices=-1"),
    (lambda: L(output_mode="sum"), "output_mode='sum'"),
    (lambda: L(invert=True, output_mode="count"), "when `invert` is true"),
    (lambda: L(sparse=True), "sparse"),
    (lambda: L(idf_weights=[1.0]), "idf_weights"),
    (lambda: L(vocabulary=["a"], output_mode="tf_idf"), "idf_weights"),
    (lambda: L(vocabulary=["a", "b", "a"]), r"repeated terms are: \['a'\]"),
    (lambda: L(vocabulary=[]), "empty vocabulary"),
    (lambda: L(vocabulary=["a", "b"], mask_token="b"), "reserved mask token"),
    (lambda: L(vocabulary=["a", "[UNK]"], invert=True), "reserved OOV token"),
    (lambda: L(vocabulary=["a", "b"], max_tokens=2), "larger than the maximum"),
    (lambda: L(vocabulary=["a"]).adapt(["b"]), "static vocabulary"),
    (lambda: L().adapt([]), "no tokens"),
    (lambda: L(vocabulary=["a"], num_oov_indices=0)(["z", "a"]), r"OOV values \['z'\]"),
    (lambda: L(foo=3), "Unrecognized"),
    (lambda: layers.IntegerLookup(vocabulary_dtype="string"), "vocabulary_dtype=string"),
    (lambda: layers.IntegerLookup(salt=3), "farmhash"),
    (lambda: layers.TextVectorization(standardize="upper"), "'upper'"),
    (lambda: layers.TextVectorization(split="words"), "'words'"),
    (lambda: layers.TextVectorization(ngrams="2"), "ngrams=2"),
    (lambda: layers.TextVectorization(output_mode="count", output_sequence_length=3), "count"),
    (lambda: layers.TextVectorization(ragged=True), "ragged"),
    (lambda: layers.TextVectorization(vocabulary=["a"])([["a", "b"]]), "input rank must be 1"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_refused(make, message):
    with pytest.raises(ValueError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_refused_types_and_states():
    with pytest.raises(TypeError, match="takes strings; got 3"):
        L(vocabulary=["a"])([3])
    with pytest.raises(TypeError, match="takes integers"):
        layers.IntegerLookup(vocabulary=[1])(["a"])
    with pytest.raises(RuntimeError, match="must set the layer's vocabulary"):
        L(output_mode="count")(["a"])
    layer = L(output_mode="count")
    layer.adapt(["a", "b"])
    with pytest.raises(RuntimeError, match="Old vocab size is 3, new vocab size is 4"):
        layer.adapt(["a", "b", "c"])


# --- texts ----------------------------------------------------------------------------------------


def test_text_as_documented():
    layer = layers.TextVectorization(max_tokens=5000, output_sequence_length=4)
    layer.adapt(["foo bar", "bar baz", "baz bada boom"])
    assert layer.get_vocabulary() == ["", "[UNK]", "baz", "bar", "foo", "boom", "bada"]
    assert layer(["foo qux bar", "qux baz"]).tolist() == [[4, 1, 3, 0], [1, 2, 0, 0]]
    given = layers.TextVectorization(vocabulary=["earth", "wind", "and", "fire"])
    assert given.get_vocabulary() == ["", "[UNK]", "earth", "wind", "and", "fire"]
    assert given(["Earth, wind & FIRE!", "and"]).tolist() == [[2, 3, 5], [4, 0, 0]]
    assert given.vocabulary_size() == 6


def tokens(text, standardize, split, widths):
    """The tokens of a text, by way of regular expressions."""
    import re

    if standardize in ("lower", "lower_and_strip_punctuation"):
        text = re.sub("[A-Z]", lambda m: m.group().lower(), text)
    if standardize in ("strip_punctuation", "lower_and_strip_punctuation"):
        text = re.sub(r'[!"#$%&()\*\+,-\./:;<=>?@\[\\\]^_`{|}~\']', "", text)
    words = [w for w in re.split("[ \t\n\v\f\r]+", text) if w] if split else list(text)
    if widths is None:
        return words
    return [" ".join(words[i : i + n]) for n in widths for i in range(len(words) - n + 1)]


@pytest.mark.parametrize("seed", range(10))
def test_text_against_a_plain_one(seed):
    rng = np.random.default_rng(seed)
    pieces = ["The", "cat", "sat!", "ON", "the-mat", "\t", "Éa", "x_y", "  ", "don't", "猫", "\n"]
    texts = [" ".join(rng.choice(pieces, rng.integers(0, 7))) for _ in range(6)]
    texts.append("The cat")
    standardize = [None, "lower", "strip_punctuation", "lower_and_strip_punctuation"][seed % 4]
    split = ["whitespace", "character"][rng.integers(2)]
    ngrams = [None, 2, (1, 3), (2,)][rng.integers(4)]
    mode = ["int", "multi_hot", "count"][rng.integers(3)]
    layer = layers.TextVectorization(
        standardize=standardize, split=split, ngrams=ngrams, output_mode=mode
    )
    widths = range(1, ngrams + 1) if isinstance(ngrams, int) else ngrams
    rows = [tokens(t, standardize, split == "whitespace", widths) for t in texts]
    layer.adapt(texts)
    counts = Counter(token for row in rows for token in row)
    counts.pop("", None)
    words = sorted(counts, key=lambda t: (counts[t], t), reverse=True)
    assert layer.get_vocabulary(include_special_tokens=False) == words
    got = layer(np.array(texts, object)[:, None]).numpy()
    want = reference(layer._lookup_layer, rows)
    if mode == "int":
        longest = max(map(len, want))
        want = [row + [0] * (longest - len(row)) for row in want]
    np.testing.assert_array_equal(got, want)
    config = json.loads(json.dumps(layer.get_config()))
    np.testing.assert_array_equal(layers.TextVectorization.from_config(config)(texts), got)


def test_text_lengths_and_functions():
    words = ["a", "b"]
    short = layers.TextVectorization(vocabulary=words, output_sequence_length=2)
    assert short(["a", "b a b"]).tolist() == [[2, 0], [3, 2]]
    assert short(np.array("b b")).tolist() == [3, 3]
    assert short.compute_output_shape((None, 1)) == (None, 2)
    whole = layers.TextVectorization(vocabulary=words, split=None)
    assert whole(["a", "b", "a b"]).tolist() == [2, 3, 1]
    assert whole([["a", "b"], ["c", ""]]).tolist() == [[2, 3], [1, 0]]
    own = layers.TextVectorization(
        vocabulary=words,
        standardize=lambda x: np.char.replace(x, "-", " "),
        split=lambda x: [text.split(" ") for text in x],
    )
    assert own(["a-b", "b"]).tolist() == [[2, 3], [3, 0]]
    assert own([b"a-b"]).tolist() == [[2, 3]]


# --- in models ------------------------------------------------------------------------------------
TEXTS = np.array(["good fine good", "bad awful", "fine good!", "awful bad bad", "Good"] * 8)
LABELS = np.array([1, 0, 1, 0, 1] * 8, "float32")


def classifier(vectorizer, *first):
    nnseq.utils.set_random_seed(0)
    model = nnseq.Sequential(
        [*first, vectorizer, layers.Embedding(8, 4, mask_zero=True),
         layers.GlobalAveragePooling1D(), layers.Dense(1, activation="sigmoid")]
    )  # fmt: skip
    model.compile(nnseq.optimizers.Adam(0.1), "binary_crossentropy", metrics=["accuracy"])
    return model


def adapted(**arguments):
    layer = layers.TextVectorization(**arguments)
    layer.adapt(TEXTS)
    return layer


@pytest.mark.parametrize("kind", ["array", "column", "list", "batches", "generator"])
def test_a_model_of_texts(kind):
    first = [nnseq.Input((1,), dtype="string")] if kind == "column" else []
    model = classifier(adapted(output_sequence_length=3), *first)
    x = {"list": TEXTS.tolist(), "column": TEXTS[:, None]}.get(kind, TEXTS)
    data = (x, LABELS)
    if kind == "batches":
        data = ([(x[k : k + 10], LABELS[k : k + 10]) for k in range(0, 40, 10)],)
        data = (nnseq.utils.datasets.Dataset(data[0].__iter__, 4),)
    elif kind == "generator":
        data = ((x[k % 40 : k % 40 + 10], LABELS[k % 40 : k % 40 + 10])
                for k in range(0, 10**6, 10)),  # fmt: skip
    steps = 4 if kind == "generator" else None
    history = model.fit(*data, epochs=6, steps_per_epoch=steps, verbose=0)
    assert history.history["accuracy"][-1] == 1
    indices = np.array([model.layers[0](t).numpy() for t in TEXTS])
    rest = nnseq.Sequential(model.layers[1:])
    want = rest.predict(indices, verbose=0)
    for given in (TEXTS, TEXTS.tolist(), TEXTS[:, None]):
        np.testing.assert_array_equal(model.predict(given, verbose=0), want)
        np.testing.assert_array_equal(model(np.array(given)), want)
    np.testing.assert_array_equal(model(TEXTS.tolist()), want)
    assert model.evaluate(TEXTS, LABELS, verbose=0)[1] == 1
    assert model.evaluate(TEXTS, LABELS, verbose=0) == pytest.approx(
        rest_evaluated(rest, indices), rel=1e-6
    )
    before = model.train_on_batch(TEXTS[:4], LABELS[:4])
    assert len(before) == 2 and model.predict_on_batch(TEXTS[:2]).shape == (2, 1)
    with nnseq.GradientTape() as tape:
        loss = nnseq.ops.sum(model(TEXTS[:4]))
    assert all(g is not None for g in tape.gradient(loss, model.trainable_variables))


def rest_evaluated(rest, indices):
    rest.compile(loss="binary_crossentropy", metrics=["accuracy"])
    return rest.evaluate(indices, LABELS, verbose=0)


def test_validation_and_eager_steps():
    model = classifier(adapted())
    history = model.fit(TEXTS, LABELS, validation_split=0.2, epochs=2, verbose=0).history
    assert len(history["val_loss"]) == 2
    history = model.fit(
        TEXTS, LABELS, validation_data=(TEXTS[:10], LABELS[:10]), epochs=1, verbose=0
    ).history
    want = model.evaluate(TEXTS[:10], LABELS[:10], verbose=0)[0]
    assert history["val_loss"][0] == pytest.approx(want, rel=1e-5)
    model.compile("sgd", "binary_crossentropy", run_eagerly=True)
    model.fit(TEXTS, LABELS, epochs=1, verbose=0)


@pytest.mark.parametrize("mode", ["multi_hot", "tf_idf"])
def test_files(tmp_path, mode):
    vectorizer = adapted(output_mode=mode, ngrams=2)
    model = nnseq.Sequential([nnseq.Input((1,), dtype="string"), vectorizer, layers.Dense(1)])
    model.save(tmp_path / "text.keras")
    loaded = nnseq.saving.load_model(tmp_path / "text.keras")
    np.testing.assert_array_equal(loaded.predict(TEXTS, verbose=0), model.predict(TEXTS, verbose=0))
    assert loaded.layers[0].get_vocabulary() == vectorizer.get_vocabulary()
    copied = nnseq.models.clone_model(model)
    copied.set_weights(model.get_weights())
    np.testing.assert_array_equal(copied(TEXTS), model(TEXTS))


def test_vocabulary_in_the_assets_of_keras(tmp_path):
    """Keras writes the vocabulary of an adapted layer as a text beside the configuration."""
    model = nnseq.Sequential([nnseq.Input((2,), dtype="string"), layers.StringLookup(name="look")])
    model.save(tmp_path / "empty.keras")
    old, new = (zipfile.ZipFile(tmp_path / f"{name}.keras", mode)
                for name, mode in (("empty", "r"), ("full", "w")))  # fmt: skip
    with old, new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
        new.writestr("assets/layers/string_lookup/vocabulary.txt", "[UNK]\nb\na")
    loaded = nnseq.saving.load_model(tmp_path / "full.keras")
    assert loaded.layers[0].get_vocabulary() == ["[UNK]", "b", "a"]
    assert loaded.predict(np.array([["a", "x"]]), verbose=0).tolist() == [[2, 0]]


@pytest.mark.parametrize("padded", [False, True])
def test_weights_and_vocabulary_as_keras_stores_them(padded):
    size = {"max_tokens": 9, "pad_to_max_tokens": True} if padded else {}
    adapted_layer = adapted(output_mode="tf_idf", **size)
    store = {}
    adapted_layer.save_own_variables(store)
    assert store["idf_weights"].shape == (9 if padded else 5,)
    loaded = layers.TextVectorization(output_mode="tf_idf", **size)
    loaded.load_own_variables(store)
    loaded.load_vocabulary("\n".join(adapted_layer.get_vocabulary()) + "\n")
    np.testing.assert_array_equal(loaded(TEXTS), adapted_layer(TEXTS))
    loaded.adapt(TEXTS)


def test_functional_models_of_texts_and_numbers():
    text = nnseq.Input((), dtype="string", name="text")
    number = nnseq.Input((2,), name="number")
    code = nnseq.Input((1,), dtype="int64", name="code")
    x = layers.Concatenate()(
        [
            adapted(output_mode="count")(text),
            number,
            layers.IntegerLookup(vocabulary=[7, 9], output_mode="one_hot")(code),
        ]
    )
    model = nnseq.Model([text, number, code], layers.Dense(1)(x))
    assert x.shape == (None, 5 + 2 + 3)
    data = [TEXTS, np.ones((40, 2), "float32"), np.full((40, 1), 9)]
    want = model.predict(data, verbose=0)
    named = dict(zip(("text", "number", "code"), data, strict=True))
    np.testing.assert_array_equal(model.predict(named, verbose=0), want)
    np.testing.assert_array_equal(model(data), want)
    model.compile("sgd", "mse")
    model.fit(named, LABELS, epochs=1, verbose=0)
    with pytest.raises(ValueError, match="no value for the input 'code'"):
        model.predict({"text": TEXTS, "number": data[1]}, verbose=0)


@pytest.mark.parametrize("eagerly", [False, True])
def test_models_of_integers(eagerly):
    """Integers that are to be looked up look like those that were; the table is what tells."""
    x = np.array([[36], [12], [7], [12]])
    model = nnseq.Sequential([layers.IntegerLookup(vocabulary=[12, 36]), layers.Embedding(3, 1)])
    model.compile("sgd", "mse", run_eagerly=eagerly)
    want = model.predict(x, verbose=0)
    np.testing.assert_array_equal(want[:, 0], model.get_weights()[0][[2, 1, 0, 1]])
    for given in (x, x.tolist(), nnseq.ops.convert_to_tensor(x), x.astype("float32")):
        np.testing.assert_array_equal(model(given), want)
    before = model.get_weights()[0]
    model.fit(x[:2], np.ones((2, 1, 1)), epochs=1, verbose=0)
    assert (model.get_weights()[0] != before).reshape(-1).tolist() == [False, True, True]


def test_misplaced_layers():
    with pytest.raises(TypeError, match="dense takes numbers, not strings"):
        layers.Dense(1, name="dense")(nnseq.Input((1,), dtype="string"))
    x = layers.Dense(1)(nnseq.Input((1,)))
    y = layers.IntegerLookup(vocabulary=[1], name="late")(x)
    with pytest.raises(ValueError, match=r"'late'.*must come first"):
        nnseq.Model(x.history[0].input, y)
    with pytest.raises(TypeError, match="strings"):
        nnseq.Sequential([layers.Dense(1)]).predict(TEXTS, verbose=0)
