"""Acts that workers are told, and answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_celery_monitor.control.acts import aiming
from django_celery_monitor.control.acts.base import Act, Aim, Judged, Result, Values, Verdict
from django_celery_monitor.control.acts.parameters import Names

if TYPE_CHECKING:
    from django_celery_monitor.access.policy import User
    from django_celery_monitor.control.way import Way

Pairs = list[tuple[str, Any]]

LONGEST: Final = 500
# By the name of its module, the name by which it is chosen.
_POOLS: Final = {"thread": "threads"}
SOME: Final = Names(
    name="workers",
    help=gettext_lazy("Host names of workers; * for all of them."),
)
ANY: Final = Names(
    name="workers",
    help=gettext_lazy("Host names of workers; all of them if none is named."),
    required=False,
)


class Broadcast(Act):
    """``workers`` is one of the parameters of those that may be told to some workers only."""

    # Celery's name of the command, where it is not that of the act.
    command: ClassVar[str] = ""
    # Pools that can do it, of those that "stats" names; None: all.
    pools: ClassVar[frozenset[str] | None] = None
    # What workers are asked before, for ``refusal``; empty: nothing.
    question: ClassVar[str] = ""
    # Seconds without another reply after which the others are not waited for; None: the usual.
    patience: ClassVar[float | None] = None

    def arguments(self, values: Values) -> dict[str, Any]:
        """What is sent."""
        return {name: value for name, value in values.items() if name not in ("workers", "unseen")}

    def judge(self, reply: Any, values: Values) -> Judged:
        """What one reply means; what a worker raised is ``{"error": ...}``."""
        if isinstance(reply, dict) and "error" in reply:
            return Judged(Verdict.REFUSED, _short(reply["error"]))
        if isinstance(reply, dict) and "ok" in reply:
            return Judged(Verdict.DONE, _short(reply["ok"]))
        return Judged(Verdict.UNCLEAR, _short(reply))

    def refusal(self, said: Any, values: Values) -> str:
        """Why a worker that said so to the ``question`` is not told at all; empty if it is."""
        return self.unable(pool_of(said)) if self.question == "stats" else ""

    def unable(self, pool: str) -> str:
        """Why workers with such a pool cannot do it; empty if they can, or nobody knows."""
        pool = _POOLS.get(pool, pool)
        if self.pools is None or not pool or pool in self.pools:
            return ""
        names = {"pool": pool, "able": ", ".join(sorted(self.pools))}
        return _("Its pool %(pool)s cannot do this; only %(able)s can.") % names

    def aim(self, user: User | None, values: Values) -> Aim:
        return aiming.at_workers(user, self.codename, values.get("workers"))

    def run(self, way: Way, values: Values, aim: Aim) -> Result:
        result = Result()
        if self.question:
            aim = self._looked(way, values, aim, result)
        elif aim.unseen:
            strangers = replace(aim, hosts=_sorted(aim.unseen), expected=aim.unseen)
            _are_there(way.ask("ping", strangers), aim)
        if aim.hosts is None or aim.hosts:
            pairs = self.send(way, aim, values)
            self.read(pairs, aim, values, result)
        return result

    def send(self, way: Way, aim: Aim, values: Values) -> Pairs:
        arguments = self.arguments(values)
        if self.patience is None:
            return way.send(self.command or self.name, aim, arguments)
        return way.send(self.command or self.name, aim, arguments, self.patience)

    def read(self, pairs: Pairs, aim: Aim, values: Values, result: Result) -> None:
        """Judge the replies into ``result``."""
        names = Counter(host for host, _reply in pairs)
        for host, reply in pairs:
            judged = self.judge(reply, values)
            known = result.replies.get(host)
            if known is not None and known.verdict is not judged.verdict:
                judged = Judged(Verdict.UNCLEAR, f"{known.text} / {judged.text}")
            result.replies[host] = judged
        for host in (host for host, number in names.items() if number > 1):
            verdict, text = result.replies[host]
            number = _("%(count)d workers of this name answered.") % {"count": names[host]}
            result.replies[host] = Judged(verdict, f"{text} {number}".strip())
        result.silent = sorted({*result.silent, *(aim.expected - result.replies.keys())})

    def _looked(self, way: Way, values: Values, aim: Aim, result: Result) -> Aim:
        """Those that can; the reasons of the others go to ``result``."""
        pairs = way.ask(self.question, aim)
        _are_there(pairs, aim)
        able: set[str] = set()
        for host, said in pairs:
            reason = self.refusal(said, values)
            if reason:
                result.replies[host] = Judged(Verdict.REFUSED, reason)
            else:
                able.add(host)
        # Of two workers of one name, neither is told when one of them cannot.
        able -= result.replies.keys()
        heard = {host for host, _said in pairs}
        result.silent = sorted(aim.expected - heard)
        return replace(aim, hosts=_sorted(able), expected=frozenset(able))


def pool_of(stats: Any) -> str:
    """``prefork`` of ``celery.concurrency.prefork:TaskPool``; empty if that is not said."""
    pool = stats.get("pool") if isinstance(stats, dict) else None
    text = pool.get("implementation") if isinstance(pool, dict) else ""
    found = text.partition(":")[0].rpartition(".")[2] if isinstance(text, str) else ""
    return _POOLS.get(found, found)


def size_of(stats: Any) -> int:
    """How many processes or threads the pool has; 0 if that is not said."""
    pool = stats.get("pool") if isinstance(stats, dict) else None
    if not isinstance(pool, dict):
        return 0
    # What a prefork pool calls its concurrency is the size that it was started with.
    if isinstance(processes := pool.get("processes"), list):
        return len(processes)
    size = pool.get("max-concurrency")
    return size if type(size) is int else 0


def _are_there(pairs: Pairs, aim: Aim) -> None:
    missing = sorted(aim.unseen - {host for host, _reply in pairs})
    if missing:
        aiming.nobody(missing[0])


def _sorted(hosts: set[str] | frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(hosts))


def _short(said: Any) -> str:
    text = said if isinstance(said, str) else ("" if said is None else repr(said))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
