"""A broker for machines without ``redis-server``: fakeredis behind a socket, in one process.

It keeps everything in memory, asks for no password and suits a demo only::

    python -m example_project.broker.embedded 127.0.0.1 6380
"""

from __future__ import annotations

import signal
import socket
import sys
from types import FrameType
from typing import Any

from fakeredis import TcpFakeServer
from fakeredis._clients import _tcp_server
from redis.exceptions import ResponseError

# Every connection has a thread that looks for messages so often (seconds). As shipped (0.01), the
# demo's thirty connections take a fifth of a processor while nothing happens.
_tcp_server._POLL_INTERVAL = 0.03


class Handler(_tcp_server.TCPFakeRequestHandler):
    """fakeredis' own handler with two faults repaired."""

    # Else every small reply waits 40 ms for the client's delayed acknowledgement.
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        read = self.current_client.read_response

        def read_reply(**kwargs: Any) -> Any:
            # Raised, it would close the connection; returned, it is written out as Redis does.
            # Celery needs that: the first call of every Lua script is answered by an error.
            try:
                return read(**kwargs)
            except ResponseError as error:
                return error

        self.current_client.read_response = read_reply  # type: ignore[method-assign]


class Server(TcpFakeServer):
    def __init__(self, host: str, port: int) -> None:
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port))
        self.RequestHandlerClass = Handler
        # A client that never hangs up must not keep the process alive.
        self.daemon_threads = True


def main(host: str, port: str) -> None:
    with Server(host, int(port)) as server:
        signal.signal(signal.SIGTERM, _leave)
        print(f"Listening on {server.server_address}", flush=True)
        server.serve_forever()


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
