"""A study from a person's own table: one row a student, a column that tells the outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.dropout.leakage import leakage_flags
from workbench.dropout.study import OUTCOME, Study
from workbench.errors import BadInput, BadParameter
from workbench.sources.flat import read_table
from workbench.sources.outcome import outcome

if TYPE_CHECKING:
    import pandas as pd

MOST_VALUES = 60
FEWEST_TO_JUDGE = 100


def study_from_table(
    table: str,
    outcome_column: str,
    *,
    positive_values: Sequence[str] | str | None = None,
    id_column: str | None = None,
    cohort_column: str | None = None,
    test_cohorts: Sequence[str] = (),
    sensitive_columns: Sequence[str] = (),
    leave_out: Sequence[str] = (),
    sensitive_predictors: bool = False,
) -> Study:
    """Return the study of a flat CSV or Parquet file.

    With a cohort column, training is on the earlier cohorts and testing on `test_cohorts` (left out:
    the last one in order); whoever appears in a test cohort is dropped from training. Without, the
    assessment is by repeated stratified folds. Sensitive columns are for auditing and do not predict
    unless `sensitive_predictors`. Text columns of more than 60 values, and whole numbers that differ in
    every row of a table of 100 or more, are left out and named.
    Raises BadInput and BadParameter that name the column and what to do.
    """
    read = read_table(table)
    frame = read.frame
    for column in (id_column, cohort_column, *sensitive_columns, *leave_out):
        _check_column(frame, column, table)
    positive = outcome(frame, outcome_column, positive_values)
    held_back = {outcome_column, id_column, cohort_column, *leave_out, None}
    if not sensitive_predictors:
        held_back |= set(sensitive_columns)
    candidates = [c for c in frame.columns if c not in held_back and frame[c].nunique(dropna=True) > 1]
    many = [c for c in candidates if frame[c].dtype.kind not in "biuf" and frame[c].nunique() > MOST_VALUES]
    identifiers = [c for c in candidates if c not in many and _tells_rows_apart(frame[c])]
    predictors = tuple(c for c in candidates if c not in (*many, *identifiers))
    if not predictors:
        raise BadInput(
            f"{table} has no column left to predict from, after the outcome, identifiers and left-out columns."
        )
    rows = frame.assign(**{OUTCOME: positive.astype(int)})
    train, test, how = _split(rows, id_column, cohort_column, test_cohorts)
    return Study(
        title=f"Predicting {outcome_column}",
        outcome_words=_words(outcome_column, positive_values),
        how=how,
        train=train,
        test=test,
        id_column=id_column,
        predictors=predictors,
        groups=tuple(sensitive_columns),
        words={name: name.replace("_", " ") for name in predictors},
        flags=tuple(leakage_flags(frame[[*candidates]], positive, outcome_column)),
        source=read.path.name,
        notes=(
            f"The file was read as {', '.join(read.notes)}.",
            *(f"{c} is left out: text with {frame[c].nunique():,} different values." for c in many),
            *(f"{c} is left out: a whole number of its own in every row is an identifier." for c in identifiers),
        ),
    )


def _tells_rows_apart(values: pd.Series[Any]) -> bool:
    """Whether a column of a large table holds a different whole number in every row."""
    if len(values) < FEWEST_TO_JUDGE or values.dtype.kind not in "iuf" or values.nunique() < len(values):
        return False
    return bool((values % 1 == 0).all())


def _check_column(frame: pd.DataFrame, column: str | None, table: str) -> None:
    if column is not None and column not in frame.columns:
        raise BadParameter(f"{table} has no column {column!r}. It has: {', '.join(map(str, frame.columns))}.")


def _words(column: str, positive: Sequence[str] | str | None) -> str:
    if positive is None:
        return column
    return f"{column} {positive}" if isinstance(positive, str) else f"{column}: {' or '.join(positive)}"


def _split(
    rows: pd.DataFrame, id_column: str | None, cohort_column: str | None, test_cohorts: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame | None, str]:
    if cohort_column is None:
        return rows, None, (
            "No cohort was named, so the study cannot be judged forward in time: it uses repeated stratified folds, "
            "which is kinder to a model than the future is."
        )  # fmt: skip
    cohort, known = _in_order(rows[cohort_column])
    chosen = [str(c) for c in test_cohorts] or known[-1:]
    if unknown := [c for c in chosen if c not in known]:
        raise BadParameter(
            f"test_cohorts names {', '.join(unknown)}; column {cohort_column!r} holds {', '.join(known)}."
        )
    testing = cohort.isin(chosen)
    later = ~testing & cohort.map(known.index).gt(min(map(known.index, chosen)))
    again = rows[id_column].isin(rows.loc[testing, id_column]) if id_column else testing & False
    train, test = rows[~testing & ~later & ~again], rows[testing]
    for name, part in (("training", train), ("test", test)):
        if part.empty or part[OUTCOME].nunique() < 2:
            raise BadInput(
                f"The {name} cohorts hold {len(part):,} rows and {int(part[OUTCOME].sum()):,} cases; "
                "both cases and others are needed. Choose other test_cohorts."
            )
    dropped = int((~testing & ~later & again).sum())
    learned = [c for c in known if (cohort[train.index] == c).any()]
    how = (
        f"Cohort-forward: learned from {cohort_column} {', '.join(learned)}; tested on "
        f"{', '.join(chosen)}. {dropped:,} earlier rows of people who are also in the test were left out of training."
    )
    return train.reset_index(drop=True), test.reset_index(drop=True), how


def _in_order(column: pd.Series[str]) -> tuple[pd.Series[str], list[str]]:
    """Cohorts as text, and the different ones from the earliest to the latest: numbers by size, text by letter."""
    import pandas as pd

    if empty := int(column.isna().sum()):
        raise BadInput(
            f"Column {column.name!r} names the cohort, but is empty in {empty:,} rows, the first of them row "
            f"{int(column.isna().to_numpy().argmax()) + 1}. Fill it in, or leave these rows out of the file."
        )
    number = pd.to_numeric(column, errors="coerce")
    if number.notna().all():
        text = number.map(lambda value: f"{value:.15g}")
        return text, [f"{value:.15g}" for value in sorted(number.unique())]
    text = column.astype(str)
    return text, sorted(text.unique())
