"""Results of commands as tables and lines for a terminal; one file for each question."""

from monoglot.cli.show.adapted import adapted_table
from monoglot.cli.show.audit import audit_tables
from monoglot.cli.show.comparison import comparison_tables
from monoglot.cli.show.demo import demo_tables
from monoglot.cli.show.evaluation import evaluation_tables
from monoglot.cli.show.explanation import explanation_lines
from monoglot.cli.show.overlap import analysis_tables
from monoglot.cli.show.plan import plan_tables
from monoglot.cli.show.publication import push_lines
from monoglot.cli.show.report import report_lines
from monoglot.cli.show.summary import summary_table
from monoglot.cli.show.task import task_tables

__all__ = [
    "adapted_table",
    "analysis_tables",
    "audit_tables",
    "comparison_tables",
    "demo_tables",
    "evaluation_tables",
    "explanation_lines",
    "plan_tables",
    "push_lines",
    "report_lines",
    "summary_table",
    "task_tables",
]
