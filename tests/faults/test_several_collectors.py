"""Two and three collectors at once, one of them killed amid the stream."""

from __future__ import annotations

from itertools import islice

import pytest

from benchmarks.stream import Stream
from tests.faults.comparing import assert_equal, counted, send_in_rounds
from tests.faults.conftest import CollectorsOn
from tests.faults.publishing import publishing
from tests.faults.sizes import BATCH, PATIENCE, sized
from tests.faults.truth import Truth, recent
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "postgresql"])


@pytest.mark.parametrize("number", [2, 3])
def test_one_of_several_is_killed_and_nothing_is_lost(
    number: int, broker_url: str, collectors_on: CollectorsOn
) -> None:
    truth = Truth()
    collectors = collectors_on(broker_url, "postgresql")
    processes = [collectors.launch(BATCH) for _ in range(number)]
    for process in processes:
        collectors.wait_until_listening(process)
    collectors.wait_until_subscribed(number)
    stream = Stream(events=sized(100_000), failures=0.05, retries=0.05)
    messages = truth.noting(recent(stream))
    with publishing(broker_url) as publisher:
        publisher.send(islice(messages, sized(5_000)))
        wait_until(lambda: counted("postgresql") > 0, PATIENCE)
        processes[0].kill()
        send_in_rounds(publisher, messages, truth, "postgresql", collectors.alive)
    assert_equal(truth, "postgresql")
