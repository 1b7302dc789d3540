"""The public names against Keras: parameters, string aliases, configurations of default objects.

A difference is either fixed or has its reason in one of the tables below.
"""

import inspect

import numpy as np
import pytest

import nnseq
from nnseq.utils import clear_session

keras = pytest.importorskip("keras")

AREAS = [
    "activations", "initializers", "regularizers", "constraints", "losses", "metrics",
    "optimizers", "optimizers.schedules", "layers",
]  # fmt: skip
# Names that come with later work (the issues name them) or that we leave out for good.
LATER = {
    "optimizers": "MultiOptimizer OptimizerMap legacy",
}
# Parameters that Keras takes by **kwargs or that old programs need.
MORE_PARAMETERS = {
    "Embedding": {"input_length"},
    "LayerNormalization": {"rms_scaling"},
    "LeakyReLU": {"alpha"},
    "GRU": {"zero_output_for_mask"},
    "LSTM": {"zero_output_for_mask"},
    "SimpleRNN": {"zero_output_for_mask"},
}
OPTIONAL_HERE = {f"AveragePooling{rank}D" for rank in (1, 2, 3)}  # pool_size=2, as in Keras 2
NO_DEFAULT_OBJECT = {
    "Constraint", "Initializer", "InputSpec", "Layer", "LearningRateSchedule", "Loss",
    "Bidirectional", "RNN", "StackedRNNCells",  # of layers and cells: test_rnn_wrappers.py
    "LossScaleOptimizer",  # of another optimizer: test_optimizers_accumulation.py
    "MeanMetricWrapper", "Metric", "Optimizer", "Pipeline", "Regularizer",
    "SpectralNormalization", "TimeDistributed", "Wrapper",
    "Hashing", "IntegerLookup", "StringLookup", "TextVectorization",  # Keras: with TensorFlow only
}  # fmt: skip

ARGUMENTS = {
    "Activation": ("relu",), "CategoryEncoding": (4,), "Discretization": ([0.0, 1.0],),
    "CenterCrop": (4, 4), "RandomBrightness": (0.5,),
    "RandomContrast": (0.5,), "RandomCrop": (3, 3, 7), "RandomRotation": (0.1,),
    "RandomTranslation": (0.1, (-0.2, 0.3)), "RandomZoom": (0.1,), "Resizing": (4, 5),
    "RandomColorDegeneration": (0.5,), "RandomHue": (0.5,), "RandomPosterization": (3,),
    "RandomSaturation": (0.5,), "RandomSharpness": (0.5,),
    "RandomShear": ((0.1, 0.2), (0.1, 0.3)),  # Keras does not read the range it writes of a number
    **{
        name: (2,)
        for rank in (1, 2, 3)
        for name in (
            f"AveragePooling{rank}D", f"AdaptiveMaxPooling{rank}D",
            f"AdaptiveAveragePooling{rank}D", f"DepthwiseConv{rank}D",
        )
    },
    **{
        name: (3, 2)
        for rank in (1, 2, 3)
        for name in (
            f"Conv{rank}D", f"Conv{rank}DTranspose", f"ConvLSTM{rank}D", f"SeparableConv{rank}D",
        )
    },
    "CosineDecay": (0.1, 10), "Dense": (3,),
    "CosineDecayRestarts": (0.1, 10),
    "Dropout": (0.5,), "Embedding": (3, 2),
    "ExponentialDecay": (0.1, 10, 0.5), "GRU": (3,), "GRUCell": (3,), "GaussianDropout": (0.5,),
    "GaussianNoise": (0.5,), "InputLayer": ((3,),), "InverseTimeDecay": (0.1, 10, 0.5),
    "IoU": (3, [0, 2]), "LSTM": (3,), "LSTMCell": (3,),
    "Lambda": (nnseq.activations.relu,), "MeanIoU": (3,), "OneHotIoU": (3, [0]),
    "OneHotMeanIoU": (3,), "Permute": ((2, 1),),
    "PiecewiseConstantDecay": ([1], [1.0, 0.5]), "PolynomialDecay": (0.1, 10),
    "PrecisionAtRecall": (0.5,), "RecallAtPrecision": (0.5,),
    "SensitivityAtSpecificity": (0.5,), "SpecificityAtSensitivity": (0.5,),
    "RepeatVector": (2,), "ReversibleEmbedding": (3, 2), "Rescaling": (2.0,), "Reshape": ((3,),),
    "SimpleRNN": (3,), "SimpleRNNCell": (3,),
    "SpatialDropout1D": (0.5,), "SpatialDropout2D": (0.5,), "SpatialDropout3D": (0.5,),
    "AlphaDropout": (0.5,), "Dot": (1,), "EinsumDense": ("ab,bc->ac", 3),
    "MultiHeadAttention": (2, 3),
}  # fmt: skip
# Never written (contract, section 5), and what Keras forgets to write although it takes it.
NOT_WRITTEN = {
    "gate", "input_axes", "lora_alpha", "lora_rank", "optional", "output_axes",
    "quantization_config", "ragged", "renorm", "renorm_clipping", "renorm_momentum",
    "registered_name", "shared_object_id", "sparse", "use_gate", "build_config",
}  # fmt: skip
FORGOTTEN = {
    ("initializers", "Identity"): {"gain"},
    ("losses", "CosineSimilarity"): {"axis"},
    ("losses", "Huber"): {"delta"},
    ("losses", "SparseCategoricalCrossentropy"): {"axis"},
    ("metrics", "CosineSimilarity"): {"axis"},
    ("metrics", "SparseTopKCategoricalAccuracy"): {"from_sorted_ids"},
    ("layers", "SimpleRNN"): {"seed"},
}


