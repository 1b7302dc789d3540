"""nnseq against Keras on random Sequential models; a failing seed is run alone by

cd tests && python -m differential.run SEED
"""

import hashlib
import inspect

import pytest

import nnseq
from differential.cases import arguments, describe
from differential.goals import snake
from differential.options import ACTIVATIONS
from differential.plain import FIRST, FULL
from differential.pool import Pool

pytest.importorskip("keras", reason="Keras is the oracle: pip install 'keras==3.15.*' jax")

# Seeds of models that have no result to agree on.
WITHOUT = {
    FULL + 97: "of a constant prediction PearsonCorrelation is 0/0, in both libraries",
    FULL + 479: "a prediction is 1e-7 from a threshold of AUC, which is between the two libraries'",
    FULL + 556: "Ftrl makes weights 0, where OrthogonalRegularizer has a kink",
    FULL + 666: "steps of 0.1 saturate a sigmoid, where Keras cuts off and nnseq has the logits",
}


def without(*ranges):
    return [seed for seeds in ranges for seed in seeds if seed not in WITHOUT]


SHORT = without(range(46), range(FIRST, FIRST + 154), range(FULL, FULL + 201))
LONG = without(range(46, FIRST), range(FIRST + 154, FULL), range(FULL + 201, FULL + 1004))

# Public classes that are no part of a Sequential model by themselves.
EXCEPT = {
    "layers": {
        "Layer",
        "InputSpec",
        "Wrapper",
        "StackedRNNCells",
        "SimpleRNNCell",
        "LSTMCell",
        "GRUCell",
    }  # bases, parts
    # tests/test_layers_images.py, tests/test_layers_colors.py, tests/test_layers_tones.py,
    # tests/test_layers_text.py, tests/test_layers_categories.py, tests/test_layers_mixtures.py
    | {"CenterCrop", "RandomBrightness", "RandomContrast", "RandomCrop", "RandomFlip"}
    | {"RandomRotation", "RandomTranslation", "RandomZoom", "Resizing", "CategoryEncoding"}
    | {"Discretization", "Hashing", "IntegerLookup", "StringLookup", "TextVectorization"}
    | {"AutoContrast", "Pipeline", "RandomErasing", "RandomGrayscale", "RandomInvert"}
    | {"RandomHue", "RandomSaturation", "RandomColorDegeneration", "RandomColorJitter"}
    | {"RandomSharpness", "RandomPosterization", "RandomShear", "RandomPerspective"}
    | {"RandomElasticTransform", "RandomGaussianBlur", "Equalization"}
    | {"ContrastLimitedAdaptiveHistogramEqualization"}
    | {"Solarization", "CutMix", "MixUp"}
    | {"MelSpectrogram", "STFTSpectrogram"}  # tests/test_layers_spectrograms.py
    | {"Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract"}  # 2 inputs
    | {"AdditiveAttention", "Attention", "Dot", "GroupQueryAttention", "MultiHeadAttention"}
    | {"ConvLSTM3D"}  # 5 dimensions
    | {"ReversibleEmbedding", "SpectralNormalization"},  # tests/test_layers_spectral.py
    "losses": {"Loss", "LossFunctionWrapper"}
    | {"CTC", "Circle"}  # not of one sample's outputs
    | {"CategoricalGeneralizedCrossEntropy"},  # Keras broadcasts classes (N, 1)
    "metrics": {"Metric", "MeanMetricWrapper", "Mean", "Sum"},  # of values, not of targets
    "optimizers": {"Optimizer", "LossScaleOptimizer"},  # of another optimizer
    "optimizers.schedules": {"LearningRateSchedule"},
    "initializers": {"Initializer", "RandomInitializer", "STFT"},
    "regularizers": {"Regularizer"},
    "constraints": {"Constraint"},
}


@pytest.fixture(scope="module")
def pool(request):
    """All selected cases, started at once. The short run compiles what Keras read from a file of
    nnseq in every fourth case."""
    pool = Pool()
    for item in request.session.items:
        if "case_seed" in getattr(item, "fixturenames", ()):
            seed = item.callspec.params["case_seed"]
            pool.submit(seed, seed in LONG or seed % 4 == 0)
    yield pool
    pool.close()


@pytest.mark.keras
@pytest.mark.parametrize("case_seed", SHORT)
def test_case(pool, case_seed):
    pool.result(case_seed)


@pytest.mark.keras
@pytest.mark.long
@pytest.mark.parametrize("case_seed", LONG)
def test_more_cases(pool, case_seed):
    pool.result(case_seed)


@pytest.mark.keras
def test_second_looks_are_rare(pool):
    """The comparison does not lean on Keras op by op, nor on what ill-conditioned steps excuse."""
    finished = pool.finished()
    if len(finished) < len(SHORT) // 2:
        pytest.skip("too few cases were run")
    for reason in ("ill conditioned", "op by op"):
        assert sum(reason in looks for looks in finished) <= 0.1 * len(finished)


def strings(value):
    """All strings in a description."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        value = list(value.values())
    return set().union(*map(strings, value)) if isinstance(value, list | tuple) else set()


@pytest.mark.parametrize("package", EXCEPT)
def test_each_class_is_in_a_case(package):
    cases = [describe(seed) for seed in SHORT]
    reached = set().union(*(case.paths for case in cases))
    named = set().union(*(strings([case.layers, case.compiled]) for case in cases))
    module = nnseq
    for part in package.split("."):
        module = getattr(module, part)
    public = {
        name
        for name in module.__all__
        if inspect.isclass(getattr(module, name)) and getattr(module, name).__name__ == name
    }
    missing = {
        name
        for name in public - EXCEPT[package]
        if f"{package}.{name}" not in reached and not {name, snake(name)} & named
    }
    assert not missing, f"add {sorted(missing)} of nnseq.{package} to tests/differential"
    assert EXCEPT[package] <= public


def test_the_first_models_stay():
    """New names are LATER (plain.py), so that what the long run once saw is what it sees."""
    cases = [describe(seed) for seed in range(0, FIRST, 11)]
    text = repr([(c.layers, c.compiled, c.built_by, c.batch_size, c.seed) for c in cases])
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "78d01aea7195d26b"


def test_each_activation_is_in_a_case():
    used = {
        value.path.split(".")[1] if hasattr(value, "path") else value
        for seed in SHORT
        for key, value in arguments(describe(seed).layers)
        if key == "activation" and value
    }
    assert set(ACTIVATIONS) <= used
