"""What a row has to say after each case, thought through from what the tasks do."""

from __future__ import annotations

from typing import NamedTuple

from tests.recorded.files import Recording


class Told(NamedTuple):
    """What the row of a task has to say: ``says`` is how its result or exception begins."""

    state: str
    # Of each delivery what is known of it.
    runs: tuple[str, ...]
    says: str = ""
    errors: tuple[str, ...] = ()


RAN = "received started succeeded"
RETRIED = "received started retried"
LOST_BANK = "ConnectionError('no route to the bank')"
ADDED = Told("SUCCESS", (RAN,))
# By case, by the task's name and arguments.
EXPECTED: dict[str, dict[str, Told]] = {
    "success": {"add(2, 3)": Told("SUCCESS", (RAN,), "5")},
    "failure": {
        "fail()": Told(
            "FAILURE",
            ("received started failed",),
            "ValueError('out of stock')",
            ("ValueError",),
        )
    },
    "retry_until_success": {
        "pay(2,)": Told("SUCCESS", (RETRIED, RETRIED, RAN), "2", ("ConnectionError retried",) * 2)
    },
    "retry_until_exhaustion": {
        "pay(9,)": Told(
            "FAILURE",
            (RETRIED, RETRIED, "received started failed"),
            LOST_BANK,
            ("ConnectionError retried", "ConnectionError retried", "ConnectionError"),
        )
    },
    "soft_time_limit": {
        "sleep(20,)": Told(
            "FAILURE",
            ("received started failed",),
            "SoftTimeLimitExceeded(",
            ("SoftTimeLimitExceeded",),
        )
    },
    # The worker says it twice, and names the class in the traceback only.
    "hard_time_limit": {
        "sleep(20,)": Told(
            "FAILURE",
            ("received started failed",),
            "TimeLimitExceeded(",
            ("TimeLimitExceeded again", "TimeLimitExceeded"),
        )
    },
    "killed": {
        "die()": Told(
            "FAILURE", ("received started failed",), "WorkerLostError(", ("WorkerLostError",)
        )
    },
    "worker_lost": {"die_once()": Told("SUCCESS", ("received started requeued", RAN), "'done'")},
    # The worker says no more; only others can know that it ended.
    "ignore": {"ignore()": Told("STARTED", ("received started",))},
    "reject": {
        "reject()": Told(
            "REJECTED",
            ("received started rejected",),
            "reject requeue=False: no",
            ("Reject",),
        )
    },
    "reject_and_requeue": {
        "requeue()": Told("SUCCESS", ("received started requeued", RAN), "'done'")
    },
    # A revoked or expired task is thrown away before the worker says that it came.
    "revoke_before_start": {"add(2, 3)": Told("REVOKED", ("revoked",))},
    "expired_in_the_queue": {"add(2, 3)": Told("REVOKED", ("revoked",))},
    "revoke_before_eta": {"add(2, 3)": Told("REVOKED", ("received revoked",))},
    "expired_before_eta": {"add(2, 3)": Told("REVOKED", ("received revoked",))},
    "terminate": {"sleep(20,)": Told("REVOKED", ("received started revoked",))},
    "eta": {"add(2, 3)": Told("SUCCESS", (RAN,), "5")},
    # The same id again, and nothing says that the first run ended.
    "replace": {"replace()": Told("SUCCESS", ("received started", RAN), "23")},
    "in_a_chain": {"add(1, 1)": ADDED, "add(2, 2)": ADDED, "add(4, 3)": ADDED},
    "in_a_group": {"add(1, 1)": ADDED, "add(2, 2)": ADDED},
    "in_a_chord": {
        "add(1, 1)": ADDED,
        "add(2, 2)": ADDED,
        "total([2, 4],)": Told("SUCCESS", (RAN,), "6"),
    },
    "group_in_a_task": {"spread()": ADDED, "add(1, 1)": ADDED, "add(2, 2)": ADDED},
    "unregistered": {
        "closed(1,)": Told(
            "FAILURE", ("failed",), "NotRegistered('shop.closed')", ("NotRegistered",)
        )
    },
    "own_state": {"inspect(False,)": Told("INSPECTED", ("received started",))},
    "own_state_then_success": {"inspect(True,)": Told("SUCCESS", (RAN,))},
    "custom_event": {"sell()": Told("SUCCESS", (RAN,))},
    "progress": {"progress()": Told("SUCCESS", (RAN,), "'done'")},
}
# There a hard limit is told once, and a rejection without a failure.
BEFORE_5_7: dict[str, dict[str, Told]] = {
    "hard_time_limit": {
        "sleep(20,)": Told(
            "FAILURE",
            ("received started failed",),
            "TimeLimitExceeded(",
            ("TimeLimitExceeded",),
        )
    },
    "reject": {"reject()": Told("REJECTED", ("received started rejected",))},
}


def expected(recording: Recording) -> dict[str, Told]:
    older = BEFORE_5_7 if recording.version < "5.7" else {}
    return (EXPECTED | older)[recording.case]