def module_of(package, area):
    for name in area.split("."):
        package = getattr(package, name)
    return package


def shared():
    """(area, name, ours, theirs) of all functions and classes that both have."""
    for area in AREAS:
        ours, theirs = module_of(nnseq, area), module_of(keras, area)
        for name in sorted(set(ours.__all__) & set(dir(theirs))):
            if callable(getattr(theirs, name)):
                yield area, name, getattr(ours, name), getattr(theirs, name)


SHARED = list(shared())
MADE = [
    entry
    for entry in SHARED
    if isinstance(entry[3], type)
    and entry[3].__name__ == entry[1]
    and entry[1] not in NO_DEFAULT_OBJECT
]


def ids(entries):
    return [f"{area}.{name}" for area, name, _, _ in entries]


@pytest.mark.keras
@pytest.mark.parametrize("area", [area for area in AREAS if area != "layers"])
def test_nothing_is_missing(area):
    theirs = module_of(keras, area)
    public = {name for name in dir(theirs) if not name.startswith("_")}
    ours = set(module_of(nnseq, area).__all__)
    assert public - ours == set(LATER.get(area, "").split())


@pytest.mark.keras
def test_layers_have_all_their_names():
    for name in dir(keras.layers):
        found = getattr(keras.layers, name)
        ours = getattr(nnseq.layers, getattr(found, "__name__", ""), None)
        if isinstance(found, type) and ours is not None:
            assert getattr(nnseq.layers, name) is ours


def plain_default(value):
    """Defaults that mean the same are equal: (1, 1) and 1, "Zeros" and "zeros"."""
    while isinstance(value, tuple) and len(set(value)) == 1:
        value = value[0]
    return value.lower() if isinstance(value, str) else value


def parameters(function):
    return {
        p.name: plain_default(p.default)
        for p in inspect.signature(function).parameters.values()
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }


@pytest.mark.keras
@pytest.mark.parametrize(("area", "name", "ours", "theirs"), SHARED, ids=ids(SHARED))
def test_parameters(area, name, ours, theirs):
    if name in ("Layer", "InputSpec"):
        pytest.skip("Keras hides them behind *args, ours are keywords")
    got, expected = parameters(ours), parameters(theirs)
    for extra in MORE_PARAMETERS.get(name, ()):
        got.pop(extra)
    if theirs.__name__ in OPTIONAL_HERE:
        expected["pool_size"] = 2
    assert list(got.items()) == list(expected.items())


