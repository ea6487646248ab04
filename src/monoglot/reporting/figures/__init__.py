"""Figures of the report: functions from numbers to SVG."""
