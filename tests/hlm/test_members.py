"""Rows that belong to several levels of a group, each with a weight."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench import hlm
from workbench.errors import BadInput, BadParameter, ModelError

ROWS, STUDENTS, TEACHERS = 240, 60, 9


def taught() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Students in four years, most with one teacher a year, some with two for half a year each."""
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"student": np.repeat(np.arange(STUDENTS), 4), "year": np.tile(np.arange(4.0), STUDENTS)})
    first, second = rng.integers(0, TEACHERS, (2, ROWS))
    shared = rng.random(ROWS) < 0.3
    members = pd.concat(
        [
            pd.DataFrame({"row": np.arange(ROWS), "level": first, "weight": np.where(shared, 0.5, 1.0)}),
            pd.DataFrame({"row": np.flatnonzero(shared), "level": second[shared], "weight": 0.5}),
        ]
    )
    Z = member_matrix(members)
    data["score"] = (
        3 + data["year"] + Z @ rng.normal(0, 1.5, TEACHERS) + rng.normal(0, 1, STUDENTS)[data["student"]]
        + rng.normal(0, 1, ROWS)
    )  # fmt: skip
    return data, members


def member_matrix(members: pd.DataFrame) -> np.ndarray:
    Z = np.zeros((ROWS, TEACHERS))
    np.add.at(Z, (members["row"], members["level"]), members["weight"])
    return Z


def test_the_criterion_is_that_of_the_whole_covariance_matrix() -> None:
    """−2 log restricted likelihood from V = σ²I + Z₁Z₁'τ₁ + Z₂Z₂'τ₂, written out in full (Harville 1974)."""
    data, members = taught()
    model = hlm.fit("score ~ year + (1 | student) + (1 | teacher)", data, members={"teacher": members})
    tau = model.variances.set_index("group")["estimate"]
    S = np.eye(STUDENTS)[data["student"]]
    T = member_matrix(members)
    V = tau["Residual"] * np.eye(ROWS) + tau["student"] * S @ S.T + tau["teacher"] * T @ T.T
    X = np.column_stack([np.ones(ROWS), data["year"]])
    inverse = np.linalg.inv(V)
    XVX = X.T @ inverse @ X
    beta = np.linalg.solve(XVX, X.T @ inverse @ data["score"])
    rest = data["score"].to_numpy() - X @ beta
    criterion = (
        (ROWS - 2) * np.log(2 * np.pi) + np.linalg.slogdet(V)[1] + np.linalg.slogdet(XVX)[1] + rest @ inverse @ rest
    )
    assert model.criterion == pytest.approx(criterion, abs=1e-7)
    assert model.beta == pytest.approx(beta, abs=1e-9)
    modes = model.modes[model.modes["group"] == "teacher"]["estimate"]
    assert modes.to_numpy() == pytest.approx(tau["teacher"] * T.T @ inverse @ rest, abs=1e-7)


def test_one_member_a_row_is_an_ordinary_factor() -> None:
    data, _ = taught()
    data["teacher"] = (data["student"] * 7 + data["year"].astype(int)) % TEACHERS
    members = pd.DataFrame({"row": np.arange(ROWS), "level": data["teacher"], "weight": 1.0})
    formula = "score ~ year + (1 | student) + (year | teacher)"
    plain, same = hlm.fit(formula, data), hlm.fit(formula, data.drop(columns="teacher"), members={"teacher": members})
    assert same.criterion == pytest.approx(plain.criterion, abs=1e-7)
    assert same.predict() == pytest.approx(plain.predict(), abs=1e-3)


def test_members_of_rows_that_are_dropped_go_with_them() -> None:
    data, members = taught()
    data.loc[[3, 77], "score"] = np.nan
    model = hlm.fit("score ~ year + (1 | student) + (1 | teacher)", data, members={"teacher": members})
    kept = data["score"].notna().to_numpy()
    place = np.cumsum(kept) - 1
    moved = members[kept[members["row"]]].assign(row=lambda t: place[t["row"]])
    again = hlm.fit("score ~ year + (1 | student) + (1 | teacher)", data[kept], members={"teacher": moved})
    assert (model.n_obs, model.n_dropped) == (238, 2)
    assert again.criterion == pytest.approx(model.criterion, abs=1e-8)


def test_what_cannot_be_used_is_said() -> None:
    data, members = taught()
    formula = "score ~ year + (1 | student) + (1 | teacher)"
    with pytest.raises(BadParameter, match="'row', 'level' and 'weight'"):
        hlm.fit(formula, data, members={"teacher": members.drop(columns="weight")})
    with pytest.raises(BadInput, match="name row 240; the data have 240 rows"):
        hlm.fit(formula, data, members={"teacher": members.assign(row=members["row"] + 1)})
    with pytest.raises(ModelError, match="needs one of the usual kind"):
        hlm.fit("score ~ year + (1 | teacher)", data, members={"teacher": members})
    with pytest.raises(BadParameter, match="native engine only"):
        hlm.fit(formula, data, engine="lme4", members={"teacher": members})
