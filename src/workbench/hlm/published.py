"""Mixed models whose answers were published, on data that R packages carry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.errors import ModelError
from workbench.hlm.r import engines, r_table
from workbench.hlm.result import RESIDUAL, EngineName, Method, MixedModel


@dataclass(frozen=True)
class Published:
    """A model, and numbers of it by name as they were printed; `slow` where lme4 and lmerTest take some minutes."""

    data: str
    name: str
    formula: str
    method: Method
    numbers: dict[str, str]
    slow: bool = False


def high_school_and_beyond() -> pd.DataFrame:
    """7,185 students of 160 schools (nlme::MathAchieve); CSES is SES less the mean of the school's students."""
    sector = r_table("nlme::MathAchSchool")[["School", "Sector"]]
    rows = r_table("nlme::MathAchieve").merge(sector, on="School", validate="many_to_one")
    catholic = (rows["Sector"] == "Catholic").astype(float)
    return rows.assign(CSES=rows["SES"] - rows.groupby("School")["SES"].transform("mean"), Sector=catholic)


HSB, EGSINGLE, SLEEP, RATINGS = "High School & Beyond", "egsingle", "sleepstudy", "InstEval"
READ: dict[str, Callable[[], pd.DataFrame]] = {
    HSB: high_school_and_beyond,
    EGSINGLE: lambda: r_table("mlmRev::egsingle"),
    SLEEP: lambda: r_table("lme4::sleepstudy"),
    RATINGS: lambda: r_table("lme4::InstEval"),
}
GROWTH = "math ~ year + (year | schoolid) + (year | childid)"
MODELS = (
    Published(
        HSB, "one-way ANOVA", "MathAch ~ 1 + (1 | School)", "REML",
        {
            "estimate: (Intercept)": "12.637", "std. error: (Intercept)": "0.2444", "df: (Intercept)": "156.65",
            "variance: School (Intercept)": "8.6140", "variance: Residual": "39.1483",
            "intraclass correlation": "0.18035", "mean reliability: School (Intercept)": "0.9014",
        },
    ),
    Published(
        HSB, "one-way ANOVA", "MathAch ~ 1 + (1 | School)", "ML",
        {"variance: School (Intercept)": "8.5535", "log likelihood": "-23557.91"},
    ),
    Published(
        HSB, "means as outcomes", "MathAch ~ MEANSES + (1 | School)", "REML",
        {
            "estimate: (Intercept)": "12.6494", "estimate: MEANSES": "5.8635",
            "variance: School (Intercept)": "2.6387", "variance: Residual": "39.1571",
        },
    ),
    Published(
        HSB, "random coefficients", "MathAch ~ CSES + (CSES | School)", "REML",
        {
            "estimate: (Intercept)": "12.6362", "estimate: CSES": "2.1932", "variance: School (Intercept)": "8.6810",
            "variance: School CSES": "0.6940", "covariance: School (Intercept), CSES": "0.0468",
            "variance: Residual": "36.7002", "criterion": "46714.23",
        },
    ),
    Published(
        HSB, "intercepts and slopes as outcomes",
        "MathAch ~ MEANSES + Sector + CSES + MEANSES:CSES + Sector:CSES + (CSES | School)", "REML",
        {
            "estimate: (Intercept)": "12.0960", "estimate: MEANSES": "5.3329", "estimate: Sector": "1.2265",
            "estimate: CSES": "2.9388", "estimate: MEANSES:CSES": "1.0389", "estimate: Sector:CSES": "-1.6426",
            "df: (Intercept)": "159.91", "df: MEANSES": "150.98", "df: Sector": "149.61", "df: CSES": "139.29",
            "df: MEANSES:CSES": "160.54", "df: Sector:CSES": "143.34", "variance: School (Intercept)": "2.3795",
            "variance: School CSES": "0.1013", "covariance: School (Intercept), CSES": "0.1921",
            "variance: Residual": "36.7212", "criterion": "46503.66",
        },
    ),
    Published(
        EGSINGLE, "null", "math ~ 1 + (1 | schoolid) + (1 | childid)", "ML",
        {"estimate: (Intercept)": "-0.5100", "std. error: (Intercept)": "0.0780", "log likelihood": "-12652.99"},
    ),
    Published(
        EGSINGLE, "growth", GROWTH, "ML",
        {
            "estimate: (Intercept)": "-0.7793", "std. error: (Intercept)": "0.0578", "estimate: year": "0.7630",
            "std. error: year": "0.0153", "log likelihood": "-8163.116", "variance: Residual": "0.30144",
            "variance: childid (Intercept)": "0.64045", "variance: childid year": "0.01126",
            "variance: schoolid (Intercept)": "0.16532", "variance: schoolid year": "0.01102",
        },
    ),
    Published(
        EGSINGLE, "growth", GROWTH, "REML",
        {"estimate: (Intercept)": "-0.7792", "estimate: year": "0.7631", "criterion": "16336.74"},
    ),
    Published(
        SLEEP, "days of short sleep", "Reaction ~ Days + (Days | Subject)", "REML",
        {
            "estimate: (Intercept)": "251.4051", "std. error: (Intercept)": "6.8246", "df: (Intercept)": "17.00",
            "estimate: Days": "10.4673", "std. error: Days": "1.5458", "df: Days": "17.00",
            "variance: Subject (Intercept)": "612.10", "variance: Subject Days": "35.072",
            "covariance: Subject (Intercept), Days": "9.604", "variance: Residual": "654.94", "criterion": "1743.628",
        },
    ),
    Published(
        SLEEP, "days of short sleep", "Reaction ~ Days + (Days | Subject)", "ML", {"criterion": "1751.9393"}
    ),
    Published(
        RATINGS, "three crossed factors", "y ~ service + (1 | s) + (1 | d) + (1 | dept)", "ML",
        {
            "criterion": "237721.77", "estimate: service1": "-0.09259", "variance: s (Intercept)": "0.10597",
            "variance: d (Intercept)": "0.26521", "variance: dept (Intercept)": "0.00617",
            "variance: Residual": "1.38649",
        },
        slow=True,
    ),
    Published(
        RATINGS, "departments fixed", "y ~ service * dept + (1 | s) + (1 | d)", "ML", {"criterion": "237585.55"},
        slow=True,
    ),
)  # fmt: skip


