"""Records what real workers of the installed Celery say, for the tests to replay.

    python -m tests.recorded.record            # every pool, every case; about three minutes
    python -m tests.recorded.record solo eta   # one pool, one case

Writes `celery-<version>/<pool>-<case>.jsonl` beside this file. A line is one message: when it
arrived, and its body as it came, except that names of this machine are replaced. Redis is started
for it. To record another version, run this with a Python that has it, and orjson and redis, and
commit the folder; the tests replay all. (Celery 5.4 with threads is not recorded: of an ignored
task it did not say within half a minute that it had started.)
"""

from __future__ import annotations

import socket
import sys
import sysconfig
import tempfile
from pathlib import Path

import celery
import orjson

from tests.recorded.cases import CASES, Case
from tests.recorded.shop import app
from tests.recorded.stage import Stage, stage
from tests.servers.programs import find_all
from tests.servers.redis import REDIS

FOLDER = Path(__file__).parent / f"celery-{celery.__version__}"
# What would tell of the machine, the longest paths first.
NAMES = {
    sysconfig.get_path("purelib"): "/srv/lib",
    sysconfig.get_path("stdlib"): "/srv/python",
    str(Path(__file__).parents[2]): "/srv",
    str(Path.home()): "/srv",
    socket.gethostname(): "shop",
}


def main(pools: list[str], names: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    programs = find_all([REDIS])[REDIS.name]
    with tempfile.TemporaryDirectory() as folder, REDIS.run(Path(folder), programs) as variables:
        url = variables[REDIS.variable]
        app.conf.update(broker_url=url, result_backend=url)
        for pool in pools:
            with stage(pool, Path(folder, "worker.log")) as made:
                for case in CASES[pool]:
                    if case.__name__ in (names or [case.__name__]):
                        _record(made, pool, case)


def _record(made: Stage, pool: str, case: Case) -> None:
    made.messages.clear()
    case(made)
    made.rest()
    lines = [
        orjson.dumps({"arrived": round(arrived, 6), "body": _anonymous(body.decode())})
        for arrived, body in made.messages
    ]
    (FOLDER / f"{pool}-{case.__name__}.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    print(f"{pool} {case.__name__}: {len(lines)} messages", flush=True)


def _anonymous(text: str) -> str:
    for name, other in NAMES.items():
        text = text.replace(name, other)
    return text


if __name__ == "__main__":
    words = sys.argv[1:]
    main(
        [pool for pool in CASES if pool in words] or list(CASES),
        [word for word in words if word not in CASES],
    )
