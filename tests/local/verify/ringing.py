"""Alarms that ring in the tests' cloud, for what other tests did to it a minute ago."""

from operations.verify.verdicts import Row


def rings(row: Row) -> bool:
    return row.check == "alarms" and "in ALARM" in row.verdict.seen
