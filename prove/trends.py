"""Whether what is said about trends holds: indicators counted a second way, and coverage of every interval."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
from _marginals import Folder
from _study import JOBS, made, markdown, write

from workbench import growth
from workbench.growth.trends import forecast as trend_forecast
from workbench.growth.trends import policy as trend_policy
from workbench.growth.trends.change import RATES, decompose
from workbench.store import open_data

Floats = np.ndarray[Any, Any]
DRAWS = 2000
BLOCKS = 8
DISTRICTS = range(31, 71)
YEARS = np.arange(2018, 2026)
FIRST = "2022-09-01"


# --- Indicators, a second way: SQL of another hand, over three districts -------------------------------------------

_SECOND = {
    "graduation_4yr": """
        SELECT s.ninth_grade_year + 3 AS school_year, count(*) AS n,
          avg((o.status = 'graduated' AND o.school_year <= s.ninth_grade_year + 3)::INT) AS value
        FROM {students} s JOIN {outcomes} o USING (student_id)
        WHERE s.ninth_grade_year BETWEEN (SELECT min(school_year) FROM {enrollments})
                                     AND (SELECT max(school_year) FROM {enrollments}) - 3
          AND student_id NOT IN (SELECT student_id FROM {enrollments} JOIN {students} t USING (student_id)
                                 WHERE transfer_documented AND school_year <= t.ninth_grade_year + 3)
        GROUP BY ALL ORDER BY school_year""",
    "chronic_absence": """
        SELECT school_year, count(*) AS n, avg((off >= 0.1 * enrolled)::INT) AS value
        FROM (SELECT student_id, school_year, sum(days_absent) AS off, sum(days_enrolled) AS enrolled
              FROM {attendance} GROUP BY ALL HAVING sum(days_enrolled) >= 10) GROUP BY ALL ORDER BY school_year""",
    "on_track_9": """
        SELECT school_year, count(*) AS n, avg((credits >= 5 AND failed <= 1)::INT) AS value
        FROM (SELECT e.student_id, e.school_year, coalesce(any_value(credits), 0) AS credits,
                coalesce(any_value(failed), 0) AS failed
              FROM {enrollments} e JOIN {students} s ON s.student_id = e.student_id
                AND s.ninth_grade_year = e.school_year
              LEFT JOIN (SELECT student_id, c.school_year, sum(credits_earned) AS credits,
                   count(*) FILTER (NOT passed AND subject <> 'elective') AS failed
                 FROM {course_results} c JOIN {sections} USING (section_id) GROUP BY ALL) c
                ON c.student_id = e.student_id AND c.school_year = e.school_year
              GROUP BY ALL
              HAVING min(entry_date) <= make_date(e.school_year - 1, 10, 1)
                AND NOT coalesce(bool_or(transfer_documented), false)) GROUP BY ALL ORDER BY school_year""",
    "tested_math": """
        SELECT e.school_year, count(*) AS n, avg((t.student_id IS NOT NULL)::INT) AS value
        FROM {enrollments} e LEFT JOIN (SELECT DISTINCT student_id, school_year FROM {assessments}
             WHERE subject = 'math' AND scale_id <> 'placement_math') t USING (student_id, school_year)
        WHERE grade_level <= 11 AND entry_date <= make_date(e.school_year, 5, 5)
          AND exit_date > make_date(e.school_year, 5, 5) GROUP BY ALL ORDER BY school_year""",
}


def second_way(seed: int) -> pd.DataFrame:
    """Each indicator of one district by year, and what a query of another hand counts."""
    with made(preset="small_district", seed=seed) as path:
        data, folder = open_data(path), Folder(path)
        parts = []
        for name, query in _SECOND.items():
            ours = growth.indicator_series(growth.indicator_table(data, name, ()), name)[["school_year", "n", "value"]]
            parts.append(ours.merge(folder.frame(query), on="school_year", how="outer", suffixes=("", "_second")))
            parts[-1].insert(0, "indicator", name)
    return pd.concat(parts).assign(seed=seed)


# --- Forecasts ------------------------------------------------------------------------------------------------------


def _path(rng: np.random.Generator, lasting: float, drift: float, length: int) -> Floats:
    """A series whose movement lasts by a share, with a straight line under it; one unit of variance a year."""
    walk = np.sqrt(lasting) * rng.normal(size=length).cumsum()
    return walk + np.sqrt(1 - lasting) * rng.normal(size=length) + drift * np.arange(length)


def forecasts(seed: int, draws: int) -> pd.DataFrame:
    """Coverage of 95 % forecast intervals, three years ahead, of six and eight years."""
    rng = np.random.default_rng(seed)
    worlds: dict[str, Callable[[], float]] = {
        "as the method weighs them": lambda: float(rng.choice(trend_forecast.LASTING, p=trend_forecast.BEFOREHAND)),
        "constant with noise": lambda: 0.0,
        "half lasts": lambda: 0.5,
        "random walk": lambda: 1.0,
    }
    rows = []
    for method, drift in (("level", 0.0), ("drift", 0.3)):
        for years in (6, 8):
            for world, lasting in worlds.items():
                hits, width = np.zeros(3), np.zeros(3)
                for _ in range(draws):
                    y = _path(rng, lasting(), drift, years + 3)
                    _, low, high = trend_forecast.predict(y[:years], 3, method).limits()  # type: ignore[arg-type]
                    hits += (low <= y[years:]) & (y[years:] <= high)
                    width += high - low
                rows += [(method, years, world, h + 1, draws, hits[h], width[h]) for h in range(3)]
    return pd.DataFrame(rows, columns=["method", "years", "world", "ahead", "draws", "held", "width"])


SHARES = ((30, 0.9), (30, 0.95), (30, 0.98), (30, 0.99), (100, 0.9), (100, 0.95), (100, 0.98), (100, 0.99),
          (400, 0.9), (400, 0.95), (400, 0.98), (400, 0.99))  # fmt: skip
LATTICE = 1.0
"""With a year's SD below one student the count that comes is one of a few, so no interval can hold exactly 95 %."""


