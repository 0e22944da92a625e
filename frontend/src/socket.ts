// The websocket: says when something changed, comes back when it breaks.

const CEILING = 60_000;
const PING = 25_000;
const PATIENCE = 10_000;

interface Message {
  v: number;
  type: "hello" | "changed" | "pong";
  revision?: number;
}

/** `heard` gets the revision of each piece of news; `status` is told when it opens or breaks. */
export function connect(
  path: string,
  heard: (revision: number) => void,
  status: (open: boolean) => void,
): void {
  let failures = 0;

  function open(): void {
    const socket = new WebSocket(new URL(path, location.href.replace(/^http/, "ws")));
    const stop = watch(socket);
    socket.addEventListener("open", () => {
      failures = 0;
      const query = listed();
      if (query) socket.send(JSON.stringify({ type: "subscribe", query }));
      status(true);
    });
    socket.addEventListener("message", (event: MessageEvent<string>) => {
      const message = JSON.parse(event.data) as Message;
      if (message.v === 1 && message.revision !== undefined) heard(message.revision);
    });
    socket.addEventListener("close", () => {
      stop();
      status(false);
      failures += 1;
      const pause = Math.min(500 * 2 ** failures, CEILING);
      // Spread out, or all browsers come back at the same moment.
      setTimeout(open, pause * (0.5 + Math.random() / 2));
    });
  }

  open();
}

/** The query of the list of tasks that is shown: only news of its rows matter here. */
function listed(): string {
  const list = document.querySelector("#list[data-newest]");
  return list ? location.search.slice(1) : "";
}

/** Closes a socket that answers no more: a network that is gone says no good-bye. */
function watch(socket: WebSocket): () => void {
  let quiet = 0;
  const ping = setInterval(() => {
    if (socket.readyState !== WebSocket.OPEN) return;
    socket.send('{"type":"ping"}');
    quiet = setTimeout(() => socket.close(), PATIENCE);
  }, PING);
  socket.addEventListener("message", () => clearTimeout(quiet));
  return () => {
    clearInterval(ping);
    clearTimeout(quiet);
  };
}
