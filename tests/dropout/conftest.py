"""One synthetic study, made and assessed once."""

from __future__ import annotations

import pytest

from workbench import dropout, synthetic
from workbench.dropout import Assessment, Study
from workbench.store import Data, open_data

AS_OF = "2024-01-31"


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """Return 4,000 high-school students of one district over eight years."""
    path = tmp_path_factory.mktemp("study") / "data"
    return open_data(synthetic.write(path, students=4_000, years=8, seed=4, low_grade=9, events_per_term=1.0))


@pytest.fixture(scope="session")
def study(data: Data) -> Study:
    return dropout.study(data, AS_OF)


@pytest.fixture(scope="session")
def assessment(study: Study) -> Assessment:
    return dropout.assess(study, seed=1)
