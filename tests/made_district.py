"""Tables that two districts' reports publish, made up by hand for the tests of the dashboards: six schools.

Two publications, so that there is one before: the first ends with 2024, the second with 2025. Pacific Islanders are six
students, fewer than may be shown.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import workbench as wb
from workbench.disclosure import published
from workbench.shares import wilson

SCHOOLS = [
    ("D1", "North", "A1", "Alder Elementary", "elementary", 400, 0.30),
    ("D1", "North", "A2", "Birch Elementary", "elementary", 360, 0.32),
    ("D1", "North", "A3", "Cedar Elementary", "elementary", 200, 0.80),
    ("D1", "North", "A4", "Dogwood High", "high", 500, 0.40),
    ("D2", "South", "B1", "Alder Elementary", "elementary", 300, 0.50),
    ("D2", "South", "B2", "Elm High", "high", 440, 0.50),
]
PROFICIENT = {"A1": 0.60, "A2": 0.50, "A3": 0.30, "A4": 0.50, "B1": 0.40, "B2": 0.50}
GROUPS = {("sex", "female"): 0.5, ("sex", "male"): 0.5}
SOURCE = {"data_date": "2025-06-30", "source": "made-up students"}
RUN = "district"


def publish(root: Path) -> None:
    """Publish everything twice below `root`; the environment names its folders while this runs."""
    for number, last in enumerate((2024, 2025), 1):
        output = root / "runs" / f"{RUN}-{number}" / "all"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("WORKBENCH_ROOT", str(root))
            patch.setenv("WORKBENCH_OUTPUT", str(output))
            _stage(last)
            published.commit(RUN, {"all": output}, f"{RUN}-{number}")


def indicators(last: int) -> pd.DataFrame:
    """Return two indicators by year for schools, districts and all; groups and grades of districts and all."""
    rows = []
    for year in range(2023, last + 1):
        for place, members in _places().items():
            n = sum(SCHOOLS[one][5] for one in members)
            for name in ("proficient_math", "chronic_absence"):
                value = sum(SCHOOLS[one][5] * _value(name, SCHOOLS[one][2], year) for one in members) / n
                rows.append((name, str(year), *place, "all", "all", "all", n, round(n * value)))
                if place[1] == "all":
                    rows += [
                        (name, str(year), *place, "all", *g, round(n * s), round(n * s * value))
                        for g, s in GROUPS.items()
                    ]
    return _with_limits(rows)


def of_schools(last: int) -> pd.DataFrame:
    """Return chronic absence of schools by sex, and of a group too small to be shown."""
    rows = []
    for year in range(2023, last + 1):
        for district, _, school, _, _, n, _ in SCHOOLS:
            rate = _value("chronic_absence", school, year)
            for group, share in {("sex", "female"): 0.5, ("sex", "male"): 0.5}.items():
                rows.append(
                    (
                        "chronic_absence",
                        str(year),
                        district,
                        school,
                        "all",
                        *group,
                        round(n * share),
                        round(n * share * rate),
                    )
                )
            rows.append(
                ("chronic_absence", str(year), district, school, "all", "race_ethnicity", "pacific_islander", 6, 2)
            )
    return _with_limits(rows)


def _value(name: str, school: str, year: int) -> float:
    """Proficiency rises by ten points in 2025 at A1 alone; absence stays at a quarter."""
    return 0.25 if name == "chronic_absence" else PROFICIENT[school] - 0.10 * (school == "A1" and year < 2025)


def _places() -> dict[tuple[str, str], list[int]]:
    everywhere = {("all", "all"): list(range(len(SCHOOLS)))}
    districts = {(d, "all"): [i for i, one in enumerate(SCHOOLS) if one[0] == d] for d in ("D1", "D2")}
    return everywhere | districts | {(one[0], one[2]): [i] for i, one in enumerate(SCHOOLS)}


def _with_limits(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    columns = ["indicator", "school_year", "district_id", "school_id", "grade", "group_kind", "group", "n", "count"]
    table = pd.DataFrame(rows, columns=columns)
    low, high = wilson(table["count"], table.n)
    return table.assign(value=table["count"] / table.n, low=low, high=high).drop(columns="count")


def _stage(last: int) -> None:
    keys = ["indicator", "school_year", "district_id", "school_id", "grade", "group_kind", "group"]
    share = {
        "keys": keys,
        "values": ["value", "low", "high"],
        "kinds": dict.fromkeys(["value", "low", "high"], "estimate"),
    }
    wb.publish("indicators", indicators(last), title="Indicators by year", total=None, **share, **SOURCE)
    wb.publish("indicator_by_school", of_schools(last), title="Schools and groups", total=None, **share, **SOURCE)
    names = ["district_id", "district_name", "school_id", "school_name", "level", "n"]
    directory = pd.DataFrame([one[:6] for one in SCHOOLS], columns=names).assign(school_year=str(last))
    shares = ["share_economically_disadvantaged", "share_english_learner", "share_disability"]
    directory[shares] = [[one[6], 0.1, 0.15] for one in SCHOOLS]
    keys = [*names[:5], "school_year"]
    wb.publish(
        "schools",
        directory,
        keys=keys,
        values=shares,
        kinds=dict.fromkeys(shares, "estimate"),
        total=None,
        title="Schools",
        **SOURCE,
    )
    _stage_growth(last)
    _stage_gaps(last)


def _stage_growth(last: int) -> None:
    subjects = [(s, one[2], y, one[5]) for s in ("math", "reading") for one in SCHOOLS for y in range(2023, last + 1)]
    table = pd.DataFrame(subjects, columns=["subject", "school_id", "school_year", "n"])
    high = table.school_id == "A1"
    added = table.assign(
        estimate=1.5 * high, conf_low=1.5 * high - 1, conf_high=1.5 * high + 1, category=high.astype(int)
    )
    _publish("school_value_added", added, ["subject", "school_id", "school_year"], "What schools add")
    newest = table[table.school_year == last]
    grown = newest.assign(mean_percentile=50.0, mean_low=47.0, mean_high=53.0)
    _publish("school_growth_percentiles", grown, ["subject", "school_id", "school_year"], "Growth percentiles")
    track = newest.assign(standing="below the standard a year before", on_track=0.3, conf_low=0.2, conf_high=0.4)
    _publish("school_on_track", track, ["subject", "school_id", "school_year", "standing"], "On track")
    a_year = pd.DataFrame(
        [(one[2], one[3], one[4], one[5]) for one in SCHOOLS], columns=["school", "name", "level", "n"]
    )
    _publish(
        "school_growth",
        a_year.assign(growth=9.0, conf_low=8.5, conf_high=9.5),
        ["school", "name", "level"],
        "Growth a year",
    )
    curve = pd.DataFrame(
        [(g, grade, 500) for g in ("no", "yes") for grade in range(11)], columns=["group", "grade", "n"]
    )
    curve = curve.assign(predicted=100.0 + curve.grade, conf_low=99.0 + curve.grade, conf_high=101.0 + curve.grade)
    _publish("growth_trajectories", curve, ["group", "grade"], "Mean growth curves")
    methods = newest.drop(columns="school_year").assign(
        method="mean score", standardised=0.1, standard_low=-0.2, standard_high=0.4
    )
    _publish("methods_compared", methods, ["school_id", "subject", "method"], "Schools by methods")


def _stage_gaps(last: int) -> None:
    pair = {"subject": "math", "group_kind": "economically_disadvantaged", "group_a": "no", "group_b": "yes", "n": 700}
    limits = {"conf_low": 0.4, "conf_high": 0.6}
    trend = pd.DataFrame({"at": [*range(2023, last + 1), 3, 4]}).assign(**pair, gap=0.5, cohort="all", **limits)
    trend["by"] = ["year" if at > 2000 else "grade" for at in trend["at"]]
    keys = ["subject", "group_kind", "group_a", "group_b"]
    _publish("gap_trend", trend, [*keys, "by", "cohort", "at"], "The gap (V)")
    parts = pd.DataFrame({"part": ["within", "between", "segregation"]}).assign(
        level="high", school_year=last, estimate=0.5, **pair, **limits
    )
    _publish("gap_parts", parts, [*keys, "school_year", "level", "part"], "Where the gap lies")
    groups = pd.DataFrame(
        {"group": ["female", "male"], "group_kind": "sex", "subject": "math", "school_year": last, "n": 900}
    )
    groups = groups.assign(mean_percentile=50.0, mean_low=49.0, mean_high=51.0)
    _publish("group_growth_percentiles", groups, ["group_kind", "group", "school_year", "subject"], "Growth of groups")


def _publish(name: str, table: pd.DataFrame, keys: list[str], title: str) -> None:
    values = [column for column in table.columns if column not in (*keys, "n")]
    wb.publish(
        name,
        table,
        keys=keys,
        values=values,
        kinds=dict.fromkeys(values, "estimate"),
        total=None,
        title=title,
        **SOURCE,
    )
