"""Users with exactly the rights a test needs."""

from __future__ import annotations

from django.contrib.auth.models import Permission, User
from django.test import Client


def person(name: str, *codenames: str, staff: bool = False) -> User:
    user = User.objects.create_user(name, password="secret", is_staff=staff)
    permissions = Permission.objects.filter(codename__in=codenames)
    assert len(permissions) == len(codenames)
    user.user_permissions.set(permissions)
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
