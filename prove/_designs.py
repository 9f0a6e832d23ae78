"""Random designs of mixed models, fitted by the native engine and judged by lme4 in a process of its own."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, getcontext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench import hlm
from workbench.errors import WorkbenchError
from workbench.hlm.native import Native
from workbench.hlm.result import RESIDUAL, MixedModel

JUDGE = Path(__file__).with_suffix("").parent / "mixed_model_designs.R"
FORMULAS = (
    "y ~ x + (1 | a)",
    "y ~ x + (x | a)",
    "y ~ x + (0 + x | a)",
    "y ~ x + (x || a)",
    "y ~ x + (1 | a/b)",
    "y ~ x + (x | a) + (1 | b)",
    "y ~ f + (1 | a) + (1 | b)",
    "y ~ f * x + (1 | a)",
    "y ~ x + twice + f + (1 | a)",
    "y ~ x + (f | a)",
    "y ~ x + I(x^2) + (x + I(x^2) | a)",
    "y ~ 1 + (1 | a) + (1 | b) + (1 | c)",
    "y ~ x + (x || a) + (1 | b)",
    "y ~ 0 + f + (0 + f | a)",
    "y ~ x + (x | a) + (x | b)",
    "y ~ x + (1 | a) + (0 + x | b)",
    "y ~ x + (x | a/b)",
    "y ~ x * z + (x | a)",
    "y ~ x + f:x + (1 | a) + (1 | a:f)",
    "y ~ z + (1 | single)",
    "y ~ x + (1 | each)",
    "y ~ x + (x + f | b)",
)
COLUMNS = (
    *("seed", "formula", "method", "n", "weights", "lme4_refuses", "native_refuses", "said", "excess", "at_native"),
    *("exact", "singular", "converged", "regular", "estimates", "errors", "variances", "df"),
)
PI = Decimal("3.14159265358979323846264338327950288419716939937511")


@dataclass(frozen=True)
class RandomDesign:
    """A formula and data drawn for it; `weights` names a column or is None."""

    seed: int
    formula: str
    method: str
    weights: str | None
    data: pd.DataFrame


def drawn(seed: int) -> RandomDesign:
    """Draw a design: groups of very different sizes, down to one row, cells that are empty, variances that are zero."""
    rng = np.random.default_rng(seed)
    formula = FORMULAS[seed % len(FORMULAS)]
    n = int(rng.choice([12, 30, 80, 200, 500]))
    levels = {name: int(rng.integers(2, max(3, n // int(rng.choice([2, 4, 8]))))) for name in "abc"}
    uneven = float(rng.choice([0.3, 1.0, 5.0]))
    group = {name: rng.choice(k, n, p=rng.dirichlet(np.full(k, uneven))) for name, k in levels.items()}
    x = rng.normal(0, 1, n) if rng.random() < 0.6 else rng.integers(0, 6, n).astype(float)
    x = x * float(rng.choice([1, 1, 100, 0.01])) + float(rng.choice([0, 0, 5, 2020]))
    f = rng.choice(["high", "low", "middle"][: int(rng.integers(2, 4))], n)
    unit = (x - x.mean()) / max(float(x.std()), 1e-12)
    y = 2 + 0.5 * unit + (f == "low") * 0.7 + rng.normal(0, 1, n)
    for name, k in levels.items():
        spread = float(rng.choice([0, 0.5, 1, 2]))
        slope = float(rng.choice([0, 0.5, 1]))
        y += spread * rng.normal(0, 1, k)[group[name]] + slope * rng.normal(0, 1, k)[group[name]] * unit
    w = rng.uniform(0.2, 3, n) if rng.random() < 0.3 else None
    if w is not None:
        y += rng.normal(0, 1, n) / np.sqrt(w)
    data = pd.DataFrame({name: [f"{name}{code:03d}" for code in codes] for name, codes in group.items()})
    data = data.assign(
        x=x, twice=2 * x + 1, f=f, z=rng.normal(0, 1, levels["a"])[group["a"]], y=y * rng.choice([1, 50])
    )
    data = data.assign(single="s", each=[f"e{row:03d}" for row in range(n)], w=1.0 if w is None else w)
    if rng.random() < 0.3:
        data.loc[rng.random(n) < 0.1, str(rng.choice(["x", "y"]))] = np.nan
    method = str(rng.choice(["REML", "ML"]))
    return RandomDesign(seed, formula, method, None if w is None else "w", data)


def native_fit(design: RandomDesign) -> MixedModel | WorkbenchError:
    """The native engine's fit, or its refusal."""
    try:
        return hlm.fit(design.formula, design.data, design.method, "native", weights=design.weights)  # type: ignore[arg-type]
    except WorkbenchError as error:
        return error


