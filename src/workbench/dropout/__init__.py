"""Who may leave school without a diploma: a study, its models, how good they are, and for whom.

study = wb.dropout.prepare(data="data/synthetic/sample", as_of="2024-01-31")
result = wb.dropout.assess(study)
result.quality
"""

from workbench.dropout import figures
from workbench.dropout.aggregate import RISK_HELP, RISK_KEYS, RISK_KINDS, risk_by_school_group
from workbench.dropout.assess import ATTAINABLE, QUALITY_HELP, Assessment, assess
from workbench.dropout.capacity import CAPACITY_HELP, at_capacity, capacity_in_words
from workbench.dropout.cohorts import study
from workbench.dropout.explain import Explanation, example_student, explain, of_100, told
from workbench.dropout.fairness import AUDIT_HELP, AUDIT_KINDS, Mitigation, audit, flagged, mitigate, published_audit
from workbench.dropout.leakage import LeakageFlag, leakage_flags
from workbench.dropout.metrics import CALIBRATION_HELP
from workbench.dropout.own_table import study_from_table
from workbench.dropout.prepare import prepare
from workbench.dropout.study import Study
from workbench.dropout.today import Today, today

__all__ = [
    "ATTAINABLE",
    "AUDIT_HELP",
    "AUDIT_KINDS",
    "CALIBRATION_HELP",
    "CAPACITY_HELP",
    "QUALITY_HELP",
    "RISK_HELP",
    "RISK_KEYS",
    "RISK_KINDS",
    "Assessment",
    "Explanation",
    "LeakageFlag",
    "Mitigation",
    "Study",
    "Today",
    "assess",
    "at_capacity",
    "audit",
    "capacity_in_words",
    "example_student",
    "explain",
    "figures",
    "flagged",
    "leakage_flags",
    "mitigate",
    "of_100",
    "prepare",
    "published_audit",
    "risk_by_school_group",
    "study",
    "study_from_table",
    "today",
    "told",
]
