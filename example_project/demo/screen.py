"""The one screen that tells what runs where."""

from __future__ import annotations

from pathlib import Path

from example_project.demo.plan import Plan, Service, without_password


def screen(plan: Plan, running: list[Service], sign_in_path: str, logs: Path) -> str:
    servers = [
        ("broker", without_password(plan.broker_url)),
        ("results", without_password(plan.results_url)),
        ("database", without_password(plan.database_url)),
        ("logs", str(logs)),
    ]
    rows = [
        *[(service.name, service.about) for service in running],
        ("nobody", "reads the queue partners"),
    ]
    return f"""
  A shop at work, and its monitor

  Sign in   {plan.site}{sign_in_path}
            works once; or as user demo, password demo
  Monitor   {plan.site}/monitor/
  Admin     {plan.site}/admin/

{_table(rows)}

{_table(servers)}

  Every manage.py command uses the same servers. Ctrl-C stops everything.
"""


def _table(rows: list[tuple[str, str]]) -> str:
    return "\n".join(f"  {name:<10}{text}" for name, text in rows)
