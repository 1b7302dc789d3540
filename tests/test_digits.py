"""The program behind `make run` learns: the target is set by what the same model does in Keras."""

import statistics
import time

import numpy as np
import pytest

import digits


@pytest.mark.smoke
def test_digits_draws_and_learns(tmp_path):
    model, history, x_test, y_test = digits.train(seed=0, epochs=3, verbose=0)
    assert history["loss"][-1] < history["loss"][0] / 2
    assert history["val_accuracy"][-1] > 0.85
    digits.draw_curve(history, tmp_path / "curve.png")
    probabilities = model.predict(x_test, verbose=0)
    digits.draw_predictions(x_test, y_test, probabilities, tmp_path / "predictions.png")
    for name in ("curve.png", "predictions.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    model.save(tmp_path / "digits.keras")
    restored = digits.predict_in_new_process(tmp_path / "digits.keras", x_test)
    np.testing.assert_array_equal(restored, probabilities)


@pytest.mark.long
def test_median_accuracy_and_time():
    accuracies, seconds = [], []
    for seed in range(5):
        start = time.perf_counter()
        _, history, _, _ = digits.train(seed=seed, verbose=0)
        seconds.append(time.perf_counter() - start)
        accuracies.append(history["val_accuracy"][-1])
    print("accuracies", accuracies, "seconds", seconds)
    assert statistics.median(accuracies) >= 0.985
    assert statistics.median(seconds) <= 60