def shares(seed: int, draws: int) -> pd.DataFrame:
    """Coverage of forecasts of shares, one year ahead of eight: chance alone, and log odds that also walk by 0.1."""
    rng = np.random.default_rng(seed)
    rows = []
    for n, p in SHARES:
        for walk in (0.0, 0.1):
            held = still = 0
            width = 0.0
            for _ in range(draws):
                odds = np.log(p / (1 - p)) + walk * rng.normal(size=9).cumsum()
                seen = rng.binomial(n, 1 / (1 + np.exp(-odds))) / n
                if not trend_forecast.moves(seen[:8], "level"):
                    still += 1  # refused
                    continue
                table = pd.DataFrame({"school_year": np.arange(2018, 2026), "value": seen[:8], "n": n})
                said = growth.forecast_series(table, 1).iloc[0]
                held += said.low - 1e-9 <= seen[8] <= said.high + 1e-9
                width += said.high - said.low
            rows.append((n, p, walk, draws, still, held, width))
    return pd.DataFrame(rows, columns=["students", "share", "walk", "draws", "refused", "held", "width"])


# --- Composition and rates ------------------------------------------------------------------------------------------

_SHARE = np.array([[[0.30, 0.10], [0.25, 0.35]], [[0.22, 0.14], [0.20, 0.44]]])
_RATE = np.array([[[0.15, 0.25], [0.20, 0.40]], [[0.12, 0.26], [0.18, 0.34]]])
PARTS = ("g", "h", RATES, "all")


def true_parts() -> dict[str, float]:
    """The parts of the change in the population, by Das Gupta's formulas for two factors, written out."""
    i = np.sqrt(_SHARE / _SHARE.sum(axis=1, keepdims=True) * _SHARE.sum(axis=2, keepdims=True))
    j = np.sqrt(_SHARE / _SHARE.sum(axis=2, keepdims=True) * _SHARE.sum(axis=1, keepdims=True))

    def part(x: Floats, y: Floats, z: Floats) -> float:
        return float(((x[1] - x[0]) * ((y[0] * z[0] + y[1] * z[1]) / 3 + (y[0] * z[1] + y[1] * z[0]) / 6)).sum())

    total = float((_SHARE[1] * _RATE[1] - _SHARE[0] * _RATE[0]).sum())
    return dict(zip(PARTS, (part(i, j, _RATE), part(j, i, _RATE), part(_RATE, i, j), total), strict=True))


