"""What people keep of lists."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class SavedView(models.Model):
    """Filters and columns of the list of tasks, under a name."""

    # Not a foreign key: users may be in another database.
    owner = models.CharField(_("owner"), max_length=255)
    name = models.CharField(_("name"), max_length=80)
    # As in the address: see ``filters.url``.
    query = models.TextField(_("query"), blank=True, default="")
    shared = models.BooleanField(_("shared"), default=False)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering = ("name", "id")
        default_permissions = ()
        permissions = (("manage_views", _("Can share views with others")),)
        constraints = (
            models.UniqueConstraint(fields=["owner", "name"], name="dcm_savedview_name"),
        )

    def __str__(self) -> str:
        return self.name
