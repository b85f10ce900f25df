"""`watch`: what the order check sees of a loop, shown under the cell in which it ran.

    from autograder.student import watch

    with watch(my_network):
        for x, y in examples:
            ...

For students in Colab or Jupyter, on any system. Torch, the standard library and the pure part of `autograder.loop`
only. It never changes what the loop computes and never raises into it.
"""

from __future__ import annotations

import html
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import torch

from autograder.loop.asked import NOTHING
from autograder.loop.drawing import svg, text
from autograder.loop.events import Account, Event, Kind, read
from autograder.loop.ledger import keep
from autograder.loop.observed import observed
from autograder.loop.picture import picture
from autograder.loop.reading import Facts, LedgerVerdict
from autograder.loop.reading import read as read_ledger
from autograder.loop.timeline import Timeline
from autograder.loop.wording import neutral
from autograder.student.recorder import Recorder

NOTHING_TO_WATCH = "watch() was given no network and no tensor that requires a gradient: there is nothing to watch."


class watch:
    """Watches networks, tensors or lists of tensors while the block runs; then shows the timeline and the verdict.

    Beside the verdict on the order it tells what it saw of the rest (`seen`): updates, learning rates, batches,
    gradients never used, parameters that never moved; whether that is as asked, it does not know.
    After the block `verdict`, `sentence`, `advice` and `timeline` tell the same to a program. With `show=False` nothing
    is shown. Loops of many thousand updates are watched in full at first, then now and then.
    """

    def __init__(self, *things: Any, show: bool = True) -> None:
        self.show = show
        self.verdict: str | None = None
        self.sentence = ""
        self.advice = ""
        self.timeline: Timeline | None = None
        self.seen: tuple[str, ...] = ()
        self._recorder: Recorder | None = None
        self._trouble = ""
        try:
            names = _names_of(things)
            tensors = dict(_tensors(things, names))
            if tensors:
                module = things[0] if len(things) == 1 and isinstance(things[0], torch.nn.Module) else None
                self._recorder = Recorder(tensors, module=module)
            else:
                self._trouble = NOTHING_TO_WATCH
        except Exception as error:  # a watcher must not break what it watches
            self._trouble = f"watch() cannot watch this: {type(error).__name__}"

    def __enter__(self) -> watch:
        try:
            if self._recorder is not None:
                self._recorder.start()
        except Exception as error:
            self._give_up(error)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._recorder is not None:
                self._recorder.stop()
                self._conclude(read(self._recorder.account()), error)
            if self.show:
                self._show()
        except Exception as trouble:
            self._give_up(trouble)

    def _give_up(self, error: Exception) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            try:
                recorder.stop()
            except Exception:
                recorder.broken = True
        self._trouble = f"watch() had to stop: {type(error).__name__}"

    def _conclude(self, account: Account, error: BaseException | None) -> None:
        if isinstance(error, KeyboardInterrupt):
            account.events = whole_rounds(account.events)
        ledger = keep(account)
        told = f"{type(error).__name__}: {error}"[:200] if isinstance(error, Exception) else ""
        reading: LedgerVerdict = read_ledger(ledger, Facts(error=told, asked=NOTHING, words=neutral(account)))
        self.timeline = picture(ledger, reading)
        self.seen = observed(ledger)
        self.verdict, self.sentence, self.advice = reading.verdict, reading.sentence, reading.advice

    def _show(self) -> None:
        if self.timeline is None:
            print(self._trouble)
            return
        plain = "\n".join([text(self.timeline, ascii=not _speaks_unicode()), *(f"  {line}" for line in self.seen)])
        ipython = sys.modules.get("IPython")
        shell = ipython.get_ipython() if ipython is not None else None
        if shell is not None and getattr(shell, "kernel", None) is not None and ipython is not None:
            from IPython.display import display  # only where IPython is at work already

            lines = "".join(f"<div>{html.escape(line)}</div>" for line in self.seen)
            page = f'{svg(self.timeline)}<div style="font:13px system-ui,sans-serif">{lines}</div>'
            display({"text/html": page, "text/plain": plain}, raw=True)
        else:
            print(plain)


def whole_rounds(events: list[Event]) -> list[Event]:
    """Events up to the last update and the Resets right after it: what an interrupt broke off is nobody's fault."""
    ends = [number for number, event in enumerate(events) if event.kind in (Kind.OPTIMIZE, Kind.WRITTEN)]
    end = ends[-1] + 1 if ends else len(events)
    while end < len(events) and events[end].kind == Kind.RESET:
        end += 1
    return events[:end]


def _speaks_unicode() -> bool:
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        "✓✗→…".encode(encoding)
    except (UnicodeError, LookupError):
        return False
    return True


def _names_of(things: tuple[Any, ...]) -> dict[int, str]:
    """Names by which the caller knows these objects and their items, where there are any."""
    frame = sys._getframe(2)
    wanted = {id(item) for thing in things for item in [thing, *(thing if isinstance(thing, (list, tuple)) else ())]}
    found: dict[int, str] = {}
    for space in (frame.f_locals, frame.f_globals):
        for name, value in list(space.items()):
            if id(value) in wanted and not name.startswith("_"):
                found.setdefault(id(value), name)
    return found


def _tensors(things: tuple[Any, ...], names: dict[int, str]) -> Iterator[tuple[str, torch.Tensor]]:
    """Name and tensor of everything that can be learned in `things`."""
    count = 0
    for thing in things:
        if isinstance(thing, torch.nn.Module):
            prefix = f"{names.get(id(thing), 'network')}." if len(things) > 1 else ""
            for name, tensor in thing.named_parameters():
                yield prefix + name, tensor
        elif isinstance(thing, torch.Tensor):
            count += 1
            if thing.requires_grad:
                yield names.get(id(thing), f"tensor {count}"), thing
        elif isinstance(thing, torch.optim.Optimizer):
            for group in thing.param_groups:
                for tensor in group["params"]:
                    count += 1
                    yield names.get(id(tensor), f"tensor {count}"), tensor
        elif isinstance(thing, str):
            raise TypeError("text holds no tensors")
        elif isinstance(thing, dict):
            yield from _tensors(tuple(thing.values()), {id(v): str(k) for k, v in thing.items()} | names)
        else:
            yield from _tensors(tuple(thing), names)
