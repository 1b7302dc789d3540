"""examples/text_classification.py learns, and its file takes strings."""

import numpy as np
import pytest

import nnseq
import text_classification


@pytest.mark.smoke
def test_tells_languages(tmp_path):
    model, accuracy = text_classification.train(seed=0, verbose=0)
    assert accuracy > 0.95
    model.save(tmp_path / "languages.keras")
    restored = nnseq.saving.load_model(tmp_path / "languages.keras")
    texts = np.array(["The old house on the hill", "Das alte Haus auf dem Hügel"])
    np.testing.assert_array_equal(restored.predict(texts, verbose=0), model.predict(texts))
    assert model.predict(texts, verbose=0).argmax(1).tolist() == [0, 1]


@pytest.mark.long
def test_other_seeds():
    assert min(text_classification.train(seed, verbose=0)[1] for seed in range(1, 5)) > 0.93
