"""Every program in examples/ that has a `main(output, seed)` reaches the quality that it states.

digits, augmentation, text_classification and transformer_text have tests of their own.
"""

import importlib
import re
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
INDEX = (EXAMPLES / "README.md").read_text()

# (at least, at most) for what `main` returns.
QUALITY = {
    "autoencoder": {"left": (0, 0.3)},
    "customizing_fit": {
        "sequential_clean": (0.95, 1),
        "sequential_attacked": (0, 0.75),
        "robust_clean": (0.95, 1),
        "robust_attacked": (0.8, 1),
    },
    "forecast": {"error": (0, 0.08), "part_of_the_rule": (0, 0.65)},
    "functional_api": {"sum": (0.92, 1), "larger": (0.92, 1), "name": (0.93, 1)},
    "gan": {"right": (0.85, 1), "variety": (0.7, 1.3)},
    "masking_and_padding": {
        "masked": (0.97, 1),
        "masked_padded": (0.97, 1),
        "unmasked": (0.9, 1),
        "unmasked_padded": (0, 0.96),
    },
    "preprocessing_layers": {"explained": (0.95, 1), "linear": (0, 0.7)},
    "recurrent_networks": {"right": (0.95, 1)},
    "saving_models": {"accuracy": (0.93, 1), "restored": (1, 1)},
    "siamese": {"known": (0.97, 1), "new": (0.65, 1)},
    "signal_classification": {"accuracy": (0.97, 1)},
    "subclassing": {"coordinates": (18, 23), "fourier": (25, 40)},
    "training_and_evaluation": {"auc": (0.98, 1), "recall": (0.9, 1), "cost": (0, 0.35)},
    "training_loop": {"right": (0.97, 1)},
    "transfer_learning": {"alone": (0.5, 0.8), "frozen": (0.82, 1), "tuned": (0.82, 1)},
    "vae": {"nats": (20, 26.5), "told": (0.65, 1)},
    "writing_callbacks": {"error": (0, 0.08)},
}


def out_of_bounds(name, found):
    """The results that are not within their bounds."""
    assert found.keys() == QUALITY[name].keys()
    within = {key: low <= found[key] <= high for key, (low, high) in QUALITY[name].items()}
    return {key: float(found[key]) for key, good in within.items() if not good}


@pytest.mark.parametrize("name", QUALITY)
def test_reaches_its_quality(name, tmp_path):
    assert out_of_bounds(name, importlib.import_module(name).main(tmp_path, seed=0)) == {}
    row = re.search(rf"^\| \[{name}\.py\].*", INDEX, re.MULTILINE)[0]
    for file in tmp_path.iterdir():
        assert file.name in row
        if file.suffix == ".png":
            assert file.read_bytes().startswith(b"\x89PNG")


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", QUALITY)
def test_reaches_it_with_other_seeds(name, seed, tmp_path):
    assert out_of_bounds(name, importlib.import_module(name).main(tmp_path, seed)) == {}


def test_the_index_holds_every_program():
    programs = {path.name for path in EXAMPLES.glob("*.py")} - {"common.py"}
    assert set(re.findall(r"^\| \[(\w+\.py)\]\(\1\)", INDEX, re.MULTILINE)) == programs
    tested = {f"{name}.py" for name in QUALITY}
    others = {f"{path.stem.removeprefix('test_')}.py" for path in Path(__file__).parent.glob("*")}
    assert programs <= tested | others