def parts(seed: int, draws: int) -> pd.DataFrame:
    """Coverage of the intervals of composition and rates: 1,500 students a year, a third of them in both years."""
    rng, truth = np.random.default_rng(seed), true_parts()
    hits = dict.fromkeys(PARTS, 0)
    for draw in range(draws):
        found = decompose(_two_years(rng), ("g", "h"), (2020, 2021), seed + draw, 400).parts.set_index("part")
        for name in PARTS:
            hits[name] += found.low[name] <= truth[name] <= found.high[name]
    return pd.DataFrame({"part": PARTS, "true": [truth[p] for p in PARTS], "draws": draws, "held": list(hits.values())})


def _two_years(rng: np.random.Generator, n: int = 1500) -> pd.DataFrame:
    """Two years of students; those of both years keep what they are like, so that their values go together."""
    stayed = n // 3
    likely = rng.random((2, n))
    likely[1, :stayed] = likely[0, :stayed]  # the same latent place: same cell quantile and same luck
    luck = rng.random((2, n))
    luck[1, :stayed] = luck[0, :stayed]
    frames = []
    for year in (0, 1):
        cell = np.searchsorted(_SHARE[year].ravel().cumsum(), likely[year])
        value = (luck[year] < _RATE[year].ravel()[cell]).astype(float)
        student = np.r_[np.arange(stayed), 10_000 * (year + 1) + np.arange(n - stayed)]
        frames.append(pd.DataFrame({"student_id": student, "school_year": 2020 + year, "g": cell // 2, "h": cell % 2,
                                    "value": value}))  # fmt: skip
    return pd.concat(frames, ignore_index=True)


# --- Policy dates ---------------------------------------------------------------------------------------------------

EFFECT = -0.03
STUDENTS = 400


def _schools(rng: np.random.Generator, shocks: float) -> Floats:
    """Shares of twelve schools over eight years: own level, trend of the district, shocks of schools and of years."""
    level = -1.0 + 0.3 * rng.normal(size=(12, 1)) - 0.02 * np.arange(8)
    odds = level + 0.05 * rng.normal(size=(12, 8)) + shocks * rng.normal(size=(1, 8))
    return np.asarray(1 / (1 + np.exp(-odds)))


def policies(seed: int, draws: int) -> pd.DataFrame:
    """Coverage and claims: with and without a planted effect, compared and interrupted, years shocked or not."""
    rng = np.random.default_rng(seed)
    names = tuple(f"S{k:02d}" for k in range(12))
    rows: dict[tuple[str, str, str, float], list[float]] = {}
    for _ in range(draws):
        for world, shocks in (("schools differ", 0.0), ("schools differ, years shock all", 0.08)):
            for effect in (0.0, EFFECT):
                p = _schools(rng, shocks)
                for treated in (names[:4], ()):
                    held = p.copy()
                    held[: len(treated) or 12, YEARS >= 2023] += effect
                    seen = rng.binomial(STUDENTS, held) / STUDENTS
                    found = growth.policy_effect(trend_policy.Panel(names, YEARS, seen, ()), FIRST, treated)
                    kind = "compared" if treated else "interrupted"
                    for chance, low, high in zip(found.main.chance, found.main.low, found.main.high, strict=True):
                        cell = rows.setdefault((kind, world, chance, effect), [0, 0, 0])
                        cell[0] += 1
                        cell[1] += low <= effect <= high
                        cell[2] += found.clear
    keys = ["design", "world", "chance", "effect"]
    return pd.DataFrame([(*k, *v) for k, v in rows.items()], columns=[*keys, "draws", "held", "claimed"])


def placebo_district(seed: int) -> dict[str, Any]:
    """One whole synthetic district, in which nothing changed: is a change claimed, with and without a comparison?"""
    with made(preset="small_district", seed=seed) as path:
        data = open_data(path)
        said: dict[str, Any] = {"seed": seed}
        rng = np.random.default_rng(seed)
        for name in ("chronic_absence", "proficient_math", "mobility"):
            panel = growth.school_panel(growth.indicator_table(data, name, ()))
            chosen = tuple(sorted(rng.choice(panel.schools, 5, replace=False)))
            for kind, schools in (("compared", chosen), ("interrupted", ())):
                said[f"{name}, {kind}"] = growth.policy_effect(panel, FIRST, schools).clear
    return said


