"""Descriptions as plain data: what to construct, by name, in either library."""

from typing import Any, NamedTuple

import numpy as np


class Make(NamedTuple):
    """library.<path>(**arguments)."""

    path: str
    arguments: dict[str, Any] = {}  # noqa: RUF012 (never changed)


class Name(NamedTuple):
    """library.<path> itself: a class or a function."""

    path: str


def find(library: Any, path: str) -> Any:
    """The attribute of `library` at a dotted path."""
    for part in path.split("."):
        library = getattr(library, part)
    return library


def make(library: Any, value: Any) -> Any:
    """`value` with each Make constructed and each Name looked up in `library`."""
    if isinstance(value, Name):
        return find(library, value.path)
    if isinstance(value, Make):
        return find(library, value.path)(**make(library, value.arguments))
    if isinstance(value, dict):
        return {key: make(library, entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(make(library, entry) for entry in value)
    return value


def paths(value: Any) -> set[str]:
    """The paths of all that `make` would look up."""
    if isinstance(value, Make):
        return {value.path} | paths(value.arguments)
    if isinstance(value, Name):
        return {value.path}
    if isinstance(value, dict):
        value = list(value.values())
    return set().union(*map(paths, value)) if isinstance(value, list | tuple) else set()


def names(value: Any) -> set[str]:
    """The paths of all Names."""
    if isinstance(value, Name):
        return {value.path}
    if isinstance(value, Make):
        value = value.arguments
    if isinstance(value, dict):
        value = list(value.values())
    return set().union(*map(names, value)) if isinstance(value, list | tuple) else set()


# Seeds below draw from the first vocabulary, which stays as it is: their models were all seen to
# agree, and a new layer, loss or optimizer must not change them. What is LATER is drawn by the
# seeds from here on, which count from 0 again.
FIRST = 2200
# From here on few cases end in a part of a batch, for which Keras compiles all once more.
FULL = FIRST + 200
LATER = frozenset(
    """
    Adafactor AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D
    AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D AlphaDropout AveragePooling3D
    Bidirectional BinaryFocalCrossentropy BinaryIoU CategoricalFocalCrossentropy
    ConcordanceCorrelation Conv1DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D
    CosineDecayRestarts Cropping3D DepthwiseConv1D Dice EinsumDense GRU GlobalAveragePooling3D
    GlobalMaxPooling3D GroupNormalization IoU LSTM Lamb Lambda Masking MaxPooling3D MeanIoU Muon
    OneHotIoU OneHotMeanIoU PearsonCorrelation PrecisionAtRecall R2Score RMSNormalization RNN
    RecallAtPrecision ScheduleFreeAdamW SensitivityAtSpecificity SeparableConv1D SpatialDropout3D
    SpecificityAtSensitivity TimeDistributed Tversky UnitNormalization UpSampling3D ZeroPadding3D
    accumulation celu hard_shrink hard_silu hard_swish hard_tanh log_sigmoid soft_shrink sparse_plus
    sparse_sigmoid squareplus tanh_shrink
    """.split()  # noqa: SIM905
)


def _name(option: Any) -> str:
    """What an entry of a vocabulary is called."""
    if isinstance(option, Make | Name):
        return option.path.rpartition(".")[2]
    if isinstance(option, tuple):
        name, arguments = option
        return "accumulation" if "gradient_accumulation_steps" in arguments else name
    return str(option)


class Draw:
    """Choices of a seed. Of a list drawn from in every case, a case first takes the entry its seed
    points to, so that as many seeds as there are entries reach all of them."""

    def __init__(self, seed: int) -> None:
        self.is_first = seed < FIRST
        self.is_full = seed >= FULL
        self.seed = seed if self.is_first else seed - FIRST
        self.rng = np.random.default_rng(self.seed)
        self._seen: set[int] = set()

    def known(self, options: Any) -> Any:
        """Those of a vocabulary that this seed draws from."""
        return [o for o in options if _name(o) not in LATER] if self.is_first else options

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def pick(self, options: Any) -> Any:
        """One of a sequence, at random."""
        return options[int(self.rng.integers(len(options)))]

    def turn(self, options: Any) -> Any:
        """One of a sequence that lives as long as the process: the first time the seed's."""
        known = self.known(options)
        if id(options) in self._seen:
            return self.pick(known)
        self._seen.add(id(options))
        return known[self.seed % len(known)]

    def some(self, options: dict[str, Any], probability: float = 0.3) -> dict[str, Any]:
        """For each name its value, or one of its values if it is a list, or nothing."""
        return {
            name: self.pick(values) if isinstance(values, list) else values
            for name, values in options.items()
            if self.chance(probability)
        }
