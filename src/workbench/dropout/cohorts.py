"""Cohort-forward study from a data folder: learn from earlier ninth-grade cohorts, test on later ones."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from workbench import features
from workbench.dropout.horizons import Horizon, closes, days_closed, in_words, last_to_close
from workbench.dropout.leakage import leakage_flags
from workbench.dropout.study import OUTCOME, Study
from workbench.errors import BadInput, BadParameter
from workbench.tables import school_year

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from workbench.store import Data

YEARS_IN_HIGH_SCHOOL = 4
AUDITED = ("sex", "race_ethnicity", "economically_disadvantaged", "english_learner", "disability")


def study(data: Data, as_of: date | str, horizon: Horizon = 1, sensitive_predictors: bool = False) -> Study:
    """Return the dropout study of a data folder, as of one day.

    Test: everybody enrolled in high school on `as_of` whose ninth-grade cohort is in its first four
    years. Training: all older cohorts in their first four years, on the same day of earlier years, as
    far as their outcome within `horizon_years` was known by `as_of`. A student belongs to one cohort, so nobody is in
    both, and nothing that happened after `as_of` is learned from. Documented and undocumented
    transfers within the horizon are left out: their outcome is not known. Race, sex and disability
    predict only where `sensitive_predictors` asks for it.
    Raises BadParameter for a day whose outcome is not yet known, BadInput where a part has no case.
    """
    day = _day(as_of)
    end = closes(day, horizon)
    if end.isoformat() > data.last_day:
        latest = last_to_close(_day(data.last_day), horizon)
        raise BadParameter(
            f"as_of is {day} and the horizon {in_words(horizon)}, but these data end on {data.last_day}: "
            f"who left by {end} is not known yet. Choose a day on or before {latest}."
        )
    rows = _labelled(data, [day, *_earlier(data, day, horizon)], horizon)
    first = _first_recent_cohort(day)
    rows = rows[rows.school_year - rows.ninth_grade_year < YEARS_IN_HIGH_SCHOOL]
    recent = rows.ninth_grade_year >= first
    today = rows.as_of == str(day)
    train, test = rows[~recent & ~today], rows[recent & today]
    for name, part in (("test", test), ("training", train)):
        _check_part(name, part, day)
    how = (
        f"Cohort-forward: learned from ninth-grade cohorts up to {first - 1}, as they stood on "
        f"{day:%d %B} of earlier years; tested on cohorts {first} and later as they stood on "
        f"{day:%d %B %Y}, by who had left by {end:%d %B %Y}. No student is in both, and nothing after "
        f"{day:%d %B %Y} was learned from."
    )
    return _study(data, train, test, how, sensitive_predictors, _ceiling(data, day, end, test))


def on_the_roll(data: Data, as_of: date | str, horizon: Horizon = 1, sensitive_predictors: bool = False) -> Study:
    """Return who is to be told a risk on `as_of`, and whom it is learned from: `study`, with the outcome yet to come.

    `test` is everybody enrolled on that day in the first four years of high school and has no column `outcome`;
    `train` are the cohorts that began before any of them, with what was known of them by `as_of`. It is the recipe
    that `study` judges a horizon earlier. Raises BadInput where there is nobody to tell of or to learn from.
    """
    day = _day(as_of)
    first = _first_recent_cohort(day)
    roll = _with_cohort(data, features.student_features(data, features.roster(data, [day]))).to_pandas()
    roll = roll[roll.ninth_grade_year.between(first, school_year(day))].sort_values("student_id")
    if roll.empty:
        raise BadInput(f"Nobody is on the roll of a high school on {day}. Is that a school day within these data?")
    train = _labelled(data, _earlier(data, day, horizon), horizon)
    train = train[
        (train.school_year - train.ninth_grade_year < YEARS_IN_HIGH_SCHOOL) & (train.ninth_grade_year < first)
    ]
    _check_part("training", train, day)
    how = (
        f"Learned from ninth-grade cohorts up to {first - 1}, as they stood on {day:%d %B} of earlier years; told of "
        f"cohorts {first} and later, as they stand on {day:%d %B %Y}: who may leave by "
        f"{closes(day, horizon):%d %B %Y}. What becomes of them is not known yet."
    )
    return _study(data, train, roll.assign(as_of=str(day)), how, sensitive_predictors, None)


def _study(
    data: Data, train: pd.DataFrame, test: pd.DataFrame, how: str, sensitive_predictors: bool, ceiling: Any
) -> Study:
    predictors = features.PREDICTORS + (features.AUDIT_COLUMNS if sensitive_predictors else ())
    declared = {f.name: f for f in (*features.FEATURES, *features.AUDIT)}
    idle = [p for p in predictors if train[p].nunique(dropna=True) < 2]
    predictors = tuple(p for p in predictors if p not in idle)
    left_out = "; ".join(declared[p].words for p in idle)
    return Study(
        title="Leaving school without a diploma",
        outcome_words="left",
        how=how,
        train=train.reset_index(drop=True),
        test=test.reset_index(drop=True),
        id_column="student_id",
        predictors=predictors,
        groups=AUDITED,
        directions={name: declared[name].monotone for name in predictors},
        words={name: declared[name].words for name in predictors},
        ceiling=ceiling,
        flags=tuple(leakage_flags(train[[*predictors]], train[OUTCOME].to_numpy().astype(bool), OUTCOME)),
        notes=(
            *(["Race, sex and disability are among the predictors, as asked."] if sensitive_predictors else []),
            *([f"Left out, for being empty or the same for all learned from: {left_out}."] if idle else []),
        ),
        source=_source(data),
    )


def _first_recent_cohort(day: date) -> int:
    """The ninth-grade cohort that is in its fourth year on a day."""
    return school_year(day) - YEARS_IN_HIGH_SCHOOL + 1


def _source(data: Data) -> str:
    """Whose data these are, for whoever reads a published table."""
    made = data.manifest["provenance"]
    if made.get("made_by") == "workbench synthesize":
        return f"{made['students']:,} synthetic students"
    return str(made.get("source", data.path.name))


def _day(day: date | str) -> date:
    try:
        return day if isinstance(day, date) else date.fromisoformat(day)
    except ValueError as error:
        raise BadParameter(f"The day {day!r} is not a date; write year-month-day, such as 2024-01-31.") from error


def _earlier(data: Data, day: date, horizon: Horizon) -> list[date]:
    """The same day of each earlier year of the data whose horizon had closed by then."""
    first = str(data.enrollments.entry_date.min().execute())[:10]
    return [one for one in days_closed(day, horizon) if str(one) > first]


def _labelled(data: Data, days: list[date], horizon: Horizon) -> pd.DataFrame:
    """Features of everybody on the roll on each day, with what became of them within the horizon."""
    table = features.student_features(data, features.roster(data, days))
    ends = data.outcomes.select("student_id", "status", "outcome_date")
    rows = _with_cohort(data, table.join(ends, "student_id")).to_pandas()
    import pandas as pd

    start = pd.to_datetime(rows.as_of)
    settled = pd.to_datetime(rows.outcome_date)
    ends_on = start.map({pd.Timestamp(one): pd.Timestamp(closes(one, horizon)) for one in days})
    within = (settled > start) & (settled <= ends_on)
    rows["as_of"] = start.dt.strftime("%Y-%m-%d")
    rows[OUTCOME] = (within & rows.status.eq("dropped_out")).astype(int)
    kept = rows[~(within & rows.status.eq("transferred"))]
    return kept.drop(columns=["status", "outcome_date"]).sort_values(["as_of", "student_id"], ignore_index=True)


def _with_cohort(data: Data, table: ibis.Table) -> ibis.Table:
    cohorts = data.students.filter(data.students.ninth_grade_year.notnull()).select("student_id", "ninth_grade_year")
    return table.join(cohorts, "student_id")


def _check_part(name: str, part: pd.DataFrame, day: date) -> None:
    if part.empty:
        raise BadInput(
            f"There are no {name} students for {day}. Is that a school day, and do the data hold cohorts old enough? "
            "Training needs cohorts that began grade 9 at least four years before the test cohorts end."
        )
    if part[OUTCOME].nunique() < 2:
        raise BadInput(
            f"Among the {len(part):,} {name} rows for {day}, {int(part[OUTCOME].sum())} left: "
            "a model needs both students who left and students who stayed. Use more students or another day."
        )


def _ceiling(data: Data, day: date, end: date, test: pd.DataFrame) -> Any:
    from workbench import synthetic

    if not (data.path / "answer_key").is_dir():
        return None
    risks = synthetic.ceiling(data, day, end).reindex(test.student_id)
    return risks.reset_index(drop=True)
