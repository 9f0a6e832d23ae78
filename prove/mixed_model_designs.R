# Fits designs with lme4 by both of its optimisers, and evaluates lme4's deviance function where it is told to.
# Called with two files: designs (JSON in) and answers (JSON out); data files are named in the first.
suppressPackageStartupMessages({
  library(lme4)
  library(lmerTest)
})
invisible(Sys.setlocale("LC_COLLATE", "C"))
files <- commandArgs(TRUE)

quietly <- function(expression) suppressMessages(suppressWarnings(expression))

# A native Λ, given by grouping factor with named rows and columns, as lme4's θ: blocks in lme4's order.
theta_of <- function(model, lambda) {
  group <- names(model$reTrms$flist)[attr(model$reTrms$flist, "assign")]
  unlist(Map(function(name, columns) {
    all <- lambda[[name]]
    block <- matrix(unlist(all$L), length(all$columns), byrow = TRUE, dimnames = list(all$columns, all$columns))
    block <- block[columns, columns, drop = FALSE]
    block[lower.tri(block, diag = TRUE)]
  }, group, model$reTrms$cnms))
}

variances_of <- function(fit) {
  table <- as.data.frame(VarCorr(fit))
  list(group = sub("[.][0-9]+$", "", table$grp), term = table$var1, other_term = table$var2, estimate = table$vcov)
}

fitted <- function(design, data, optimizer) {
  control <- lmerControl(optimizer = optimizer)
  arguments <- list(as.formula(design$formula), data, REML = design$method == "REML", control = control)
  if (!is.null(design$weights)) arguments$weights <- data[[design$weights]]
  quietly(do.call(lme4::lmer, arguments))
}

answer <- function(design) {
  data <- read.csv(design$data, stringsAsFactors = TRUE)
  fits <- lapply(c("bobyqa", "Nelder_Mead"), function(o) tryCatch(fitted(design, data, o), error = conditionMessage))
  words <- Filter(is.character, fits)
  if (length(words)) return(list(refused = words[[1]]))
  criterion <- vapply(fits, function(fit) -2 * as.numeric(logLik(fit)), 0)
  best <- fits[[which.min(criterion)]]
  warned <- Filter(function(text) !grepl("singular", text), unlist(best@optinfo$conv$lme4$messages))
  told <- list(
    criterion = criterion, singular = isSingular(best), settled = best@optinfo$conv$opt == 0 && !length(warned),
    term = names(fixef(best)), estimate = unname(fixef(best)), std_error = unname(sqrt(diag(as.matrix(vcov(best))))),
    variances = variances_of(best)
  )
  if (!is.null(design$lambda)) {
    arguments <- list(as.formula(design$formula), data, REML = design$method == "REML")
    if (!is.null(design$weights)) arguments$weights <- data[[design$weights]]
    parts <- quietly(do.call(lFormula, arguments))
    told$at_native <- do.call(mkLmerDevfun, parts)(theta_of(parts, design$lambda))
  }
  if (!told$singular && told$settled) {
    tested <- tryCatch(quietly(as_lmerModLmerTest(best)), error = function(e) NULL)
    if (!is.null(tested)) told$df <- unname(apply(diag(length(told$term)), 1, function(l) contest1D(tested, l)$df))
  }
  told
}

designs <- jsonlite::fromJSON(files[1], simplifyVector = FALSE)
jsonlite::write_json(lapply(designs, answer), files[2], digits = NA, auto_unbox = FALSE, null = "null")
