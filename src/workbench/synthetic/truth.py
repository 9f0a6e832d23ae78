"""The true values behind the synthetic data: every number that a method is asked to recover.

Each field names the public figure that it was set to, where there is one. Figures: NCES Digest of
Education Statistics and Condition of Education (enrolment by race, graduation, programmes), EDFacts
(chronic absence), the 2019 NAEP High School Transcript Study (grades), NAEP 2022 grade 8 (gaps),
Hedges & Hedberg (2007) (school intraclass correlations), Civil Rights Data Collection (suspensions).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from workbench.tables import RACES


@dataclass(frozen=True)
class Truth:
    """Parameters of the generating equations; see `workbench.synthetic` for the equations."""

    # Who: shares of public-school enrolment, order of tables.RACES (NCES, fall 2022, rounded).
    race_shares: tuple[float, ...] = (0.01, 0.055, 0.15, 0.29, 0.05, 0.005, 0.44)
    male_share: float = 0.513
    disability_share: float = 0.15
    alternate_share: float = 0.01
    over_age_share: float = 0.06
    academy_share: float = 0.35

    # Standing: gaps against white students / not in the programme, in SD of standing, net of each other.
    standing_race: tuple[float, ...] = (-0.45, 0.25, -0.55, -0.25, -0.05, -0.40, 0.0)
    standing_male: float = -0.02
    standing_disadvantaged: float = -0.40
    standing_learner: float = -0.45
    standing_disability: float = -0.70
    standing_deviation_sd: float = 0.72
    zone_intake_sd: float = 0.32
    school_intake_sd: float = 0.03
    zone_need_link: float = 0.50

    # Engagement: mean by group, in SD of its within-student deviation, which is AR(1) over terms.
    engagement_race: tuple[float, ...] = (-0.35, 0.25, -0.10, -0.15, -0.05, -0.25, 0.0)
    engagement_male: float = -0.12
    engagement_disadvantaged: float = -0.35
    engagement_disability: float = -0.15
    engagement_persistence: float = 0.92

    # Dropout hazard in a term, log odds; years in high school 1 to 4 (none in a fifth).
    hazard_year: tuple[float, ...] = (-6.45, -5.80, -5.35, -5.35)
    hazard_standing: float = -0.90
    hazard_engagement: float = -1.60
    hazard_over_age: float = 0.50
    hazard_support: float = -0.50
    hazard_school_sd: float = 0.15

    # The support (ninth-grade mentoring): log odds of being assigned, from what the school sees.
    support_base: float = -1.60
    support_placement: float = -0.80
    support_disadvantaged: float = 0.50

    # Leaving and moving, a term.
    transfer_out: float = 0.012
    transfer_disadvantaged: float = 0.006
    transfer_undocumented: float = 0.05
    move_summer: float = 0.05
    move_midyear: float = 0.02

    # Absences: negative binomial, days in a full term of 90.
    absence_log_mean: float = 1.74
    absence_high_school: float = 0.15
    absence_engagement: float = -0.55
    absence_size: float = 3.5

    # Incidents: Poisson, a full term.
    incident_log_mean: float = -3.05
    incident_engagement: float = -0.60
    incident_male: float = 0.45

    # Course grades: ordered probit; cut points F|D|C|B|A. Schools grade more or less evenly: the noise's
    # log SD is the common one plus or minus grade_noise_spread, by turns.
    grade_cuts: tuple[float, ...] = (-2.10, -1.55, -0.82, 0.16)
    grade_standing: float = 0.60
    grade_engagement: float = 0.40
    grade_noise_sd: float = 0.80
    grade_leniency_sd: float = 0.20
    grade_noise_spread: float = 0.55

    # Learning events: negative binomial, a full term, from grade 6; quiz scores are logistic-normal.
    event_engagement: float = 0.35
    event_size: float = 3.0
    quiz_mean: float = 0.90
    quiz_standing: float = 0.40
    quiz_noise_sd: float = 0.90

    # Vertical growth scale, kindergarten to grade 10, each spring.
    curve_math: tuple[float, float, float] = (157.0, 16.5, -0.90)
    curve_reading: tuple[float, float, float] = (153.0, 16.2, -0.95)
    score_sd: float = 15.0
    subject_sd: float = 0.30
    slope_sd: float = 0.70
    school_value_added_sd: float = 0.35
    teacher_value_added_sd: float = 1.60
    teacher_drift: float = 0.90
    value_added_persistence: float = 1.0
    score_error_sd: float = 3.2
    placement_error_sd: float = 0.40
    missing_log_odds: float = -3.10
    missing_engagement: float = -0.60

    def as_dict(self) -> dict[str, Any]:
        """Return all values, with the races named, for answer_key/parameters.json."""
        values = asdict(self)
        for name in ("race_shares", "standing_race", "engagement_race"):
            values[name] = dict(zip(RACES, values[name], strict=True))
        return values


@dataclass(frozen=True)
class Shape:
    """How much to make: how many students, years, districts, and from which grade on."""

    students: int
    years: int
    seed: int
    low_grade: int = 0
    districts: int = 1
    last_year: int = 2025
    events_per_term: float = 8.0
    sorting: float = 0.0
    truth: Truth = field(default_factory=Truth)

    @property
    def first_year(self) -> int:
        return self.last_year - self.years + 1
