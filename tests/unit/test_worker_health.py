from __future__ import annotations

import pytest

from django_celery_monitor.state.worker import Health, health

LONG = 3600.0


@pytest.mark.parametrize(
    ("silence", "freq", "offline", "listened", "expected"),
    [
        (1, 2, False, LONG, Health.ONLINE),
        (10, 2, False, LONG, Health.ONLINE),
        (11, 2, False, LONG, Health.LATE),
        (30, 2, False, LONG, Health.LATE),
        (31, 2, False, LONG, Health.LOST),
        # A slow heart is not a lost one.
        (100, 60, False, LONG, Health.ONLINE),
        (200, 60, False, LONG, Health.LATE),
        (301, 60, False, LONG, Health.LOST),
        # Nobody listened while it was silent.
        (100, 2, False, 0, Health.UNKNOWN),
        (20, 2, False, 15, Health.UNKNOWN),
        (3600, 2, False, 29, Health.UNKNOWN),
        (3600, 2, False, 31, Health.LOST),
        # It sends no heartbeats, so silence says nothing.
        (3600, None, False, LONG, Health.UNKNOWN),
        (1, None, True, LONG, Health.OFFLINE),
        (3600, 2, True, 0, Health.OFFLINE),
        # Its clock or ours was moved.
        (-5, 2, False, LONG, Health.ONLINE),
    ],
)
def test_health(
    silence: float, freq: float | None, offline: bool, listened: float, expected: Health
) -> None:
    assert health(silence=silence, freq=freq, offline=offline, listened=listened) is expected