def lme4_answers(designs: Sequence[RandomDesign], fits: Sequence[MixedModel | WorkbenchError]) -> list[dict[str, Any]]:
    """What lme4 finds for each design, and its deviance function at the native estimates."""
    with tempfile.TemporaryDirectory() as place:
        folder, asked = Path(place), []
        for design, fit in zip(designs, fits, strict=True):
            path = folder / f"{design.seed}.csv"
            design.data.to_csv(path, index=False, float_format="%.17g")
            own = {"data": str(path), "formula": design.formula, "method": design.method, "weights": design.weights}
            asked.append(own | {"lambda": _relative(fit) if isinstance(fit, MixedModel) else None})
        (folder / "designs.json").write_text(json.dumps(asked))
        command = ["Rscript", str(JUDGE), str(folder / "designs.json"), str(folder / "answers.json")]
        subprocess.run(command, check=True, capture_output=True, text=True)
        return list(json.loads((folder / "answers.json").read_text()))


def _relative(fit: MixedModel) -> dict[str, Any]:
    """Λ of each factor, relative to the residual's standard deviation, in the units of the data."""
    native = fit.fitted
    assert isinstance(native, Native)
    return {
        factor.name: {"columns": list(factor.columns), "L": native.relative[factor.name].tolist()}
        for factor in native.factors
    }


def verdict(design: RandomDesign, fit: MixedModel | WorkbenchError, lme4: dict[str, Any]) -> dict[str, Any]:
    """One row on a design: who refused, and by how much the two engines differ.

    `excess`: native criterion less the better of lme4's two. `at_native`: lme4's deviance function at the native
    estimates less the native criterion. For regular fits also the largest differences of estimates (in their
    standard errors), of standard errors, variances (both relative) and degrees of freedom (relative).
    """
    about = {"seed": design.seed, "formula": design.formula, "method": design.method, "n": len(design.data)}
    about |= {"weights": design.weights is not None, "lme4_refuses": "refused" in lme4}
    about |= {"native_refuses": isinstance(fit, WorkbenchError)}
    if isinstance(fit, WorkbenchError) or "refused" in lme4:
        return about | {"said": str(fit) if isinstance(fit, WorkbenchError) else lme4["refused"][0]}
    about |= {"excess": fit.criterion - min(lme4["criterion"]), "at_native": lme4["at_native"][0] - fit.criterion}
    about |= {"singular": fit.singular or lme4["singular"][0], "converged": fit.converged}
    regular = not about["singular"] and lme4["settled"][0] and abs(about["excess"]) < 1e-5
    return about | {"regular": regular} | (_differences(fit, lme4) if regular else {})


def _differences(fit: MixedModel, lme4: dict[str, Any]) -> dict[str, float]:
    theirs = pd.DataFrame({name: lme4[name] for name in ("estimate", "std_error")}, index=lme4["term"])
    ours = fit.fixed.set_index("term").loc[theirs.index]
    found = {
        "estimates": float((abs(ours["estimate"] - theirs["estimate"]) / theirs["std_error"]).max()),
        "errors": float(abs(ours["std_error"] / theirs["std_error"] - 1).max()),
        "variances": _variance_difference(fit, lme4["variances"]),
    }
    if "df" in lme4:
        found["df"] = float(abs(ours["df"].to_numpy() / np.array(lme4["df"]) - 1).max())
    return found


