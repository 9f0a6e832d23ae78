"""The ceilings: calibrated, the oracle above, indifferent to the future, and right where it can be worked out."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from workbench import synthetic
from workbench.store import Data, open_data
from workbench.synthetic import Truth
from workbench.synthetic.calendar import passed, term

AS_OF, UNTIL = "2024-01-31", "2025-01-31"


@pytest.fixture(scope="module")
def risks(high: Data) -> pd.DataFrame:
    return synthetic.ceiling(high, AS_OF, UNTIL)


def test_there_is_one_risk_a_high_school_student_on_the_roll(high: Data, risks: pd.DataFrame) -> None:
    rows = high.enrollments.to_pandas()
    day = pd.Timestamp(AS_OF)
    there = (pd.to_datetime(rows.entry_date) <= day) & ~(pd.to_datetime(rows.exit_date) <= day)
    assert sorted(risks.index) == sorted(rows.student_id[there])
    assert risks.min().min() >= 0
    assert risks.max().max() < 1


def test_risks_are_calibrated(high: Data, risks: pd.DataFrame) -> None:
    """Among those who did not transfer away, as many leave as the risks say, in every band, for both ceilings."""
    outcome = high.outcomes.to_pandas().set_index("student_id").reindex(risks.index)
    when = pd.to_datetime(outcome.outcome_date)
    within = (when > AS_OF) & (when <= "2025-01-31")
    stayed = ~(within & outcome.status.eq("transferred"))
    left = (within & outcome.status.eq("dropped_out"))[stayed]
    for name in ("oracle", "attainable"):
        risk = risks[name][stayed]
        for _, band in left.groupby(pd.qcut(risk.rank(method="first"), [0, 0.5, 0.8, 0.95, 1])):
            p = risk[band.index]
            assert abs(band.sum() - p.sum()) < 3.5 * np.sqrt((p * (1 - p)).sum())


def test_the_oracle_sees_more(risks: pd.DataFrame, study: Any) -> None:
    expected = study("synthetic_marginals").expected_auc
    oracle, attainable = expected(risks.oracle), expected(risks.attainable)
    assert oracle > attainable + 0.005
    assert 0.82 <= attainable <= 0.88


def test_the_attainable_risk_is_the_mean_of_the_oracle_s(risks: pd.DataFrame) -> None:
    """E[oracle | attainable] = attainable: the tower property, band by band."""
    bands = pd.qcut(risks.attainable.rank(method="first"), 5)
    for _, band in risks.groupby(bands):
        apart = band.oracle - band.attainable
        assert abs(apart.mean()) < 3.5 * apart.std() / np.sqrt(len(band))


def test_a_finer_lattice_changes_next_to_nothing(high: Data, risks: pd.DataFrame, study: Any) -> None:
    expected = study("synthetic_marginals").expected_auc
    fine = synthetic.ceiling(high, AS_OF, UNTIL, spacing=0.15)
    assert abs(expected(fine.attainable) - expected(risks.attainable)) < 0.0005
    possible = (risks > 0).all(axis=1)  # nobody leaves in a fifth year
    fine, coarse = fine[possible], risks[possible]
    apart = np.log(fine / (1 - fine)) - np.log(coarse / (1 - coarse))
    assert apart.abs().mean().max() < 0.01


def test_nothing_after_the_day_is_looked_at(high: Data, risks: pd.DataFrame, tmp_path: Path) -> None:
    """All later years are cut out of the data and the later terms out of the key: the same risks."""
    path = tmp_path / "cut"
    shutil.copytree(high.path, path)
    for file in path.glob("*/year-2025.parquet"):
        pq.write_table(pq.read_table(file).slice(0, 0), file)
    for name, column in (("course_results", "posted_date"), ("attendance", "end_date"), ("assessments", "test_date")):
        file = path / name / "year-2024.parquet"
        rows = pq.read_table(file)
        pq.write_table(rows.filter(rows.column(column).cast("string").to_pandas().le(AS_OF).to_numpy()), file)
    for name, column in (("discipline", "incident_date"), ("events", "timestamp")):
        file = path / name / "year-2024.parquet"
        rows = pq.read_table(file)
        pq.write_table(rows.filter(rows.column(column).cast("string").to_pandas().le(AS_OF + " 24").to_numpy()), file)
    # the folder was cut by hand, so its checksums no longer hold; the ceiling reads the files themselves
    cut = synthetic.ceiling(Data(path, "duckdb", high.manifest, high.connection), AS_OF, UNTIL)
    pd.testing.assert_frame_equal(cut, risks, rtol=1e-9)


def test_a_day_in_the_middle_of_a_term_works(high: Data, study: Any) -> None:
    expected = study("synthetic_marginals").expected_auc
    middle = synthetic.ceiling(high, "2023-11-20", "2024-11-20")
    assert 0.80 <= expected(middle.attainable) <= 0.90
    short = synthetic.ceiling(high, "2023-11-20", "2024-05-20")
    shared = short.index
    assert (short.oracle <= middle.oracle[shared] + 1e-9).all()


def test_without_records_the_risk_is_that_of_the_equations(tmp_path: Path) -> None:
    """Of a newcomer nothing is recorded on the first day: the risk is the mean over what is latent.

    Half a million newcomers alike in what is known are drawn from the equations and sent through a year.
    """
    data = open_data(
        synthetic.write(tmp_path / "data", students=3_000, years=2, seed=3, low_grade=9, events_per_term=1)
    )
    risks = synthetic.ceiling(data, term(2025, 0).start, date(2025, 9, 1))
    key = pd.read_parquet(data.path / "answer_key/students.parquet").set_index("student_id").reindex(risks.index)
    facts = data.students.to_pandas().merge(data.programs.filter(data.programs.school_year == 2025).to_pandas())
    facts = facts.set_index("student_id").reindex(risks.index)
    seen = set(data.enrollments.filter(data.enrollments.school_year == 2024).student_id.to_pandas())
    new = ~risks.index.isin(seen) & (facts.race_ethnicity == "white") & ~facts.english_learner
    newcomers = risks.index[new & facts.ninth_grade_year.isin([2022, 2023, 2024])][:3]
    assert len(newcomers) == 3
    for student in newcomers:
        year = 2025 - int(facts.ninth_grade_year[student]) + 1
        simulated = _leaves_in_a_year(key.loc[student], year, bool(facts.economically_disadvantaged[student]))
        assert risks.attainable[student] == pytest.approx(simulated, rel=0.05)


def _leaves_in_a_year(student: pd.Series, year: int, need: bool, n: int = 500_000) -> float:
    """Share who leave in two terms of a year of high school, among those who do not transfer away."""
    truth, rng = Truth(), np.random.default_rng(1)
    ended = (8 + year - 3 + 1) / 11  # services end in a grade from 3 to 13, evenly
    learner = rng.random(n) < 0.02 * ended / (0.98 + 0.02 * ended)
    known = student.standing - student.standing_deviation - truth.standing_learner * student.ever_learner
    theta = known + truth.standing_learner * learner + rng.normal(0, truth.standing_deviation_sd, n)
    d, there, left = rng.normal(size=n), np.ones(n, bool), np.zeros(n, bool)
    for index in (0, 1):
        if index:
            d = truth.engagement_persistence * d + np.sqrt(1 - truth.engagement_persistence**2) * rng.normal(size=n)
        log_odds = truth.hazard_year[year - 1] + truth.hazard_standing * theta + student.known_hazard
        log_odds = log_odds + truth.hazard_engagement * (student.engagement_mean + d)
        drops = there & (rng.random(n) < 1 / (1 + np.exp(-log_odds)))
        left |= drops
        there &= ~drops & (rng.random(n) >= truth.transfer_out + truth.transfer_disadvantaged * need)
    return float(left.sum() / (left.sum() + there.sum()))


def test_the_calendar_counts_days() -> None:
    fall = term(2024, 0)
    assert (fall.start.isoformat(), fall.end.isoformat(), fall.length) == ("2023-09-01", "2024-01-31", 152)
    assert passed(fall, fall.start) == 0
    assert passed(fall, fall.end) == 1
    assert passed(term(2024, 1), fall.end) == 0
