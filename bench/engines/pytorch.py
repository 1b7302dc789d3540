"""PyTorch, eager or compiled, as users write it well.

channels_last, fused Adam, batches gathered by index, losses of logits, read once per epoch.
"""

from typing import Any

import numpy as np
import torch
from torch import nn

ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "softmax": lambda: nn.Softmax(-1)}
LOSSES = {
    "binary_crossentropy": nn.BCEWithLogitsLoss,
    "sparse_categorical_crossentropy": nn.CrossEntropyLoss,
    "mean_squared_error": nn.MSELoss,
}


class Last(nn.Module):
    """The last step of an LSTM."""

    def forward(self, x: Any) -> Any:
        return x[0][:, -1]


class Mean(nn.Module):
    """The mean over some axes."""

    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(self.axes)


class Max(nn.Module):
    """The maximum over the pixels."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.amax((2, 3))


def _convolution(make: Any, c: dict[str, Any]) -> nn.Module:
    padding, bias = c.get("padding", "valid"), c.get("use_bias", True)
    return make(c["filters"], c["kernel_size"], c.get("strides", 1), padding, bias=bias)


def _separable(c: dict[str, Any], channels: int) -> nn.Module:
    size, padding = c["kernel_size"], c.get("padding", "valid")
    depthwise = nn.Conv2d(channels, channels, size, 1, padding, groups=channels, bias=False)
    return nn.Sequential(depthwise, nn.Conv2d(channels, c["filters"], 1, bias=c["use_bias"]))


def modules_of(kind: str, c: dict[str, Any], channels: int) -> list[nn.Module]:
    """A layer of a description; `channels` is how many the input has."""
    made: dict[str, Any] = {
        "Dense": lambda: [nn.Linear(channels, c["units"])],
        "Conv2D": lambda: [_convolution(nn.LazyConv2d, c)],
        "Conv1D": lambda: [_convolution(nn.LazyConv1d, c)],
        "SeparableConv2D": lambda: [_separable(c, channels)],
        "BatchNormalization": lambda: [nn.LazyBatchNorm2d(eps=1e-3, momentum=0.01)],
        "ReLU": lambda: [nn.ReLU()],
        "MaxPooling2D": lambda: [nn.MaxPool2d(c["pool_size"])],
        "GlobalMaxPooling2D": lambda: [Max()],
        "GlobalAveragePooling2D": lambda: [Mean(2, 3)],
        "Flatten": lambda: [nn.Flatten()],
        "Dropout": lambda: [nn.Dropout(c["rate"])],
        "Embedding": lambda: [nn.Embedding(c["input_dim"], c["output_dim"])],
        "LSTM": lambda: [nn.LSTM(channels, c["units"], batch_first=True), Last()],
    }
    return made[kind]()


class PyTorch:
    def __init__(self, model: Any, compiled: bool) -> None:
        self.channels_first = len(model.input_shape) == 3
        x = torch.from_numpy(model.data(1)[0][:2])
        modules: list[nn.Module] = []
        sequence_first = any(kind == "Conv1D" for kind, _ in model.layers)
        self.moves_last = self.channels_first or sequence_first
        x = self._moved(x)
        for kind, config in model.layers:
            if kind == "GlobalAveragePooling1D":
                found: list[nn.Module] = [Mean(2 if sequence_first else 1)]
            else:
                is_map = self.moves_last and x.dim() > 2
                found = modules_of(kind, config, x.shape[1] if is_map else x.shape[-1])
            if config.get("activation"):
                found.append(ACTIVATIONS[config["activation"]]())
            with torch.no_grad():
                for module in found:  # tells lazy modules their number of channels
                    x = module(x)
            modules += found
        # The losses take logits; a prediction applies the last function too.
        self.last = modules.pop() if isinstance(modules[-1], nn.Softmax | nn.Sigmoid) else None
        self.model: Any = nn.Sequential(*modules)
        if self.channels_first:
            self.model = self.model.to(memory_format=torch.channels_last)
        self.loss = LOSSES[model.loss]()
        self.optimizer = torch.optim.Adam(self.model.parameters(), fused=True)
        if compiled:
            self.model = torch.compile(self.model)

    def _moved(self, x: torch.Tensor) -> torch.Tensor:
        """(n, ..., c) as torch wants it: a view, which for images is the layout channels_last."""
        return x.movedim(-1, 1) if self.moves_last else x

    def epoch(self, x: np.ndarray, y: np.ndarray, batch: int) -> float:
        inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
        total = torch.zeros(())
        self.model.train()
        order = torch.randperm(len(inputs))
        steps = 0
        for rows in order.split(batch):
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.loss(self.model(self._moved(inputs[rows])), targets[rows])
            loss.backward()
            self.optimizer.step()
            total += loss.detach()
            steps += 1
        return float(total) / steps

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self.call(x).numpy()

    def call(self, x: np.ndarray) -> torch.Tensor:
        if self.model.training:
            self.model.eval()
        with torch.inference_mode():
            y = self.model(self._moved(torch.from_numpy(x)))
            return y if self.last is None else self.last(y)


def make(model: Any, engine: str) -> PyTorch:
    return PyTorch(model, engine == "torch.compile")
