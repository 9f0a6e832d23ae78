report <- function(...) {
  stop("The R package 'report' is not installed. In R, type: install.packages(\"report\")", call. = FALSE)
}
