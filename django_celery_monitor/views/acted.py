"""What an act of one's own came to, told once by the page that follows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse

from django_celery_monitor.access.policy import VIEW_ACTION, User, get_policy
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.models import ControlAction
from django_celery_monitor.reading.audit import Eyes

COOKIE: Final = "celery_monitor_acted"
# Seconds until nobody will open the page any more.
LASTS: Final = 60
# Replies that fit into a toast.
SHOWN: Final = 5

Outcome = ControlAction.Outcome
KINDS: Final[dict[str, str]] = {
    Outcome.REQUESTED: "waiting",
    Outcome.CONFIRMED: "succeeded",
    Outcome.PARTLY: "late",
    Outcome.REFUSED: "failed",
    Outcome.NOBODY_ANSWERED: "lost",
    Outcome.FAILED: "failed",
    Outcome.UNCLEAR: "unknown",
    Outcome.NOT_CONFIRMED: "unknown",
    Outcome.DENIED: "revoked",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """``kind`` is that of its badge; ``url`` empty for who may not see the audit."""

    action: ControlAction
    label: str
    kind: str
    replies: list[tuple[str, str]]
    more: int
    url: str


def answer(request: HttpRequest, action: ControlAction, url: str) -> HttpResponse:
    """Sends people on to a page of ours, which tells what came of it."""
    scripted = request.headers.get("X-Requested-With") == "monitor"
    response = JsonResponse({"url": url}) if scripted else redirect(url)
    response.set_cookie(
        COOKIE, str(action.pk), max_age=LASTS, path=_path(), httponly=True, samesite="Lax"
    )
    return response


def forgetting(response: HttpResponse) -> HttpResponse:
    response.delete_cookie(COOKIE, path=_path(), samesite="Lax")
    return response


def acted(request: HttpRequest) -> Acted | None:
    """Of who asks; nobody is told here what others did."""
    # What only fetches the page anew leaves the word to who loads it.
    number = "" if "X-Requested-With" in request.headers else request.COOKIES.get(COOKIE, "")
    if not (number.isascii() and number.isdigit() and len(number) < 19 and request.user.pk):
        return None
    rows = ControlAction.objects.filter(pk=int(number), user_id=str(request.user.pk))
    action = rows.first()
    return None if action is None else told(request.user, action)


def told(user: User, action: ControlAction) -> Acted:
    may = get_policy().can(user, VIEW_ACTION)
    Eyes(user).see(action)
    said = [(host, _said(reply)) for host, reply in action.replies.items()]
    return Acted(
        action=action,
        label=label_of(action.act),
        kind=KINDS.get(action.outcome, "unknown"),
        replies=said[:SHOWN],
        more=max(len(said) - SHOWN, 0),
        url=reverse("celery_monitor:audit_entry", args=(action.pk,)) if may else "",
    )


def label_of(act: str) -> str:
    """Acts of other versions keep their name."""
    return str(ACTS[act].label) if act in ACTS else act


def _said(reply: dict[str, str]) -> str:
    return reply.get("text") or reply.get("verdict", "")


def _path() -> str:
    return reverse("celery_monitor:overview")
