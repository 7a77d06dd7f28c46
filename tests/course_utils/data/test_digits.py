"""Real images: shapes, scale, a split that never changes, and what is refused."""

import numpy as np
import pytest

from course_utils import data

SETS = [(data.digits, 1797, 64, 1400), (data.mnist, 5000, 784, 4000)]


@pytest.fixture(scope="module", params=SETS, ids=["digits", "mnist"])
def loaded(request):
    load, images, pixels, train = request.param
    return load(), images, pixels, train


def test_shapes_and_types(loaded):
    found, images, pixels, train = loaded
    assert found.x.shape == (train, pixels) and found.x_test.shape == (images - train, pixels)
    assert found.y.shape == (train,) and found.y_test.shape == (images - train,)
    assert {array.dtype for array in (found.x, found.x_test)} == {np.dtype(np.float64)}
    assert {array.dtype for array in (found.y, found.y_test)} == {np.dtype(np.int64)}


def test_the_training_part_is_centred_with_mean_square_one(loaded):
    found, *_ = loaded
    assert np.abs(found.x.mean(axis=0)).max() < 1e-12
    assert np.square(found.x).mean() == pytest.approx(1, abs=1e-12)
    assert np.square(found.x_test).mean() == pytest.approx(1, abs=0.05)


def test_all_ten_digits_are_in_both_parts(loaded):
    found, *_ = loaded
    assert set(found.y) == set(found.y_test) == set(range(10))


def test_images_keep_their_labels(loaded):
    found, *_ = loaded
    means = np.array([found.x[found.y == label].mean(axis=0) for label in range(10)])
    distance = np.square(found.x_test[:, None] - means).sum(axis=2)
    assert (distance.argmin(axis=1) == found.y_test).mean() > 0.75


def test_the_split_is_fixed_and_only_cut_elsewhere():
    few, again = data.digits(train=100), data.digits()
    assert (np.append(few.y, few.y_test) == np.append(again.y, again.y_test)).all()
    assert (data.digits().x == again.x).all()


@pytest.mark.parametrize("train", [0, -1, 1797, 10**6, 0.8, "1400", None, True])
def test_a_part_without_images_and_a_share_are_refused(train):
    whole = type(train) is int
    words = f"train must .*got {train}" if whole else "train must be a whole number"
    with pytest.raises(ValueError if whole else TypeError, match=words):
        data.digits(train=train)
