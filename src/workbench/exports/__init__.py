"""What is taken along: tables as CSV and XLSX, charts as SVG and PNG, slides as PDF. Plain values in, bytes out.

Who may take what, and the audit line, are the business of the dashboards; here is only how a file is made.
"""
