"""The command that makes the two groups, and who is said to have a right."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command
from django.template import Context, Template

from django_celery_monitor.access import policy
from django_celery_monitor.access.acts import ACTS, OPERATORS, VIEWERS
from django_celery_monitor.access.who import right_to
from tests.integration.made import superuser
from tests.integration.people import person

pytestmark = pytest.mark.django_db


def said() -> list[str]:
    out = StringIO()
    call_command("celerymonitor_groups", stdout=out)
    return out.getvalue().splitlines()


def rights(name: str) -> set[str]:
    found = Permission.objects.filter(group__name=name)
    return set(found.values_list("codename", flat=True))


def test_both_groups_are_made_with_their_rights() -> None:
    viewers, operators = said()
    assert viewers == (
        "Celery monitor viewers: made; 3 permissions given: "
        "view_collectorrun, view_task, view_worker"
    )
    assert operators.startswith("Celery monitor operators: made; ")
    for name in (VIEWERS, OPERATORS):
        assert rights(name) == {act.codename for act in ACTS if name in act.groups}


def test_viewers_change_nothing_and_read_no_arguments() -> None:
    said()
    assert rights(VIEWERS) < policy.LOOKING - {policy.VIEW_TASK_ARGUMENTS}


def test_a_second_time_changes_nothing_and_says_so() -> None:
    said()
    assert said() == [f"{name}: there already; lacks nothing" for name in (VIEWERS, OPERATORS)]


def test_what_somebody_added_stays_and_what_is_lacking_is_given() -> None:
    said()
    group = Group.objects.get(name=VIEWERS)
    group.permissions.remove(Permission.objects.get(codename="view_task"))
    group.permissions.add(Permission.objects.get(codename="shutdown_worker"))
    assert said()[0] == f"{VIEWERS}: there already; 1 permission given: view_task"
    assert "shutdown_worker" in rights(VIEWERS)


def test_before_the_tables_are_migrated_it_says_what_to_do() -> None:
    Permission.objects.filter(codename="retry_task").delete()
    with pytest.raises(CommandError, match="retry_task yet: run manage"):
        said()
    assert rights(OPERATORS) == set()


# Who may


def test_a_control_says_which_groups_may_use_it() -> None:
    said()
    right = right_to(person("ann"), policy.RETRY_TASK)
    assert (right.allowed, right.reason) == (False, "Who may: Celery monitor operators.")
    right = right_to(person("bob"), policy.VIEW_TASK)
    assert right.reason == "Who may: Celery monitor operators and Celery monitor viewers."
    assert "superusers" in right_to(person("cid"), policy.PURGE_QUEUE).reason
    assert right_to(superuser(), policy.PURGE_QUEUE).allowed


def test_of_very_many_groups_only_some_are_named() -> None:
    permission = Permission.objects.get(codename="retry_task")
    for number in range(7):
        Group.objects.create(name=f"team {number}").permissions.add(permission)
    reason = right_to(person("ann"), policy.RETRY_TASK).reason
    assert reason == "Who may: team 0, team 1, team 2, team 3, team 4 and others."


def test_a_control_is_shown_or_greyed() -> None:
    Group.objects.create(name="<b>").permissions.add(Permission.objects.get(codename="retry_task"))
    source = (
        "{% load celery_monitor_rights %}"
        '{% allowed "retry_task" label="Retry" %}<button>Retry</button>{% endallowed %}'
    )
    template = Template(source)
    assert template.render(Context({"reader": superuser()})) == "<button>Retry</button>"
    greyed = template.render(Context({"reader": person("ann")}))
    assert "<button>" not in greyed
    assert 'aria-disabled="true"' in greyed
    assert 'title="Who may: &lt;b&gt;."' in greyed
