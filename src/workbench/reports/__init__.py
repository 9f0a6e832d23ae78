"""From a params file to reports: the parameter contract, the runner, the ledger and the HTML."""
