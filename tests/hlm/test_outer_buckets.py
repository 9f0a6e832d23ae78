"""Components of the outer system are kept apart by size; those too large for a batch are alone."""

import numpy as np
import pytest

from workbench.hlm.outer import ALONE, _buckets


@pytest.mark.parametrize("sizes", [[ALONE - 40, ALONE + 5, ALONE + 7], [ALONE - 30, ALONE - 1, ALONE], [3, 3, 4, 300]])
def test_a_bucket_of_several_components_is_small_enough_for_the_batch(sizes: list[int]) -> None:
    component = np.repeat(np.arange(len(sizes)), sizes)
    buckets, _ = _buckets(component, len(component))
    assert all(bucket.count == 1 or bucket.size < ALONE for bucket in buckets)
    assert sorted(e for bucket in buckets for e in bucket.effects.ravel() if e >= 0) == list(range(len(component)))
