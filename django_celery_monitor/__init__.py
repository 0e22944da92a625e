"""A monitor for Celery that lives in a Django project and remembers.

The package is laid out as the path of an event::

    broker -> ingest -> state -> storage -> live -> browser
                                    |
                                    +-> views, templates, static   (shown)
                                    +-> api                        (queried)

Beside the path: ``control`` (towards workers) and ``access`` (who may).
``pipeline`` is the one module that joins the stages.
"""

from __future__ import annotations

__version__ = "2.0.0.dev0"
