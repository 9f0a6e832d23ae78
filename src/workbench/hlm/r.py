"""Where Python meets R: what is asked of a model that lme4 fitted, and the types that go to and fro."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from workbench import machine
from workbench.errors import ModelError

# Sorted levels arrive as an ordered factor, which R would code by polynomials.
UNORDERED = "function(d) { d[] <- lapply(d, function(x) if (is.ordered(x)) factor(x, ordered = FALSE) else x); d }"

# What is asked of a fitted model, in R. Covariance blocks are given in the order of the formula: lme4 itself
# puts the factor with most levels first.
R_QUESTIONS = """list(
  told = function(m) {
    flist <- m@flist
    group <- names(flist)[attr(flist, "assign")]
    blocks <- unname(lapply(unclass(lme4::VarCorr(m)), function(b) matrix(b, nrow(b))))
    bars <- vapply(lme4::findbars(stats::formula(m)), function(b) deparse1(b[[3]]), "")
    levels <- vapply(bars, function(b) nlevels(flist[[b]]), 0L)
    order <- if (any(diff(levels) > 0)) order(rev(order(levels))) else seq_along(levels)
    opt <- m@optinfo
    list(
      beta = lme4::fixef(m), covariance = as.matrix(stats::vcov(m)), loglik = as.numeric(stats::logLik(m)),
      parameters = attr(stats::logLik(m), "df"), n = stats::nobs(m), group = group[order], blocks = blocks[order],
      columns = unname(m@cnms)[order], scale = if (lme4::getME(m, "devcomp")$dims[["useSc"]]) stats::sigma(m)^2,
      singular = lme4::isSingular(m), settled = opt$conv$opt == 0,
      warnings = c(opt$conv$lme4$messages, unlist(opt$warnings)),
      dropped = names(attr(lme4::getME(m, "X"), "col.dropped"))
    )
  },
  modes = function(m) as.data.frame(lme4::ranef(m, condVar = TRUE)),
  levels = function(m) lapply(m@flist, levels),
  degrees = function(m, L) apply(L, 1, function(l) lmerTest::contest1D(m, l)$df),
  linear = function(m) as.numeric(lme4::getME(m, "X") %*% lme4::fixef(m)),
  predict = function(m, data, random) {
    form <- if (random) NULL else NA
    as.numeric(if (is.null(data)) stats::predict(m, re.form = form, type = "response")
      else stats::predict(m, newdata = data, re.form = form, type = "response", allow.new.levels = TRUE))
  },
  simulate = function(m, draws, seed) {
    set.seed(seed)
    if (!lme4::isLMM(m)) return(sapply(stats::simulate(m, draws), function(y) if (is.matrix(y)) y[, 1] else y))
    spherical <- matrix(stats::rnorm(ncol(lme4::getME(m, "Z")) * draws), ncol = draws)
    effects <- as.matrix(lme4::getME(m, "Z") %*% lme4::getME(m, "Lambda") %*% spherical)
    noise <- matrix(stats::rnorm(nrow(effects) * draws), ncol = draws) / sqrt(stats::weights(m))
    stats::predict(m, re.form = NA) + stats::sigma(m) * (effects + noise)
  }
)"""


def _check_thread() -> None:
    if threading.current_thread() is not threading.main_thread():
        raise ModelError("R answers in the main thread only; use engine='native' in a thread of your own.")


def engines() -> tuple[Any, Any, Any]:
    """pymer4's lmer and glmer, and R's families by name."""
    _check_thread()
    try:
        r = machine.start_r()
        from pymer4.tidystats.lmerTest import glmer, lmer
    except Exception as error:
        raise ModelError(
            "engine='lme4' needs R with the packages lme4 and lmerTest, and pymer4 and rpy2 in Python; `make setup` "
            "installs them and `workbench doctor` tells what is missing. engine='native' fits Gaussian models "
            f"without. ({str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__})"
        ) from error
    return lmer, glmer, lambda name: r[name]()


@cache
def _questions() -> Any:
    return machine.start_r()(R_QUESTIONS)


def ask(question: str, model: Any, *arguments: Any) -> Any:
    """Put one of the questions to R; arguments and answers are turned into each other's types here alone."""
    _check_thread()
    return _from_r(_questions().rx2(question)(model, *(to_r(argument) for argument in arguments)))


def to_r(value: Any) -> Any:
    from pymer4.tidystats.bridge import convert_argkwarg_none, numpy2R, polars2R

    if isinstance(value, pd.DataFrame):
        return machine.start_r()(UNORDERED)(polars2R(to_polars(value)))
    return convert_argkwarg_none(numpy2R(value))


def to_polars(frame: pd.DataFrame) -> Any:
    """The frame for pymer4: numbers as they are, all else as a factor whose levels are sorted as the native ones."""
    import polars as pl

    columns = {}
    for name in frame.columns:
        values = frame[name]
        if pd.api.types.is_numeric_dtype(values):
            columns[str(name)] = pl.Series(values.to_numpy(np.float64))
        else:
            code, levels = pd.factorize(values, sort=True)
            labels = [str(level) for level in levels]
            columns[str(name)] = pl.Series([labels[k] for k in code], dtype=pl.Enum(labels))
    return pl.DataFrame(columns)


def _from_r(value: Any) -> Any:
    """Vectors as arrays or lists, a named one as a dict, a data frame as one of pandas, NULL as None."""
    from rpy2 import rinterface as ri
    from rpy2.robjects import vectors

    if value is ri.NULL:
        return None
    if isinstance(value, vectors.DataFrame):
        return pd.DataFrame({name: _from_r(column) for name, column in zip(value.names, value, strict=True)})
    if isinstance(value, vectors.FactorVector):
        return np.array(list(value.levels), dtype=object)[np.asarray(value) - 1]
    if isinstance(value, vectors.Matrix):
        return np.asarray(value)
    named = value.names is not ri.NULL
    items = [_from_r(item) for item in value] if isinstance(value, vectors.ListVector) else list(value)
    return dict(zip(value.names, items, strict=True)) if named else items


def r_table(name: str) -> pd.DataFrame:
    """Return a data frame that an R package carries, such as "lme4::sleepstudy"; factors become strings.

    Raises ModelError where R, lme4 or pymer4 is not installed.
    """
    engines()
    return pd.DataFrame(_from_r(machine.start_r()(f"data.frame(as.list({name}))")))
