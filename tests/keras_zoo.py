"""Twenty small models of Keras' own layers, each with inputs: one for each kind of model.

Functions of keras and of a NumPy generator; they return the model and the array of each input.
"""

ZOO = {}


def model_of(function):
    ZOO[function.__name__] = function
    return function


def numbers(rng, *shape):
    return rng.normal(size=shape).astype("float32")


@model_of
def perceptron(k, rng):
    model = k.Sequential(
        [
            k.Input((7,)),
            k.layers.Dense(9, activation="gelu", kernel_regularizer="l2"),
            k.layers.Dropout(0.3),
            k.layers.Dense(5, activation="swish", use_bias=False),
            k.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, [numbers(rng, 4, 7)]


@model_of
def convolutional(k, rng):
    model = k.Sequential(
        [
            k.Input((12, 12, 2)),
            k.layers.Conv2D(4, 3, activation="relu"),
            k.layers.MaxPooling2D(2),
            k.layers.Conv2D(6, 3, strides=2, padding="same", activation="relu"),
            k.layers.Flatten(),
            k.layers.Dense(3),
        ]
    )
    model.compile(k.optimizers.SGD(0.1, momentum=0.9), "mse")
    return model, [numbers(rng, 3, 12, 12, 2)]


@model_of
def separable(k, rng):
    model = k.Sequential(
        [
            k.Input((9, 9, 3)),
            k.layers.SeparableConv2D(5, 3, depth_multiplier=2, activation="relu6"),
            k.layers.DepthwiseConv2D(3, padding="same"),
            k.layers.BatchNormalization(),
            k.layers.ReLU(),
            k.layers.GlobalAveragePooling2D(),
            k.layers.Dense(2),
        ]
    )
    return model, [numbers(rng, 2, 9, 9, 3)]


@model_of
def residual(k, rng):
    x = k.Input((8, 8, 3))
    y = k.layers.Conv2D(4, 3, padding="same")(x)
    for _ in range(2):
        z = k.layers.BatchNormalization()(y)
        z = k.layers.Conv2D(4, 3, padding="same")(k.layers.Activation("relu")(z))
        y = k.layers.Add()([y, k.layers.BatchNormalization()(z)])
    y = k.layers.AveragePooling2D(2)(y)
    return k.Model(x, k.layers.Dense(3)(k.layers.GlobalMaxPooling2D()(y))), [
        numbers(rng, 2, 8, 8, 3)
    ]


@model_of
def autoencoder(k, rng):
    model = k.Sequential(
        [
            k.Input((8, 8, 1)),
            k.layers.Conv2D(4, 3, strides=2, padding="same", activation="elu"),
            k.layers.Conv2DTranspose(3, 3, strides=2, padding="same", activation="selu"),
            k.layers.UpSampling2D(2, interpolation="bilinear"),
            k.layers.Cropping2D(((1, 2), (3, 0))),
            k.layers.Conv2D(1, 1, activation="sigmoid"),
        ]
    )
    model.compile("adamw", "binary_crossentropy")
    return model, [numbers(rng, 2, 8, 8, 1)]


@model_of
def signal(k, rng):
    model = k.Sequential(
        [
            k.Input((None, 3)),
            k.layers.Conv1D(4, 3, padding="causal", dilation_rate=2, activation="tanh"),
            k.layers.LayerNormalization(),
            k.layers.SeparableConv1D(4, 2),
            k.layers.GlobalMaxPooling1D(),
        ]
    )
    return model, [numbers(rng, 3, 11, 3)]


@model_of
def volumes(k, rng):
    model = k.Sequential(
        [
            k.Input((6, 6, 6, 2)),
            k.layers.ZeroPadding3D(1),
            k.layers.Conv3D(3, 3, activation="relu"),
            k.layers.AveragePooling3D(2),
            k.layers.Flatten(),
            k.layers.Dense(2),
        ]
    )
    return model, [numbers(rng, 2, 6, 6, 6, 2)]


@model_of
def simple_rnn(k, rng):
    model = k.Sequential(
        [
            k.Input((6, 3)),
            k.layers.SimpleRNN(5, return_sequences=True),
            k.layers.TimeDistributed(k.layers.Dense(2)),
        ]
    )
    model.compile("rmsprop", "mae")
    return model, [numbers(rng, 3, 6, 3)]


@model_of
def masked_lstm(k, rng):
    model = k.Sequential(
        [
            k.Input((7, 3)),
            k.layers.Masking(0.0),
            k.layers.LSTM(5, return_sequences=True),
            k.layers.LSTM(4),
            k.layers.Dense(1),
        ]
    )
    x = numbers(rng, 3, 7, 3)
    x[1, 4:] = 0
    return model, [x]


@model_of
def bidirectional_gru(k, rng):
    model = k.Sequential(
        [
            k.Input((6, 4)),
            k.layers.Bidirectional(k.layers.GRU(3, return_sequences=True)),
            k.layers.Bidirectional(k.layers.LSTM(2), merge_mode="sum"),
            k.layers.Dense(2),
        ]
    )
    return model, [numbers(rng, 2, 6, 4)]


@model_of
def stacked_cells(k, rng):
    cells = [k.layers.GRUCell(4), k.layers.LSTMCell(3)]
    model = k.Sequential([k.Input((5, 2)), k.layers.RNN(cells), k.layers.Dense(2)])
    return model, [numbers(rng, 3, 5, 2)]


@model_of
def frames(k, rng):
    model = k.Sequential(
        [k.Input((3, 5, 5, 2)), k.layers.ConvLSTM2D(3, 3, padding="same"), k.layers.Flatten()]
    )
    return model, [numbers(rng, 2, 3, 5, 5, 2)]


@model_of
def transformer(k, rng):
    ids = k.Input((8,), dtype="int32")
    x = k.layers.Embedding(20, 6)(ids)
    y = k.layers.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True)
    x = k.layers.LayerNormalization()(x + k.layers.Dropout(0.1)(y))
    y = k.layers.Dense(6)(k.layers.Dense(12, activation="gelu")(x))
    x = k.layers.RMSNormalization()(k.layers.Add()([x, y]))
    return k.Model(ids, k.layers.Dense(20)(x)), [rng.integers(0, 20, (2, 8)).astype("int32")]


@model_of
def masked_text(k, rng):
    ids = k.Input((None,), dtype="int32")
    x = k.layers.Embedding(15, 4, mask_zero=True)(ids)
    x = k.layers.Attention(use_scale=True)([k.layers.GRU(4, return_sequences=True)(x), x])
    model = k.Model(ids, k.layers.Dense(1)(k.layers.GlobalAveragePooling1D()(x)))
    model.compile("nadam", k.losses.BinaryCrossentropy(from_logits=True))
    data = rng.integers(1, 15, (3, 7)).astype("int32")
    data[0, 3:] = 0
    return model, [data]


@model_of
def categories(k, rng):
    age, colors = k.Input((1,)), k.Input((2,), dtype="int32")
    x = k.layers.Discretization([-0.5, 0.5], output_mode="one_hot")(age)
    y = k.layers.CategoryEncoding(4, output_mode="multi_hot")(colors)
    model = k.Model([age, colors], k.layers.Dense(2)(k.layers.Concatenate()([x, y])))
    return model, [numbers(rng, 5, 1), rng.integers(0, 4, (5, 2)).astype("int32")]


@model_of
def several_inputs_and_outputs(k, rng):
    left, right = k.Input((4,), name="left"), k.Input((6, 2), name="right")
    both = k.layers.Concatenate()([left, k.layers.Flatten()(right)])
    price = k.layers.Dense(1, name="price")(both)
    kind = k.layers.Dense(3, activation="softmax", name="kind")(k.layers.Multiply()([both, both]))
    model = k.Model([left, right], [price, kind])
    model.compile("adam", {"price": "mse", "kind": "categorical_crossentropy"})
    return model, [numbers(rng, 3, 4), numbers(rng, 3, 6, 2)]


@model_of
def twins(k, rng):
    base = k.Sequential([k.Input((5,)), k.layers.Dense(4), k.layers.BatchNormalization()])
    base.trainable = False
    a, b = k.Input((5,)), k.Input((5,))
    near = k.layers.Dot(1, normalize=True)([base(a), base(b)])
    far = k.layers.Subtract()([base(a), base(b)])
    model = k.Model([a, b], k.layers.Dense(2)(k.layers.Concatenate()([near, far])))
    return model, [numbers(rng, 3, 5), numbers(rng, 3, 5)]


@model_of
def augmentation(k, rng):
    model = k.Sequential(
        [
            k.Input((10, 10, 3)),
            k.layers.Rescaling(1 / 255),
            k.layers.RandomFlip("horizontal"),
            k.layers.RandomRotation(0.1),
            k.layers.RandomContrast(0.2),
            k.layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 0.5]),
            k.layers.CenterCrop(8, 8),
            k.layers.Resizing(6, 6),
            k.layers.Conv2D(4, 3),
            k.layers.PReLU(),
            k.layers.GlobalAveragePooling2D(),
        ]
    )
    return model, [255 * rng.random((2, 10, 10, 3), "float32")]


@model_of
def normalizations(k, rng):
    x = k.Input((4, 4, 6))
    y = k.layers.GroupNormalization(3)(x)
    y = k.layers.UnitNormalization()(k.layers.LeakyReLU(0.2)(y))
    y = k.layers.Permute((3, 1, 2))(y)
    y = k.layers.EinsumDense("abcd,de->abce", (None, 4, 5), bias_axes="e")(y)
    return k.Model(x, k.layers.Softmax()(k.layers.Reshape((6, 20))(y))), [numbers(rng, 2, 4, 4, 6)]


@model_of
def operations(k, rng):
    x = k.Input((5, 4))
    y = k.ops.sigmoid(x[:, 1:]) * x[:, :-1] - k.ops.mean(x, axis=1, keepdims=True)
    y = k.ops.concatenate([k.ops.maximum(y, 0.1), k.ops.exp(-k.ops.abs(y))], axis=-1)
    y = k.layers.RepeatVector(3)(k.ops.sum(y, axis=1))
    return k.Model(x, k.layers.Average()([y, k.ops.square(y)])), [numbers(rng, 2, 5, 4)]
