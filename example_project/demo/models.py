from __future__ import annotations

from django.db import models


class BackFill(models.Model):
    """The stamp of the generated history: it is made once, and resumed when it was interrupted."""

    # The history ends here. Its tasks are generated anew for the same end, never for another.
    until = models.DateTimeField()
    days = models.FloatField()
    finished = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.days:g} days until {self.until:%Y-%m-%d %H:%M}"
