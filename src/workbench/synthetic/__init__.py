"""Synthetic education data with an answer key.

Two latent things move a student: standing θ (fixed) and engagement e(t) (a group mean plus a
deviation that is AR(1) over terms). Everything recorded depends on them, and so does dropping out:

    θ = intake[school] + gaps + N(0, 0.72²)         e(t) = mean(group) + d(t), d AR(1), sd 1
    dropout in a term    logit h = a[year] − 0.90 θ − 1.60 e(t) + school + 0.5 over-age − 0.5 support
    absences             NegBin(share · exp(1.74 + 0.15 [high school] − 0.55 e), size 3.5)
    incidents            Poisson(share · exp(−3.05 − 0.60 e + 0.45 [male]))
    learning events      NegBin(share · events_per_term · exp(0.35 e), size 3)
    letter grade         cut(0.60 θ + 0.40 e + leniency + N(0, s²)), s 0.46 or 1.39 by school
    growth test          curve(grade) + 15 (θ + subject) + slope (grade − 5) + value added + N(0, SE²)

All true values are fields of `Truth`, each with the public figure it was set to; every drawn one
(each student's θ, e(t) and hazard, school and teacher effects, true scores) stands in `answer_key/`
beside the data. A naive comparison of supported with other students is biased against the support:
schools give it to students with a low placement score; given placement and need it is ignorable and
lowers the log odds of dropping out by 0.5 a term from the spring of grade 9.
"""

from workbench.synthetic.ceiling import ceiling
from workbench.synthetic.generate import PRESETS, Shape, Synthetic, Truth, generate, write

__all__ = ["PRESETS", "Shape", "Synthetic", "Truth", "ceiling", "generate", "write"]
