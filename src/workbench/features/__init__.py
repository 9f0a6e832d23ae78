"""What was known about a student on a given day."""

from workbench.features import activity
from workbench.features.declared import AUDIT, AUDIT_COLUMNS, FEATURES, KEYS, PREDICTORS, ROSTER, Feature
from workbench.features.groups import in_groups
from workbench.features.page import features_page
from workbench.features.roster import roster
from workbench.features.student import student_features

__all__ = [
    "AUDIT",
    "AUDIT_COLUMNS",
    "FEATURES",
    "KEYS",
    "PREDICTORS",
    "ROSTER",
    "Feature",
    "activity",
    "features_page",
    "in_groups",
    "roster",
    "student_features",
]