def _variance_difference(fit: MixedModel, told: dict[str, list[Any]]) -> float:
    """The largest difference of a variance or covariance, in units of the standard deviations that belong to it."""
    table = fit.variances
    own = table[table["other_term"].isna() & (table["group"] != RESIDUAL)].set_index(["group", "term"])["estimate"]
    ours = {
        (group, *sorted(term for term in (one, other) if isinstance(term, str))): estimate
        for group, one, other, estimate in table.itertuples(index=False)
    }
    worst = 0.0
    for group, one, other, estimate in zip(
        *(told[k] for k in ("group", "term", "other_term", "estimate")), strict=True
    ):
        terms = [term for term in (one, other) if term is not None]
        unit = np.prod([own[group, term] ** (1 / len(terms)) for term in terms]) if terms else fit.sigma2
        worst = max(worst, abs(ours[(group, *sorted(terms))] - estimate) / float(unit))
    return worst


def judged(designs: Sequence[RandomDesign]) -> pd.DataFrame:
    """Fit designs by both engines; one row a design. Where lme4's deviance function differs, arithmetic decides."""
    fits = [native_fit(design) for design in designs]
    rows = []
    for design, fit, lme4 in zip(designs, fits, lme4_answers(designs, fits), strict=True):
        row = verdict(design, fit, lme4)
        if isinstance(fit, MixedModel) and abs(row.get("at_native", 0.0)) >= 1e-6:
            row["exact"] = fit.criterion - exact_criterion(fit)
        rows.append(row)
    return pd.DataFrame(rows).reindex(columns=COLUMNS)


def exact_criterion(fit: MixedModel) -> float:
    """The criterion at the native estimates, from the dense covariance matrix of y in 50-digit arithmetic."""
    native = fit.fitted
    assert isinstance(native, Native)
    assert native.design is not None
    getcontext().prec = 50
    design, n, reml = native.design, native.design.n, fit.method == "REML"
    weights = [1.0] * n if design.weights is None else design.weights.tolist()
    V = [[1 / Decimal(weights[i]) if i == j else Decimal(0) for j in range(n)] for i in range(n)]
    for factor, code, Z in zip(native.factors, design.codes, design.Z, strict=True):
        root = [[Decimal(value) for value in row] for row in native.relative[factor.name].T.tolist()]
        half = [[_dot([Decimal(z) for z in row], column) for column in root] for row in Z.tolist()]
        for i in range(n):
            for j in np.flatnonzero(code[: i + 1] == code[i]):
                V[i][j] += _dot(half[i], half[j])
    C = _cholesky(V)
    columns = [_forward(C, column) for column in [*design.X.T.tolist(), design.y.tolist()]]
    R = _cholesky([[_dot(one, other) for other in columns] for one in columns])
    d = n - (len(columns) - 1 if reml else 0)
    criterion = 2 * sum(C[i][i].ln() for i in range(n)) + d * (1 + (2 * PI * R[-1][-1] ** 2 / d).ln())
    return float(criterion + (2 * sum(R[k][k].ln() for k in range(len(columns) - 1)) if reml else 0))


def _dot(one: list[Decimal], other: list[Decimal]) -> Decimal:
    return sum((a * b for a, b in zip(one, other, strict=True)), Decimal(0))


def _cholesky(A: list[list[Decimal]]) -> list[list[Decimal]]:
    L: list[list[Decimal]] = []
    for i, row in enumerate(A):
        L.append([])
        for j in range(i):
            L[i].append((row[j] - _dot(L[i][:j], L[j][:j])) / L[j][j])
        L[i].append((row[i] - _dot(L[i], L[i])).sqrt())
    return L


def _forward(L: list[list[Decimal]], column: list[float]) -> list[Decimal]:
    solved: list[Decimal] = []
    for row, value in zip(L, column, strict=True):
        solved.append((Decimal(value) - _dot(row[:-1], solved)) / row[-1])
    return solved
