"""Trains a small transformer to understand commands in English and shows what it looks at.

    python examples/transformer_text.py [--seed 0] [--epochs 4] [--sentences 3000]

A grammar writes sentences such as "please do not book a table in paris , play some jazz instead";
the model names what is asked for. Every sentence holds a second request that is denied, in either
order, so that counting words is not enough: order and negation decide. Sentences are padded to one
length; the mask made by the embedding keeps the padding out of the attention and of the mean.
"""

import argparse

import numpy as np

import nnseq as keras
from nnseq import layers, ops

REQUESTS = {
    "music": ["play some {genre}", "put on {genre}", "start my {genre} list"],
    "travel": ["book a flight to {city}", "find a train to {city}", "get me to {city}"],
    "food": ["order {dish}", "book a table for {dish}", "find a place with {dish}"],
    "weather": ["tell me the weather in {city}", "say if it rains in {city}"],
    "alarm": ["wake me at {hour}", "set an alarm for {hour}", "start a timer for {hour}"],
}
WORDS = {
    "genre": ["jazz", "rock", "opera", "techno", "folk"],
    "city": ["paris", "oslo", "rome", "lima", "cairo", "delhi"],
    "dish": ["pizza", "sushi", "curry", "ramen", "tacos"],
    "hour": ["six", "seven", "eight", "noon", "ten"],
}
FRAMES = [
    "do not {no} , {yes} instead",
    "{yes} but do not {no}",
    "{yes} , never {no}",
    "i said {yes} , i did not say {no}",
    "i never said {no} , i said {yes}",
    "rather than {no} please {yes}",
    "please {yes} rather than {no}",
]
LABELS = list(REQUESTS)


def write_sentences(count, seed):
    """Returns a list of sentences and the index of what each asks for."""
    rng = np.random.default_rng(seed)

    def request(label):
        template = REQUESTS[label][rng.integers(len(REQUESTS[label]))]
        return template.format(**{kind: rng.choice(words) for kind, words in WORDS.items()})

    sentences, labels = [], []
    for _ in range(count):
        wanted, denied = rng.choice(len(LABELS), 2, replace=False)
        frame = FRAMES[rng.integers(len(FRAMES))]
        sentences.append(frame.format(yes=request(LABELS[wanted]), no=request(LABELS[denied])))
        labels.append(wanted)
    return sentences, np.array(labels)


def vocabulary(sentences):
    """Returns a number from 1 on for each word; 0 is the padding."""
    words = sorted({word for sentence in sentences for word in sentence.split()})
    return {word: k for k, word in enumerate(words, start=1)}


def encode(sentences, numbers, length):
    """Returns (N, length) integers, padded with 0; words that are not known are left out."""
    ids = np.zeros((len(sentences), length), "int32")
    for row, sentence in zip(ids, sentences, strict=True):
        known = [numbers[word] for word in sentence.split() if word in numbers][:length]
        row[: len(known)] = known
    return ids


@keras.saving.register_keras_serializable("examples")
class Positions(layers.Layer):
    """Adds a trained vector for each place: (N, T, D) -> (N, T, D); keeps the mask."""

    def __init__(self, length, **kwargs):
        super().__init__(**kwargs)
        self.length = length
        self.supports_masking = True

    def build(self, input_shape):
        self.table = self.add_weight(
            shape=(self.length, input_shape[-1]), initializer="uniform", name="table"
        )

    def call(self, x):
        return x + self.table[: ops.shape(x)[1]]

    def get_config(self):
        return {**super().get_config(), "length": self.length}


def block(x, heads=4, width=32, dropout=0.1):
    """One transformer block: attention and two Dense layers, each added to its input."""
    attended = layers.MultiHeadAttention(heads, width // heads, dropout=dropout)(x, x)
    x = layers.LayerNormalization()(layers.Add()([x, attended]))
    inner = layers.Dense(width)(layers.Dense(2 * width, activation="gelu")(x))
    return layers.LayerNormalization()(layers.Add()([x, layers.Dropout(dropout)(inner)]))


def build_model(words, length, width=32, blocks=2):
    """Returns a compiled classifier (N, length) integers -> (N, 5) probabilities."""
    tokens = keras.Input((length,), dtype="int32")
    x = layers.Embedding(words + 1, width, mask_zero=True)(tokens)
    x = Positions(length)(x)
    for _ in range(blocks):
        x = block(x, width=width)
    x = layers.GlobalAveragePooling1D()(x)
    model = keras.Model(tokens, layers.Dense(len(LABELS), activation="softmax")(x))
    model.compile(
        optimizer=keras.optimizers.Adam(2e-3),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def train(seed=0, epochs=4, sentences=3000, verbose=1):
    """Returns (model, numbers of words, length, accuracy on sentences of another seed)."""
    keras.utils.set_random_seed(seed)
    texts, labels = write_sentences(sentences, seed)
    numbers = vocabulary(texts)
    length = max(len(text.split()) for text in texts)
    model = build_model(len(numbers), length)
    if verbose:
        model.summary()
    model.fit(encode(texts, numbers, length), labels, batch_size=32, epochs=epochs, verbose=verbose)
    unseen, wanted = write_sentences(1000, seed + 1)
    _, accuracy = model.evaluate(encode(unseen, numbers, length), wanted, verbose=0)
    return model, numbers, length, accuracy


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--sentences", type=int, default=3000)
    arguments = parser.parse_args()
    model, numbers, length, accuracy = train(arguments.seed, arguments.epochs, arguments.sentences)
    print(f"accuracy on 1000 unseen sentences: {accuracy:.2%}")
    examples = [
        "do not play some jazz , order sushi instead",
        "play some jazz rather than order sushi",
    ]
    probabilities = model.predict(encode(examples, numbers, length), verbose=0)
    for sentence, row in zip(examples, probabilities, strict=True):
        print(f"{sentence!r}: {LABELS[row.argmax()]} ({row.max():.0%})")


if __name__ == "__main__":
    main()
