"""Who may leave school without a diploma: a study, its models, how good they are, and for whom.

study = wb.dropout.prepare(data="data/synthetic/sample", as_of="2024-01-31")
result = wb.dropout.assess(study)
result.quality
"""

from workbench.dropout import figures
from workbench.dropout.aggregate import RISK_HELP, RISK_KEYS, RISK_KINDS, risk_by_school_group
from workbench.dropout.assess import ATTAINABLE, QUALITY_HELP, Assessment, assess
from workbench.dropout.capacity import CAPACITY_HELP, COST_HELP, at_capacity, capacity_in_words, cost_curve
from workbench.dropout.card import model_card
from workbench.dropout.cohorts import study
from workbench.dropout.detectable import GAPS_HELP, audit_gaps, newcombe, smallest_difference
from workbench.dropout.drift import DRIFT_HELP, drift, profile
from workbench.dropout.explain import Explanation, example_student, explain, of_100, told
from workbench.dropout.fairness import AUDIT_HELP, AUDIT_KINDS, Mitigation, audit, flagged, mitigate, published_audit
from workbench.dropout.later import changed_afterwards, jumps
from workbench.dropout.leakage import LeakageFlag, leakage_flags
from workbench.dropout.metrics import CALIBRATION_HELP
from workbench.dropout.own_table import study_from_table
from workbench.dropout.paired import Paired, auc_interval, delong
from workbench.dropout.prepare import prepare
from workbench.dropout.published_flags import beside_flags, beside_flags_in_words, published_flags
from workbench.dropout.saved import SavedModel, load_model, save_model
from workbench.dropout.study import Study
from workbench.dropout.today import Today, today
from workbench.dropout.tuning import Tuned, tuned
from workbench.dropout.weeks import CURVE_HELP, by_week, totals_study, week_study
from workbench.dropout.when import When, fit_when, when_by_grade, years_seen

__all__ = [
    "ATTAINABLE",
    "AUDIT_HELP",
    "AUDIT_KINDS",
    "CALIBRATION_HELP",
    "CAPACITY_HELP",
    "COST_HELP",
    "CURVE_HELP",
    "DRIFT_HELP",
    "GAPS_HELP",
    "QUALITY_HELP",
    "RISK_HELP",
    "RISK_KEYS",
    "RISK_KINDS",
    "Assessment",
    "Explanation",
    "LeakageFlag",
    "Mitigation",
    "Paired",
    "SavedModel",
    "Study",
    "Today",
    "Tuned",
    "When",
    "assess",
    "at_capacity",
    "auc_interval",
    "audit",
    "audit_gaps",
    "beside_flags",
    "beside_flags_in_words",
    "by_week",
    "capacity_in_words",
    "changed_afterwards",
    "cost_curve",
    "delong",
    "drift",
    "example_student",
    "explain",
    "figures",
    "fit_when",
    "flagged",
    "jumps",
    "leakage_flags",
    "load_model",
    "mitigate",
    "model_card",
    "newcombe",
    "of_100",
    "prepare",
    "profile",
    "published_audit",
    "published_flags",
    "risk_by_school_group",
    "save_model",
    "smallest_difference",
    "study",
    "study_from_table",
    "today",
    "told",
    "totals_study",
    "tuned",
    "week_study",
    "when_by_grade",
    "years_seen",
]
