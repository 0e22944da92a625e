"""Colours belong to names."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from django_celery_monitor.reading.series_colours import HUES, hues


def test_a_name_has_the_same_colour_alone_and_among_others() -> None:
    names = ["shop.orders.ship", "shop.mail.send", "shop.stock.reserve"]
    assert {name: hues([name])[name] for name in names} == hues(names)


@given(st.lists(st.text(max_size=20), unique=True, max_size=HUES), st.randoms())
def test_no_two_names_of_a_chart_share_one_whatever_their_order(
    names: list[str], chance: random.Random
) -> None:
    found = hues(names)
    assert len(set(found.values())) == len(names)
    chance.shuffle(names)
    assert hues(names) == found
