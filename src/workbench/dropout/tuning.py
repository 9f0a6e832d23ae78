"""Other settings of the trees, looked for within a budget and kept where they do better on students held out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.dropout.models import TREES, out_of_fold_loss
from workbench.dropout.study import Study
from workbench.errors import BadParameter


@dataclass(frozen=True)
class Tuned:
    """The best `settings` found, for `assess`; their out-of-fold log `loss`, that `before`, and how many `tried`."""

    settings: Mapping[str, Any]
    loss: float
    before: float
    tried: int


def tuned(study: Study, seconds: float, trials: int = 100, seed: int = 0) -> Tuned:
    """Look for settings of least out-of-fold log loss on the training rows, by Optuna (Akiba et al. 2019).

    The settings in use are tried first, whatever the budget, so what is returned is not worse on these folds. No trial
    begins after `seconds`; where `trials` are done before, the same seed gives the same answer. The test rows
    are never looked at. Raises BadParameter for a budget of nothing.
    """
    import optuna

    if not (seconds > 0 and trials > 0):
        raise BadParameter(f"seconds is {seconds} and trials {trials}; both must be more than 0.")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    search = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    search.enqueue_trial({name: TREES[name] for name in _RANGES})

    def loss(trial: optuna.Trial) -> float:
        return out_of_fold_loss(study, study.train, seed, {**TREES, **_suggested(trial)})

    began = time.monotonic()
    search.optimize(loss, n_trials=1)
    left = seconds - (time.monotonic() - began)
    if trials > 1 and left > 0:
        search.optimize(loss, n_trials=trials - 1, timeout=left)
    return Tuned({**TREES, **search.best_params}, search.best_value, search.trials[0].value, len(search.trials))


_RANGES: Mapping[str, tuple[float, float, bool]] = {  # lowest, highest, and whether equal factors count alike
    "learning_rate": (0.01, 0.2, True),
    "subsample": (0.3, 1.0, False),
    "colsample_bytree": (0.2, 1.0, False),
    "reg_lambda": (0.5, 50.0, True),
    "max_depth": (1, 5, False),
    "min_child_weight": (1, 30, True),
}


def _suggested(trial: Any) -> dict[str, Any]:
    return {
        name: (trial.suggest_int if isinstance(low, int) else trial.suggest_float)(name, low, high, log=log)
        for name, (low, high, log) in _RANGES.items()
    }
