"""Every feature, declared once: for the model, for docs/features.md and for the reasons a counsellor reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

KEYS = ("student_id", "as_of")
ROSTER = ("student_id", "as_of", "school_id", "school_year", "grade_level")


@dataclass(frozen=True)
class Feature:
    """One number known about a student on a day.

    `words` is how a counsellor would say it; `monotone` is the expected direction: +1 where a higher
    value goes with a higher risk of dropping out, -1 where it goes with a lower one, 0 where theory
    does not say. `source` names the table it is computed from; `nothing` is its value for a student
    of whom that table holds no record: 0 for a count, missing for everything else.
    """

    name: str
    help: str
    unit: str
    words: str
    monotone: Literal[-1, 0, 1]
    source: str
    nothing: float | None = None

    def say(self, value: object) -> str:
        """The feature with a value as a counsellor would say it: shares in per cent, 0 or 1 in words."""
        if value is None or value != value:
            return f"{self.words}: not known"
        if not isinstance(value, (int, float)):
            return f"{self.words}: {value}"
        if self.unit == "0 or 1":
            return self.words if value else f"not {self.words}"
        return f"{self.words}: {self.number(value)}"

    def number(self, value: float) -> str:
        """A value as a counsellor would say it: a share in per cent, a standardised score against the mean."""
        if self.unit.startswith("share of"):
            return f"{100 * value:.0f} %"
        if self.unit == "standard deviations":
            return f"{abs(value):.1f} SD {'above' if value > 0 else 'below'} the mean"
        return f"{value:.3g}"


# fmt: off
FEATURES: tuple[Feature, ...] = (
    Feature("attendance_last_term", "days present ÷ days enrolled in the newest term known",
            "share of days", "attendance in the last finished term", -1, "attendance"),
    Feature("attendance_year", "days present ÷ days enrolled in the terms that ended in the last 365 days",
            "share of days", "attendance over the last year", -1, "attendance"),
    Feature("attendance_change", "attendance in the newest term known minus attendance over all terms before it",
            "difference of shares", "change in attendance compared with earlier terms", -1, "attendance"),
    Feature("absence_history", "days absent ÷ days enrolled in the terms that ended more than a year ago",
            "share of days", "absence in earlier years", 1, "attendance"),
    Feature("chronic_absence", "1 where 10 % or more of the enrolled days of the last 365 days were missed, else 0",
            "0 or 1", "chronically absent over the last year", 1, "attendance"),
    Feature("school_attendance_year",
            "days present ÷ days enrolled of everybody at the student's school, terms that ended in the last 365 days",
            "share of days", "attendance at the student's school", -1, "attendance"),
    Feature("incidents_year", "recorded incidents in the last 365 days",
            "incidents", "discipline incidents in the last year", 1, "discipline", 0),
    Feature("incidents_ever", "recorded incidents so far",
            "incidents", "discipline incidents so far", 1, "discipline", 0),
    Feature("days_removed_year", "days out of class for incidents of the last 365 days",
            "days", "days suspended in the last year", 1, "discipline", 0),
    Feature("gpa_last_term", "grade points weighted by credits attempted, newest term with a posted grade",
            "points, 0 to 4", "grade average in the last term", -1, "course_results"),
    Feature("gpa_all", "grade points weighted by credits attempted, all terms known",
            "points, 0 to 4", "grade average so far", -1, "course_results"),
    Feature("gpa_change", "grade average of the newest term known minus that of all terms before it",
            "points", "change in grades compared with earlier terms", -1, "course_results"),
    Feature("grade_spread", "standard deviation of the grade points of all courses so far, each course counting once",
            "points", "how much grades differ between courses", 0, "course_results"),
    Feature("courses_last_term", "courses with a grade in the newest term known",
            "courses", "courses taken in the last term", 0, "course_results", 0),
    Feature("courses_failed_last_term", "courses not passed in the newest term known",
            "courses", "courses failed in the last term", 1, "course_results", 0),
    Feature("courses_failed_ever", "courses not passed so far",
            "courses", "courses failed so far", 1, "course_results", 0),
    Feature("credits_earned_share", "credits earned ÷ credits attempted so far",
            "share of credits", "share of attempted credits earned", -1, "course_results"),
    Feature("math_score_z",
            "newest mathematics score, standardised among the scores known that day of the same scale, grade and year",
            "standard deviations", "latest mathematics test score", -1, "assessments"),
    Feature("reading_score_z", "newest reading score, standardised in the same way",
            "standard deviations", "latest reading test score", -1, "assessments"),
    Feature("mean_score_z", "mean of all scores known, each standardised in the same way",
            "standard deviations", "test scores over the years", -1, "assessments"),
    Feature("schools_3_years", "different schools attended in the last 1,095 days",
            "schools", "schools attended in the last three years", 1, "enrollments"),
    Feature("late_entry",
            "1 where the student first entered this school more than 14 days after that year began there, else 0",
            "0 or 1", "joined this school in the middle of a school year", 1, "enrollments"),
    Feature("grade_level", "grade on that day", "grade", "grade", 0, "enrollments"),
    Feature("years_since_grade_9", "school year of that day minus the school year of first entry into grade 9",
            "years", "years since starting grade 9", 0, "students"),
    Feature("behind_cohort", "1 where the grade is lower than the year of entry into grade 9 implies, else 0",
            "0 or 1", "has repeated a grade since starting grade 9", 1, "students"),
    Feature("years_over_age",
            "age minus the age usual in the grade (5.5 years plus the grade on 1 September of the school year)",
            "years", "age compared with the usual age in the grade", 1, "students"),
    Feature("economically_disadvantaged", "1 where eligible for meal assistance in the school year, else 0",
            "0 or 1", "eligible for meal assistance", 1, "programs"),
    Feature("english_learner", "1 where English-learner services are received in the school year, else 0",
            "0 or 1", "receives English-learner services", 0, "programs"),
    Feature("events_60_days", "learning events in the last 60 days",
            "events", "online learning activity in the last two months", -1, "events", 0),
    Feature("active_days_60", "days with a learning event in the last 60 days",
            "days", "days active online in the last two months", -1, "events", 0),
    Feature("days_since_event", "days since the last learning event, at most 365",
            "days", "days since last active online", 1, "events"),
    Feature("events_change", "learning events in the last 60 days minus those in the 60 days before",
            "events", "change in online learning activity", -1, "events", 0),
    Feature("quiz_score", "mean result of all scored learning events so far",
            "share of the maximum", "quiz results so far", -1, "events"),
    Feature("supports_assigned", "supports assigned so far",
            "supports", "supports received so far", 0, "interventions", 0),
)
# fmt: on

# fmt: off
AUDIT: tuple[Feature, ...] = (
    Feature("sex", "as reported to the agency", "category", "sex", 0, "students"),
    Feature("race_ethnicity", "federal seven categories", "category", "race or ethnicity", 0, "students"),
    Feature("disability", "1 where the student has an individualised education programme in the school year, else 0",
            "0 or 1", "has an individualised education programme", 0, "programs"),
)
# fmt: on

PREDICTORS: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
AUDIT_COLUMNS: tuple[str, ...] = tuple(feature.name for feature in AUDIT)