def trouble() -> str:
    """Return why R and its data cannot be reached here; an empty text where they can."""
    try:
        engines()
    except ModelError as error:
        return str(error)
    return ""


def numbers(model: MixedModel) -> dict[str, float]:
    """Every number of a fit, by the names under which published ones are listed."""
    told: dict[str, float] = {"criterion": model.criterion, "log likelihood": model.log_likelihood}
    for term, estimate, error, df in model.fixed[["term", "estimate", "std_error", "df"]].itertuples(index=False):
        told |= {f"estimate: {term}": estimate, f"std. error: {term}": error, f"df: {term}": df}
    for group, term, other, estimate in model.variances.itertuples(index=False):
        both = isinstance(other, str)
        name = group if group == RESIDUAL else f"{group} {term}, {other}" if both else f"{group} {term}"
        told[f"{'covariance' if both else 'variance'}: {name}"] = estimate
    for group, term, share in model.reliability.itertuples(index=False):
        told[f"mean reliability: {group} {term}"] = share
    if len(model.groups) == 1:
        told["intraclass correlation"] = next(iter(model.icc.values()))
    return told


def compare(data: str, slow: bool = False) -> pd.DataFrame:
    """Fit every published model of one data set again, and set the numbers side by side.

    model, quantity, published (as printed), lme4 (fitted here; missing for slow ones unless asked for), native,
    difference (native less published), and the distance of each engine's in units of the last printed digit.
    """
    from workbench.hlm import fit

    rows = READ[data]()
    tables = []
    for model in (model for model in MODELS if model.data == data):
        run: list[EngineName] = ["native", "lme4"] if slow or not model.slow else ["native"]
        found = {engine: numbers(fit(model.formula, rows, model.method, engine)) for engine in run}
        table = pd.DataFrame({"model": f"{model.name}, {model.method}", "quantity": list(model.numbers)})
        table["published"] = list(model.numbers.values())
        for engine in ("lme4", "native"):
            table[engine] = [found.get(engine, {}).get(name, np.nan) for name in model.numbers]
        table["difference"] = table["native"] - table["published"].astype(float)
        unit = [10.0 ** -len(text.partition(".")[2]) for text in table["published"]]
        for engine in ("lme4", "native"):
            table[f"{engine}_digits"] = ((table[engine] - table["published"].astype(float)) / unit).round(2)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def as_printed(table: pd.DataFrame) -> pd.DataFrame:
    """A comparison for reading: numbers as text with two digits more than printed, differences in last digits."""
    digits = table["published"].str.partition(".")[2].str.len() + 2
    shown = table[["model", "quantity", "published"]].copy()
    for column in ("lme4", "native"):
        pairs = zip(table[column], digits, strict=True)
        shown[column] = ["–" if np.isnan(value) else f"{value:.{k}f}" for value, k in pairs]
    return shown.assign(native_less_published=[f"{value:+z.1f}" for value in table["native_digits"]])
