"""The transformer example learns what counting words cannot tell, and can be saved."""

import numpy as np

import nnseq
import transformer_text as example


def test_it_learns_order_and_negation(tmp_path):
    model, numbers, length, accuracy = example.train(seed=0, epochs=3, sentences=2500, verbose=0)
    assert accuracy > 0.95
    texts, labels = example.write_sentences(300, seed=2)
    rng = np.random.default_rng(0)
    mixed = [" ".join(rng.permutation(text.split())) for text in texts]
    confused = model.predict(example.encode(mixed, numbers, length), verbose=0).argmax(1)
    assert (confused == labels).mean() < 0.8
    model.save(tmp_path / "model.keras")
    again = nnseq.models.load_model(tmp_path / "model.keras")
    x = example.encode(texts, numbers, length)
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
