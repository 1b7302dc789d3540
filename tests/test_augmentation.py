"""examples/augmentation.py draws, and augmentation helps."""

import pytest

import augmentation


@pytest.mark.smoke
def test_draws_and_learns(tmp_path):
    x_train, x_test, _, _ = augmentation.load_data(seed=0)
    assert len(x_train) == 150 and len(x_test) == 1647
    augmentation.draw(x_train[:3], tmp_path / "digits.png", copies=2)
    assert (tmp_path / "digits.png").read_bytes().startswith(b"\x89PNG")
    assert augmentation.accuracy(True, seed=0, epochs=15) > 0.7


@pytest.mark.long
def test_augmentation_helps():
    found = {how: [augmentation.accuracy(how, seed) for seed in range(3)] for how in (False, True)}
    print(found)
    assert sum(found[True]) > sum(found[False]) + 0.03
    assert found[True][0] > 0.94
