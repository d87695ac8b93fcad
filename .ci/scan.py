"""Runs checkov and judges what it says. Usage: scan.py CHECKOV."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

TARGETS = (
    (("-d", "infra"), ("bicep", "secrets")),
    (("-f", "Dockerfile"), ("dockerfile", "secrets")),
    (("-f", "infra/collector/Dockerfile"), ("dockerfile", "secrets")),
)


def main(checkov: str) -> int:
    """0 when every check passed or says why it was skipped, and nothing was passed over."""
    wrong: list[str] = []
    for target, frameworks in TARGETS:
        command = [checkov, *target, "--framework", *frameworks, "--skip-download", "-o", "json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wrong += [line for line in done.stderr.splitlines() if "[ERROR" in line]
        found = json.loads(done.stdout)
        reports: list[dict[str, Any]] = found if isinstance(found, list) else [found]
        for report in reports:
            wrong += _judged(report)
        if frameworks[0] not in {report.get("check_type") for report in reports}:
            wrong.append(f"{target[1]} was not scanned: {done.stdout[:200]} {done.stderr[-400:]}")
    print("\n".join(wrong) if wrong else "infrastructure scan: nothing failed")
    return 1 if wrong else 0


def _judged(report: dict[str, Any]) -> list[str]:
    if "results" not in report:  # nothing to be found, says checkov, without a report
        return []
    passed, skipped, failed, unread = (
        report["results"][kind]
        for kind in ("passed_checks", "skipped_checks", "failed_checks", "parsing_errors")
    )
    print(f"{report['check_type']}: {len(passed)} passed, {len(skipped)} skipped, {len(failed)} failed")
    return [
        *(f"could not be read: {path}" for path in unread),
        *(f"failed: {_said(check)}" for check in failed),
        *(f"skipped without a reason: {_said(check)}" for check in skipped if not _why(check)),
    ]


def _why(check: dict[str, Any]) -> str:
    return str(check["check_result"].get("suppress_comment") or "").strip()


def _said(check: dict[str, Any]) -> str:
    return f"{check['check_id']} {check['check_name']} ({check['file_path']}, {check['resource']})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
