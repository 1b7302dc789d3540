"""Recurrent layers."""

from typing import Any

from differential.options import Maker, Shape, weight_options
from differential.plain import Draw, Make
from differential.windows import reduced


def recurrent(name: str, **options: Any) -> Maker:
    def make(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
        units = draw.pick([3, 4])
        arguments = {
            "units": units,
            **draw.some({"activation": ["relu", "sigmoid"], "use_bias": False, **options}, 0.2),
            **draw.some({"return_sequences": True, "go_backwards": True, "unroll": True}, 0.3),
            **draw.some({"activity_regularizer": "l1", "trainable": False}, 0.07),
            **weight_options(draw, "kernel", "recurrent", "bias"),
        }
        arguments.pop("recurrent_initializer", None)
        if name == "SimpleRNN":  # Keras takes it and forgets it
            arguments.pop("activity_regularizer", None)
        steps = shape[:1] if arguments.get("return_sequences") else ()
        return Make(f"layers.{name}", arguments), (*steps, units)

    return make


RECURRENT_LAYERS = {
    "GRU": recurrent("GRU", recurrent_activation="tanh", reset_after=False),
    "LSTM": recurrent("LSTM", recurrent_activation="hard_sigmoid", unit_forget_bias=False),
    "SimpleRNN": recurrent("SimpleRNN"),
}


def sequences(draw: Draw) -> dict[str, Any]:
    return draw.some({"return_sequences": True, "go_backwards": True}, 0.3)


def rnn(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
    """One cell or a stack of two."""
    cells = []
    for _ in range(draw.pick([1, 1, 2])):
        units = draw.pick([3, 4])
        options = weight_options(draw, "kernel", "recurrent", "bias")
        options.pop("recurrent_initializer", None)
        name = draw.pick(["SimpleRNNCell", "LSTMCell", "GRUCell"])
        cells.append(Make(f"layers.{name}", {"units": units, **options}))
    arguments = {"cell": cells if len(cells) > 1 else cells[0], **sequences(draw)}
    steps = shape[:1] if arguments.get("return_sequences") else ()
    return Make("layers.RNN", arguments), (*steps, units)


def bidirectional(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
    inner, out = RECURRENT_LAYERS[draw.pick(["SimpleRNN", "LSTM", "GRU"])](draw, shape)
    inner.arguments.pop("go_backwards", None)
    arguments = {"layer": inner, **draw.some({"merge_mode": ["sum", "mul", "ave"]}, 0.5)}
    width = out[-1] if "merge_mode" in arguments else 2 * out[-1]
    return Make("layers.Bidirectional", arguments), (*out[:-1], width)


def conv_lstm(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
    """Over the rows of an image, or the images of a volume."""
    filters, sizes = draw.pick([1, 2, 3]), shape[1:-1]
    arguments = {
        "filters": filters,
        "kernel_size": min(draw.pick([1, 2]), *sizes),
        **draw.some({"padding": "same", "strides": 2, "recurrent_activation": "hard_sigmoid"}, 0.4),
        **sequences(draw),
        **weight_options(draw, "kernel", "recurrent", "bias"),
    }
    arguments.pop("recurrent_initializer", None)
    left = (reduced(size, arguments["kernel_size"], arguments) for size in sizes)
    steps = shape[:1] if arguments.get("return_sequences") else ()
    return Make(f"layers.ConvLSTM{len(sizes)}D", arguments), (*steps, *left, filters)