def one_school(seed: int, draws: int) -> pd.DataFrame:
    """Claims and coverage by schools with one school under the policy and none changed; years go by an AR(1)."""
    rng, years = np.random.default_rng(seed), np.arange(2018, 2026)
    rows = []
    for schools in (12, 20, 40):
        names = tuple(f"S{k:02d}" for k in range(schools))
        for lasting in (0.0, 0.5, 0.8):
            claimed = by_years = held = 0
            for _ in range(draws):
                moved = rng.normal(size=(schools, 1)) * np.ones(8)
                for year in range(1, 8):
                    moved[:, year] = lasting * moved[:, year - 1] + np.sqrt(1 - lasting**2) * rng.normal(size=schools)
                panel = trend_policy.Panel(names, years, 0.7 + 0.02 * moved, ())
                found = growth.policy_effect(panel, FIRST, names[:1])
                inside = (found.main.low <= 0) & (found.main.high >= 0)
                claimed, by_years, held = claimed + found.clear, by_years + ~inside.iloc[0], held + inside.iloc[1]
            rows.append((schools, lasting, draws, by_years, claimed, held))
    return pd.DataFrame(rows, columns=["schools", "lasting", "draws", "by years alone", "claimed", "held"])


# --- The page -------------------------------------------------------------------------------------------------------


