"""Writes what the fuzzers begin with: `seeds.py FOLDER` makes FOLDER/model_file and FOLDER/json."""

import sys
from pathlib import Path

import nnseq
from nnseq import layers


def models():
    """Small models that together use many ops and every kind of attribute."""
    inputs = nnseq.Input
    yield nnseq.Sequential([inputs((3,)), layers.Dense(2, activation="softmax")])
    yield nnseq.Sequential(
        [
            inputs((6, 6, 1)),
            layers.Conv2D(2, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(1),
        ]
    )
    yield nnseq.Sequential([inputs((None, 2)), layers.GRU(2), layers.LayerNormalization()])
    yield nnseq.Sequential(
        [inputs((4,)), layers.Embedding(5, 2), layers.GlobalAveragePooling1D(), layers.Dense(2)]
    )


def main(folder):
    files, texts = Path(folder, "model_file"), Path(folder, "json")
    for place in (files, texts):
        place.mkdir(parents=True, exist_ok=True)
    for i, model in enumerate(models()):
        model.export(files / f"{i}.nnseq", classes=["a", "b"])
        model.compile("adam", "mse", metrics=["mae"])
        model.export(files / f"{i}_trained.nnseq")
        (texts / f"{i}.json").write_text(model.to_json())
    for i, text in enumerate(['{"a":[1,-2.5e3,"\\u00e4\\n",true,null]}', "[[[]]]", "1e308", '""']):
        (texts / f"text_{i}.json").write_text(text)


if __name__ == "__main__":
    main(sys.argv[1])
