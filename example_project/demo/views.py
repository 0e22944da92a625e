from __future__ import annotations

from django.contrib.auth import get_user_model, login
from django.contrib.auth.tokens import default_token_generator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache

DEMO_USER = "demo"


def sign_in_path() -> str:
    """The path of a link that signs the demo user in, once."""
    user = get_user_model().objects.get_by_natural_key(DEMO_USER)
    return reverse("sign_in", args=[default_token_generator.make_token(user)])


@never_cache
def sign_in(request: HttpRequest, token: str) -> HttpResponse:
    """Only for a demo on loopback. Any sign-in makes the token void: it covers ``last_login``."""
    user = get_user_model().objects.filter(username=DEMO_USER).first()
    if user is None or not default_token_generator.check_token(user, token):
        return redirect("admin:login")
    login(request, user)
    return redirect("celery_monitor:overview")
