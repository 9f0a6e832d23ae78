"""Groups are named as people say them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.features.groups import in_groups


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([True, False], ["yes", "no"]),
        ([1.0, 0.0, np.nan], ["yes", "no", "not recorded"]),
        (["a", None], ["a", "not recorded"]),
        ([2.0, 0.0], ["2.0", "0.0"]),
    ],
)
def test_every_kind_of_column_has_words(values: list[object], said: list[str]) -> None:
    assert in_groups(pd.DataFrame({"group": values}), "group").tolist() == said