def comparable(value):
    """A configuration without what is never written; dtype policies as their names."""
    if isinstance(value, dict):
        if value.get("class_name") == "DTypePolicy":
            return value["config"]["name"]
        return {k: comparable(v) for k, v in value.items() if k not in NOT_WRITTEN}
    if isinstance(value, list | tuple):
        return [comparable(v) for v in value]
    return round(float(value), 7) if isinstance(value, float | np.floating) else value


@pytest.mark.keras
@pytest.mark.parametrize(("area", "name", "ours", "theirs"), MADE, ids=ids(MADE))
def test_configuration_of_a_default_object(area, name, ours, theirs):
    clear_session()
    keras.utils.clear_session(free_memory=False)
    arguments = ARGUMENTS.get(name, ())
    made, other = ours(*arguments), theirs(*arguments)
    got, expected = comparable(made.get_config()), comparable(other.get_config())
    for extra in FORGOTTEN.get((area, name), ()):
        got.pop(extra)
    assert got == expected
    again = ours.from_config(made.get_config())
    assert again.get_config() == made.get_config()
    theirs.from_config(made.get_config())  # Keras knows every key we write
    if area == "layers" and name != "InputLayer":  # ours hands on the mask of a model's input
        assert made.supports_masking == other.supports_masking


def aliases():
    """(area, string, class or function name) of all strings that Keras resolves and we should."""
    for area in AREAS:
        table = getattr(__import__(f"keras.src.{area}", fromlist=["_"]), "ALL_OBJECTS_DICT", {})
        later = set(LATER.get(area, "").split()) | {"LossFunctionWrapper", "MeanMetricWrapper"}
        for text, found in sorted(table.items(), key=lambda entry: entry[0]):
            name = found.__name__
            if name not in later and name not in NO_DEFAULT_OBJECT and not _has_needs(area, found):
                yield area, text, name


def _has_needs(area, found):
    """Whether a metric cannot be made without arguments, so that its name alone says too little."""
    parameters = inspect.signature(found).parameters.values() if area == "metrics" else ()
    return inspect.isclass(found) and any(
        p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters
    )


KERAS_2 = [
    ("activations", "swish", "silu"),
    ("activations", "leaky_relu", "leaky_relu"),
    ("activations", "hard_sigmoid", "hard_sigmoid"),
    ("constraints", "max_norm", "MaxNorm"),
    ("constraints", "unit_norm", "UnitNorm"),
    ("initializers", "normal", "RandomNormal"),
    ("initializers", "uniform", "RandomUniform"),
    ("initializers", "zero", "Zeros"),
    ("initializers", "one", "Ones"),
    ("losses", "kld", "kl_divergence"),
    ("losses", "kullback_leibler_divergence", "kl_divergence"),
    ("losses", "logcosh", "log_cosh"),
    ("losses", "cosine_similarity", "cosine_similarity"),
    ("losses", "huber_loss", "huber"),
    ("metrics", "acc", "Accuracy"),
    ("metrics", "kullback_leibler_divergence", "KLDivergence"),
    ("metrics", "kld", "KLDivergence"),
    ("metrics", "cosine_proximity", "CosineSimilarity"),
    ("metrics", "logcosh", "LogCoshError"),
    ("metrics", "auc", "AUC"),
    ("optimizers", "nadam", "Nadam"),
    ("optimizers", "RMSprop", "RMSprop"),
    ("optimizers", "sgd", "SGD"),
    ("regularizers", "l1_l2", "L1L2"),
]


@pytest.mark.keras
@pytest.mark.parametrize(("area", "text", "name"), [*aliases(), *KERAS_2])
def test_strings(area, text, name):
    found = module_of(nnseq, area).get(text)
    assert getattr(found, "__name__", type(found).__name__) == name


@pytest.mark.parametrize("area", [a for a in AREAS if a not in ("layers", "optimizers.schedules")])
def test_what_is_no_name_is_refused(area):
    get = module_of(nnseq, area).get
    with pytest.raises(ValueError, match=r"'relu_mse_adm'.*(Did you mean|Known are)"):
        get("relu_mse_adm")
    with pytest.raises(ValueError, match=r"Received: 3 .of type int"):
        get(3)
    assert (get(None) is None) == (area != "activations")
