"""What students do online in a course: events to daily sums to features of any day.

wb.features.activity.features_from_events(data.events, as_of="2024-11-30")

daily = wb.features.activity.daily_sums(data.events)  # kept, where every night or many days are asked for
wb.features.activity.course_features(daily, as_of="2024-11-30")
"""

from workbench.features.activity.course import course_features, features_from_events
from workbench.features.activity.daily import daily_sums, each_once
from workbench.features.activity.declared import ACTIVITY, WEIGHTS
from workbench.features.activity.doubts import doubts
from workbench.features.activity.kept import read_daily, update_daily

__all__ = [
    "ACTIVITY",
    "WEIGHTS",
    "course_features",
    "daily_sums",
    "doubts",
    "each_once",
    "features_from_events",
    "read_daily",
    "update_daily",
]
