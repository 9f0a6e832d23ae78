# Student growth percentiles with R's own splines::bs and quantreg::rq, for comparison.
# Rscript growth_percentiles.R <folder> <method>: for each scores-*.csv (current score, then priors, the most recent
# first) and its splines-*.csv (one line a prior: lower boundary, knots, upper boundary) writes percentiles-*.csv.
suppressPackageStartupMessages({library(quantreg); library(splines)})
given <- commandArgs(TRUE)
taus <- (1:100 - 0.5) / 100
for (file in list.files(given[1], "^scores-", full.names = TRUE)) {
  scores <- as.matrix(read.csv(file, header = FALSE))
  places <- as.matrix(read.csv(sub("scores-", "splines-", file), header = FALSE))
  columns <- lapply(seq_len(nrow(places)), function(k) {
    p <- places[k, ]
    bs(scores[, k + 1], knots = p[-c(1, length(p))], Boundary.knots = p[c(1, length(p))])
  })
  design <- cbind(1, do.call(cbind, columns))
  seconds <- system.time(
    fits <- sapply(taus, function(tau) suppressWarnings(rq.fit(design, scores[, 1], tau, method = given[2])$coefficients))
  )[["elapsed"]]
  fitted <- t(apply(round(design %*% fits, 5), 1, sort))
  percentile <- pmin(pmax(rowSums(fitted < scores[, 1]), 1), 99)
  write.table(percentile, sub("scores-", "percentiles-", file), row.names = FALSE, col.names = FALSE)
  cat(seconds, "\n")
}