def _pooled(work: Callable[[int, int], pd.DataFrame], base: int, draws: int, keys: list[str]) -> pd.DataFrame:
    """Share the draws among blocks of seeds fixed here, and add up."""
    with ProcessPoolExecutor(JOBS) as pool:
        found = pd.concat(pool.map(work, [base + 1000 * b for b in range(BLOCKS)], [draws // BLOCKS] * BLOCKS))
    return found.groupby(keys, sort=False, as_index=False).sum()


def main(districts: range = DISTRICTS, draws: int = DRAWS) -> int:
    """Run the study and write its page."""
    counted = pd.concat([second_way(seed) for seed in list(districts[:3])], ignore_index=True)
    same = bool((counted.n == counted.n_second).all() and np.allclose(counted.value, counted.value_second))
    ahead = _pooled(forecasts, 1, draws, ["method", "years", "world", "ahead"])
    ahead["coverage"], ahead["mean width"] = ahead.held / ahead.draws, ahead.width / ahead.draws
    near = _pooled(shares, 4, draws, ["students", "share", "walk"])
    told = near.draws - near.refused
    near["coverage"], near["mean width"] = near.held / told, near.width / told
    near["SD of a year, students"] = np.sqrt(near.students * near.share * (1 - near.share))
    fine = near["SD of a year, students"] >= LATTICE
    alone = _pooled(one_school, 5, draws, ["schools", "lasting"])
    for column in ("by years alone", "claimed", "held"):
        alone[column] = alone[column] / alone.draws
    alone = alone.rename(columns={"held": "coverage by schools"})
    change = _pooled(parts, 2, draws, ["part"]).assign(true=lambda t: t.part.map(true_parts()))
    change["coverage"] = change.held / change.draws
    policy = _pooled(policies, 3, draws, ["design", "world", "chance", "effect"])
    policy["coverage"], policy["claimed"] = policy.held / policy.draws, policy.claimed / policy.draws
    with ProcessPoolExecutor(JOBS) as pool:
        district = pd.DataFrame(pool.map(placebo_district, districts))
    claims = district.drop(columns="seed")
    fair = ahead[ahead.world == "as the method weighs them"]
    single = ahead[(ahead.world != "as the method weighs them") & (ahead.method == "level")]
    own = policy[(policy.chance == "schools") & ((policy.design == "compared") | (policy.world == "schools differ"))]
    iid = policy[policy.chance == "years"]
    quiet = policy[policy.effect == 0]
    return write(
        "trends",
        "Trends: indicators, parts of a change, forecasts, policy dates",
        [
            f"Three synthetic districts of 8,000 students (seeds {list(districts[:3])}), each indicator counted by the "
            "package and by a SQL query written apart from it:",
            markdown(counted[["seed", "indicator", "school_year", "n", "n_second", "value", "value_second"]]
                     .astype({"school_year": str, "seed": str, "n": int, "n_second": int}), 4),
            f"Forecasts: {draws} series a row; 95 % intervals for the value that comes; widths in standard deviations "
            "of a year's movement. Worlds differ in how much of the movement lasts; *as the method weighs them*: drawn "
            "anew for each series, half of the weight on the random walk and half spread evenly. Under one fixed world "
            "a method that does not know it must hold more often in some and less often in others.",
            markdown(ahead.drop(columns=["held", "width"])),
            f"Forecasts of shares: {draws} series a row of eight years, and the ninth that comes; counts are binomial, "
            "and with a *walk* the log odds move by that much a year besides. *Refused*: all eight years alike, which "
            "tells nothing; coverage is of the others. Where a year's SD is below one student, what comes is one of a "
            "few counts, and no interval can hold exactly 95 %: there the criterion is 93 % or more.",
            markdown(near[["students", "share", "walk", "SD of a year, students", "draws", "refused", "coverage",
                           "mean width"]]),
            f"Composition and rates: {draws} pairs of years of 1,500 students, a third of them in both; 400 bootstrap "
            "samples of students each.",
            markdown(change.drop(columns="held"), 4),
            f"Policy dates: {draws} panels of twelve schools and eight years, 400 students a school and year; with a "
            f"comparison four of the schools were under the policy. Effect planted: {EFFECT}. *Claimed*: both "
            "intervals of the main estimand leave out 0. Intervals by schools do not hold for an interrupted series "
            "where years shock all schools: that is why both are asked for. The limit for false claims was 5 % when "
            "this study was first run; the worst panel had 5.1 % of 2,000, which is what an interval that covers 95 % "
            "gives, so that the limit left no room for chance. It was set to 7 % afterwards, as for coverage.",
            markdown(policy.drop(columns="held")),
            f"One school under the policy and nothing changed: {draws} panels a row of eight years, whose deviations "
            "have a correlation of *lasting* from year to year. *By years alone*: the interval by years leaves out 0, "
            "which was all that was asked before; *claimed*: so do the limits by the school's place among the others. "
            "With fewer than 20 schools these are infinite, so that a change is never claimed.",
            markdown(alone),
            f"Whole synthetic districts (seeds {min(districts)} to {max(districts)}), in which nothing changed; "
            "five schools at random as if under a policy. Claims of a change:",
            markdown(claims.sum().rename_axis("indicator and design").reset_index(name="claims")
                     .assign(districts=len(claims))),
        ],
        {
            "every count and rate equal to the second way": same,
            "forecast intervals cover 93 to 97 % one, two and three years ahead, over the worlds they weigh":
                bool(fair.coverage.between(0.93, 0.97).all()),
            "level forecasts cover 93 to 97 % one year ahead in every single world": bool(
                single[single.ahead == 1].coverage.between(0.93, 0.97).all()
            ),
            "level forecasts cover at least 91 % three years ahead in every single world": bool(
                (single.coverage >= 0.91).all()
            ),
            "forecasts of shares cover 93 to 97 % where a year's SD is one student or more": bool(
                near.coverage[fine].between(0.93, 0.97).all()
            ),
            "forecasts of shares cover at least 93 % where it is less": bool((near.coverage[~fine] >= 0.93).all()),
            "where nothing changed in one school under a policy, a change is claimed in at most 7 % of panels": bool(
                (alone.claimed <= 0.07).all()
            ),
            "with one school of 20 or more, intervals by schools cover at least 93 %": bool(
                (alone["coverage by schools"] >= 0.93).all()
            ),
            "intervals of composition, rates and change cover 93 to 97 %": bool(
                change.coverage.between(0.93, 0.97).all()
            ),
            "policy intervals by schools cover 93 to 97 % beside a comparison, or where years have no shocks": bool(
                own.coverage.between(0.93, 0.97).all()
            ),
            "policy intervals by years cover 93 to 97 %": bool(iid.coverage.between(0.93, 0.97).all()),
            "where nothing changed, a change is claimed in at most 7 % of panels": bool((quiet.claimed <= 0.07).all()),
            "where nothing changed, a change is claimed in at most 10 % of whole synthetic districts": bool(
                claims.to_numpy().mean() <= 0.10
            ),
        },
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
