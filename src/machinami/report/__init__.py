"""The report: one HTML file that says what was found, how well it holds, and what it rests on."""

from machinami.report.build import ReportResult, build_report, findings_of, report_inputs

__all__ = ["ReportResult", "build_report", "findings_of", "report_inputs"]
