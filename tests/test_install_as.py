"""nnseq under other packages' names; each test in a process of its own."""

import subprocess
import sys
import textwrap

import pytest


def run(program):
    """What a program prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# Programs as they are found, for Keras 2, Keras 3 and tf.keras.
OLD_PROGRAM = """
    import numpy as np
    from {keras}.models import Sequential
    from {keras}.layers import Dense, Dropout
    from {keras}.optimizers import SGD
    from {keras}.callbacks import EarlyStopping
    from {keras} import backend as K
    import {keras}.utils

    x = np.random.RandomState(0).normal(size=(64, 4)).astype("float32")
    y = {keras}.utils.to_categorical((x[:, 0] > 0).astype(int), 2)
    model = Sequential()
    model.add(Dense(8, activation="relu", input_shape=(4,)))
    model.add(Dropout(0.1))
    model.add(Dense(2, activation="softmax"))
    model.compile(loss="categorical_crossentropy", optimizer=SGD(0.1), metrics=["accuracy"])
    history = model.fit(x, y, epochs=3, verbose=0, callbacks=[EarlyStopping("loss", patience=2)])
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert K.floatx() == "float32"
    print(type(model).__module__)
"""


@pytest.mark.parametrize(
    ("name", "imports"), [("keras", "import keras"), ("tensorflow.keras", "import tensorflow")]
)
def test_old_imports(name, imports):
    start = f"import nnseq; nnseq.install_as({name!r})\n{imports}\n"
    printed = run(start + textwrap.dedent(OLD_PROGRAM.format(keras=name)))
    assert printed == "nnseq.models.sequential\n"


def test_tf_keras_as_attribute():
    assert (
        run("""
        import nnseq
        nnseq.install_as("tensorflow.keras")
        import tensorflow as tf
        from tensorflow import keras
        from tensorflow.keras import layers as L
        import tensorflow.keras.layers

        tf.random.set_seed(3)
        v = tf.Variable(2.0)
        with tf.GradientTape() as tape:
            y = v * v
        assert float(tape.gradient(y, v)) == 4.0
        assert tf.keras is keras and L is nnseq.layers is tensorflow.keras.layers
        assert tf.keras.layers.Dense is nnseq.layers.Dense
        assert int(tf.__version__.split(".")[0]) >= 2
        assert nnseq.layers.__name__ == nnseq.layers.__spec__.name == "nnseq.layers"
        print("ok")
        """)
        == "ok\n"
    )


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("from keras.applications import VGG16", "ImportError: nnseq has no applications: pretra"),
        ("from keras.layers import Nope", "ImportError: nnseq has no layers.Nope: docs/keras_surf"),
        ("from keras.optimizers.schedules import N", "ImportError: nnseq has no optimizers.schedu"),
        ("import keras.src.layers", "ImportError: nnseq has no src: a private module"),
        ("from keras import nope", "ImportError: nnseq has no nope"),
        ("keras.layers.TFSMLayer", "AttributeError: nnseq has no layers.TFSMLayer: it wraps"),
        ("keras.optimizers.schedules.N", "AttributeError: nnseq has no optimizers.schedules.N"),
        ("tf.data", "AttributeError: tensorflow.data: nnseq stands in for tensorflow.keras"),
        ("import tensorflow.data", "ImportError: tensorflow.data: nnseq stands in"),
        ("from tensorflow import constant", "ImportError: tensorflow.constant: nnseq stands in"),
    ],
)  # fmt: skip
def test_what_is_not_served_says_what_to_do(statement, says):
    printed = run(f"""
        import nnseq
        nnseq.install_as("keras")
        nnseq.install_as("tensorflow.keras")
        import keras
        import tensorflow as tf
        try:
            {statement}
        except Exception as error:
            print(f"{{type(error).__name__}}: {{error}}")
        """)
    assert printed.startswith(says)
    assert printed.count("\n") == 1


def test_real_packages_are_not_replaced():
    printed = run("""
        import sys, types
        import nnseq
        sys.modules["keras"] = types.ModuleType("keras")
        try:
            nnseq.install_as("keras")
        except ImportError as error:
            print(error)
        """)
    assert printed.startswith("the real package keras is imported already")


def test_other_names_are_refused():
    import nnseq

    with pytest.raises(ValueError, match=r"install_as takes 'keras' or 'tensorflow.keras'"):
        nnseq.install_as("torch")
