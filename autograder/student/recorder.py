"""Watches a training loop by its effects: which gradients each update used, and what became of the others.

A Recorder is given the tensors to watch and subscribes to `student.taps`. At every Backprop, Optimize and Reset it
compares the tensors' values and gradients with what it last saw, so that updates by hand, Resets by assignment and
edited gradients are noticed too. What it writes down is the account of `loop.events`. It never changes what the loop
computes and never raises into it; what it could not follow it says in `notes`.

The first updates are recorded in full, later ones in bursts that grow rarer, since a full record doubles the time of a
small loop. Torch, the standard library and `loop.events` only.
"""

from __future__ import annotations

import bisect
import contextlib
import functools
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch

from autograder.loop.events import MIXED, MOST_EVENTS, MOST_TENSORS, STOPPED, Back, Kind, Written
from autograder.student.book import Book
from autograder.student.comparing import factor_along, failure, ratio, same_numbers
from autograder.student.taps import TAPS, Walk, below_zero, self_test, sequence_number

FULL_UPDATES = 250
BURST = 8
GROWTH = 1.25  # the next burst comes at this many times the updates so far
MOST_SNAPSHOTS = 400  # earlier values that are kept
MOST_BACK = 32  # of these are tried as those that an average is with
FEWEST_AVERAGED = 10  # numbers: of fewer every change lies on some line
ROUNDING = 4e-7  # of a float32 value of size 1, left by adding a small change to it


def examples_in(inputs: torch.Tensor, dims: int | None) -> int:
    """How many examples a network was given at once, where one of them has `dims` dimensions; None: nobody knows, so
    the first of several dimensions is taken to count them."""
    if dims is None:
        return int(inputs.shape[0]) if inputs.dim() > 1 else 1
    sizes = inputs.shape[: max(0, inputs.dim() - dims)]
    return max(1, sizes.numel())


def guarded(method: Callable[..., None]) -> Callable[..., None]:
    """A listener's method that never raises: what fails in it ends the recording, with a note."""

    @functools.wraps(method)
    def call(self: Recorder, *args: Any) -> None:
        if self.broken:
            return
        try:
            with torch.no_grad(), torch._C.DisableTorchFunctionSubclass():
                method(self, *args)
        except Exception as error:
            self.broken = True
            self.note(f"{STOPPED}: {type(error).__name__}")

    return call


class Recorder(Book):
    """Records what happens to `tensors` (name -> leaf tensor) between `start` and `stop`.

    `module`, if given, is the network whose forward passes are noted; `owner` one that tells of them itself. With
    `keep_inputs` the rows that go in and the gradients that come back to its outputs are kept, for a replay; one
    example has `example_dims` dimensions (None: not known).
    """

    def __init__(
        self,
        tensors: Mapping[str, torch.Tensor],
        *,
        module: torch.nn.Module | None = None,
        owner: torch.nn.Module | None = None,
        keep_inputs: bool = False,
        full: int = FULL_UPDATES,
        example_dims: int | None = None,
    ) -> None:
        super().__init__(list(tensors)[:MOST_TENSORS], [f"not available: {name}" for name in self_test()])
        self.tensors = [tensors[name] for name in self.names]
        self.module = module
        self.owner = owner if owner is not None else module
        self.keep_inputs = keep_inputs
        self.example_dims = example_dims
        self.full = full
        self.broken = False
        self.loud = False
        self.rows: list[torch.Tensor] = []
        self.pulls: list[tuple[int, int, torch.Tensor]] = []  # Backprop's number, forward's number, d loss / d output
        self.updates = 0
        self.backprops = 0
        self.forwards = 0
        self._bits = {id(tensor): 1 << bit for bit, tensor in enumerate(self.tensors)}
        self._optimizers: dict[int, tuple[int, int, Any]] = {}  # id -> number, mask, and the object, so that ids stay
        self._roots: dict[Any, int] = {}
        self._used: set[int] = set()  # consumers' sequence numbers that some Backprop went through
        self._handles: list[Any] = []
        self._thread = threading.get_ident()
        self._last_stepped: Any = None  # an optimizer that is known to be of these tensors
        self._by_hand = True  # no optimizer has stepped on these tensors so far
        self._resume_at = 0
        self._gap_from = 0
        self._burst_ends = full

    # --- start and end ---------------------------------------------------------------------------------------

    def start(self) -> Recorder:
        """Listen from now on."""
        with torch.no_grad():
            self._begun = [tensor.detach().clone() for tensor in self.tensors]
        self._frozen = sum(1 << bit for bit, tensor in enumerate(self.tensors) if not tensor.requires_grad)
        self._look_for_hooks()
        self._listen()
        TAPS.add(self)
        return self

    def stop(self) -> Recorder:
        """Take a last look, and listen no more."""
        if self in TAPS.listeners:
            if self.loud:
                self._look()
            else:
                self.write(Kind.GAP, ref=max(0, self.updates - self._gap_from))
            TAPS.remove(self)
            self._hush()
        return self

    def _listen(self) -> None:
        self.loud = True
        TAPS.tune()
        self._values = [tensor.detach().clone() for tensor in self.tensors]
        self._grads = [None if tensor.grad is None else tensor.grad.detach().clone() for tensor in self.tensors]
        self._last_grads: list[torch.Tensor | None] = list(self._grads)
        self._returned: list[torch.Tensor | None] = [None] * len(self.tensors)
        self._fresh = 0  # mask of those that a Backprop reached since their last Reset
        self._seen_at = sequence_number()  # when the values were last compared
        self._changed_at = [-1] * len(self.tensors)  # sequence number before which a use is one of older values
        self._change_times: list[int] = []
        self._bounds: list[tuple[int, int]] = []  # sequence numbers before and after each forward pass
        self._bounds_from = self.forwards
        self._snapshots: list[list[torch.Tensor]] = []
        self._last_changed = 0
        self._accumulated = 0
        self._pending = 0  # tensors whose gradient grew outside the choke point
        self._running: list[dict[str, Any]] = []
        self._steps: list[dict[str, Any]] = []
        for bit, tensor in enumerate(self.tensors):
            if tensor.requires_grad and tensor.is_leaf:
                with contextlib.suppress(Exception):
                    self._handles.append(tensor.register_post_accumulate_grad_hook(self._accumulates(1 << bit)))
        if self.module is not None:
            self._handles.append(self.module.register_forward_pre_hook(lambda module, args: self.enter()))
            self._handles.append(
                self.module.register_forward_hook(lambda module, args, output: self.forward(args[:1], output))
            )

    def _hush(self) -> None:
        self.loud = False
        TAPS.tune()
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def _look_for_hooks(self) -> None:
        if any(getattr(tensor, "_backward_hooks", None) for tensor in self.tensors):
            self.note("gradient hooks")

    # --- forward passes --------------------------------------------------------------------------------------

    @guarded
    def enter(self) -> None:
        """The network is about to be called."""
        if self.loud:
            self._look()
            self._entered = sequence_number()
            if torch.is_autocast_enabled("cpu"):
                self.note(MIXED)

    @guarded
    def forward(self, inputs: Iterable[Any], output: Any) -> None:
        """The network has given an output."""
        if not self.loud or not isinstance(output, torch.Tensor) or not output.requires_grad:
            return
        self._here()
        number, self.forwards = self.forwards, self.forwards + 1
        self._bounds.append((getattr(self, "_entered", 0), sequence_number()))
        given = [item for item in inputs if isinstance(item, torch.Tensor)]
        count = examples_in(given[0], self.example_dims) if given else 0
        if self.keep_inputs:
            for item in given:
                self.rows.append(item.detach().reshape(count, -1).to(torch.float32).clone())
                output.register_hook(functools.partial(self._pull, number, count))
        self.write(Kind.FORWARD, ref=count)
        self._look_at_values()

    def _pull(self, number: int, count: int, gradient: torch.Tensor) -> None:
        with contextlib.suppress(Exception):
            if self.loud and len(self.pulls) < MOST_EVENTS:
                flat = gradient.detach().reshape(count, -1).to(torch.float32).clone()
                self.pulls.append((self.backprops, number, flat))

    # --- Backprop --------------------------------------------------------------------------------------------

    @property
    def counts_backprops(self) -> bool:
        """Whether Backprops stand for updates while nothing is recorded, since no optimizer has been seen."""
        return not self.loud and self._by_hand and not self.broken

    def backprop_counted(self) -> None:
        self._quiet_update()

    def _accumulates(self, bit: int) -> Callable[[Any], None]:
        def grown(tensor: Any) -> None:
            if self._running:
                self._accumulated |= bit
                return
            if self._pending & bit:  # a second Backprop outside the choke point
                self._flush()
            self._pending |= bit

        return grown

    @guarded
    def _flush(self) -> None:
        """Write down a Backprop that was seen by the gradients alone."""
        mask, self._pending = self._pending, 0
        if mask:
            self.note("Backprop was seen by its gradients alone")
            self.write(Kind.BACKPROP, mask, place=self.place())
            self.backprops += 1
            self._keep_grads(mask)

    @guarded
    def before_backprop(self, walk: Walk | None, roots: Any, call: tuple[Any, ...]) -> None:
        self._look()
        self._accumulated = 0
        self._running.append({"walk": walk, "call": call, "place": self.place(), "negative": below_zero(roots)})
        self._here()
        self._look_for_hooks()
        if torch.is_autocast_enabled("cpu"):
            self.note("autocast")

    def _here(self) -> None:
        if threading.get_ident() != self._thread:
            self.note("threads")

    @guarded
    def after_backprop(self, result: Any, error: BaseException | None) -> None:
        run = self._running.pop()
        walk: Walk | None = run["walk"]
        args, kwargs = run["call"]
        grad_only = kwargs.get("accumulate_grad") is False
        flags = Back.NEGATIVE if run["negative"] else Back(0)
        if self._steps:
            flags |= Back.INSIDE
            self._steps[-1]["backprops"] += 1
        reached, stale, age = self._accumulated, 0, 0
        if walk is not None:
            mask, stale, age, more = self._read(walk)
            flags |= more
            if grad_only or error is not None:
                reached = mask
        if error is not None:
            flags |= failure(error)
        if grad_only:
            flags |= Back.GRAD_ONLY
            reached &= self._take_returned(args[3] if len(args) > 3 else (), result) | (0 if error is None else reached)
        zero = 0 if error is not None or grad_only else self._keep_grads(reached)
        root = -1
        if walk is not None:
            root = self._roots.setdefault(walk.key, len(self._roots))
        self.write(
            Kind.BACKPROP, reached, other=zero, changed=stale & reached, ref=root, place=run["place"], flags=int(flags),
            age=age,
        )  # fmt: skip
        self.backprops += 1

    def _read(self, walk: Walk) -> tuple[int, int, int, Back]:
        """Watched tensors that a loss reaches, those used at older values, updates since, and flags."""
        mask = stale = 0
        first = sys.maxsize
        flags = Back(0)
        number = self.backprops
        if walk.compiled:
            self.note("compiled")
        forwards = set()
        for key, consumers in walk.consumers.items():
            bit = self._bits.get(key)
            if bit is None:
                flags |= Back.STRANGERS if key in walk.learnable else Back.OTHERS
                continue
            mask |= bit
            earliest = min(consumers)
            first = min(first, earliest)
            if earliest < self._changed_at[bit.bit_length() - 1]:
                stale |= bit
            for consumer in consumers:
                if consumer in self._used:
                    flags |= Back.SHARED
                index = bisect.bisect_right(self._bounds, (consumer, sys.maxsize)) - 1
                if index >= 0 and self._bounds[index][0] <= consumer < self._bounds[index][1]:
                    forwards.add(index + self._bounds_from)
                else:
                    flags |= Back.BESIDE
            self._used.update(consumers)
        self.reaches += [(number, forward) for forward in sorted(forwards)]
        age = len(self._change_times) - bisect.bisect_right(self._change_times, first) if mask else 0
        return mask, stale, age, flags

    def _keep_grads(self, mask: int) -> int:
        """Note the gradients as they are now; the mask of those that grew by exactly 0."""
        zero = 0
        for bit, tensor in enumerate(self.tensors):
            if mask >> bit & 1 and tensor.grad is not None:
                grad, before = tensor.grad.detach(), self._grads[bit]
                if not bool(grad.any()) if before is None else same_numbers(grad, before):
                    zero |= 1 << bit
                self._grads[bit] = self._last_grads[bit] = grad.clone()
                self._fresh |= 1 << bit
        return zero

    def _take_returned(self, asked: Any, result: Any) -> int:
        """Keep what autograd.grad gave for each watched tensor; the mask of those it was asked for."""
        mask = 0
        for tensor, gradient in zip(asked or (), result or (), strict=False):
            bit = self._bits.get(id(tensor))
            if bit is not None and isinstance(gradient, torch.Tensor):
                mask |= bit
                self._returned[bit.bit_length() - 1] = gradient.detach().clone()
        return mask

    # --- Optimize --------------------------------------------------------------------------------------------

    def before_step(self, optimizer: Any) -> None:
        if self.loud:
            self._step_begins(optimizer)
        elif optimizer is self._last_stepped:
            self._quiet_update(optimizer)
        elif not self.broken and self._mask_of(optimizer):
            self._last_stepped = optimizer
            if self._by_hand:
                self._by_hand = False
                TAPS.tune()
            self._quiet_update(optimizer)

    @guarded
    def _step_begins(self, optimizer: Any) -> None:
        self._look()
        if self._running:
            self.note("Optimize inside Backprop")
        self._steps.append(
            {"has": self._with_grad(), "place": self.place(), "backprops": 0, "changed": 0, "events": len(self.events)}
        )

    @guarded
    def after_step(self, optimizer: Any) -> None:
        if not self._steps:
            return
        step = self._steps.pop()
        mask = self._mask_of(optimizer)
        has = self._with_grad() if step["backprops"] else step["has"]
        inner = any(event[0] == Kind.OPTIMIZE for event in self.events[step["events"] :])
        changed = self._note_values() | step["changed"]
        if inner and not changed:
            return  # an optimizer that drives another one, which has been written down
        self._here()
        used = self.setting(self._optimizers[id(optimizer)][0], optimizer, self._bits)
        self.write(Kind.OPTIMIZE, mask, other=has & mask, changed=changed, ref=used, place=step["place"])
        if step["backprops"]:
            self._look_at_grads(False)
        if mask:
            self._by_hand = False
            self._update_done()

    def _with_grad(self) -> int:
        return sum(1 << bit for bit, tensor in enumerate(self.tensors) if tensor.grad is not None)

    def _mask_of(self, optimizer: Any) -> int:
        known = self._optimizers.get(id(optimizer))
        if known is not None and known[2] is optimizer:
            return known[1]
        mask = 0
        for group in optimizer.param_groups:
            for tensor in group["params"]:
                mask |= self._bits.get(id(tensor), 0)
        if self.loud or mask:
            self._optimizers[id(optimizer)] = (len(self._optimizers), mask, optimizer)
        return mask

    # --- Reset -----------------------------------------------------------------------------------------------

    @guarded
    def before_reset(self) -> None:
        self._look()

    @guarded
    def after_reset(self) -> None:
        self._look_at_grads(True)

    # --- looking at values and gradients ---------------------------------------------------------------------

    @guarded
    def _look(self) -> None:
        """What has changed since the last look, outside Backprop, step() and zero_grad()."""
        if self._pending:
            self._flush()
        if self._edited_first():
            self._look_at_grads(False)
        self._look_at_values()
        self._look_at_grads(False)

    def _edited_first(self) -> bool:
        """Whether values moved along gradients as they are now, edited (clipped, say) since the last look."""
        mask = self._changed()
        if not mask or self._steps:
            return False
        bits = [bit for bit in range(len(self.tensors)) if mask >> bit & 1]
        now, held = [self.tensors[bit].grad for bit in bits], [self._grads[bit] for bit in bits]
        pairs = [(one.detach(), two) for one, two in zip(now, held, strict=True) if one is not None and two is not None]
        if len(pairs) < len(bits) or all(same_numbers(one, two) for one, two in pairs):
            return False
        if any(self.tensors[bit].shape != self._values[bit].shape for bit in bits):
            return False
        change = [self.tensors[bit].detach().double() - self._values[bit].double() for bit in bits]
        slack = sum(float(self._values[bit].double().square().sum()) for bit in bits) ** 0.5 * ROUNDING
        factor = factor_along(change, [one.double() for one, _ in pairs], slack)
        return factor is not None and factor > 0

    def _changed(self) -> int:
        mask = 0
        for bit, (tensor, value) in enumerate(zip(self.tensors, self._values, strict=True)):
            if not same_numbers(tensor, value):
                mask |= 1 << bit
        return mask

    def _note_values(self) -> int:
        """Take over the values as they are; the mask of those that changed."""
        mask = self._changed()
        now = sequence_number()
        if mask:
            self._take(mask, now)
        self._seen_at = now
        return mask

    def _take(self, mask: int, since: int) -> None:
        if len(self._snapshots) < MOST_SNAPSHOTS:
            self._snapshots.append(list(self._values))
        self._last_changed = mask
        for bit, tensor in enumerate(self.tensors):
            if mask >> bit & 1:
                self._values[bit] = tensor.detach().clone()
                self._changed_at[bit] = since
        self._change_times.append(since)

    def _look_at_values(self) -> None:
        mask = self._changed()
        now = sequence_number()
        if mask and self._steps:  # an optimizer at work, e.g. between two calls of its closure
            self._take(mask, self._seen_at)
            self._steps[-1]["changed"] |= mask
        elif mask:
            factor, flags, earlier = self._explain(mask)
            # The change lies between the last look and this one: only uses before the last look are surely older.
            self._take(mask, self._seen_at)
            ref = self.number(factor) if factor is not None else -1
            self.write(Kind.WRITTEN, mask, ref=ref, flags=int(flags), age=earlier)
            self._seen_at = now
            self._update_done()
        self._seen_at = now

    def _explain(self, mask: int) -> tuple[float | None, Written, int]:
        """Whether a change is -factor * gradient, or brings back earlier values, or goes a part of the way to some:
        then that part, and which they are."""
        bits = [bit for bit in range(len(self.tensors)) if mask >> bit & 1]
        if any(self.tensors[bit].shape != self._values[bit].shape for bit in bits):
            return None, Written(0), 0
        change = [self.tensors[bit].detach().double() - self._values[bit].double() for bit in bits]
        if not all(bool(torch.isfinite(part).all()) for part in change):
            return None, Written.NOT_FINITE, 0
        slack = sum(float(self._values[bit].double().square().sum()) for bit in bits) ** 0.5 * ROUNDING
        for source, flag in (
            (self._grads, Written.ALONG_GRADIENT),
            (self._last_grads, Written.ALONG_GRADIENT),
            (self._returned, Written.ALONG_RETURNED),
        ):
            grads = [source[bit] for bit in bits]
            if any(grad is None or grad.shape != part.shape for grad, part in zip(grads, change, strict=True)):
                continue
            factor = factor_along(change, [grad.double() for grad in grads if grad is not None], slack)
            if factor is not None and (factor > 0 or not self._seen_before()):
                return factor, flag, 0
        if self._is_back(mask, slack):
            return None, Written.RESTORED | Written.BACK, 0
        if self._seen_before():
            return None, Written.RESTORED, 0
        return self._averaged(bits, change, slack)

    def _is_back(self, mask: int, slack: float) -> bool:
        """Whether the values are those before the last change of the same tensors, as when a loop looks at the loss
        somewhere else and comes back."""
        if not self._snapshots or len(self._snapshots) >= MOST_SNAPSHOTS or mask != self._last_changed:
            return False
        gap = sum(
            float((tensor.detach().double() - earlier.double()).square().sum())
            for tensor, earlier in zip(self.tensors, self._snapshots[-1], strict=True)
        )
        return bool(gap**0.5 <= slack)

    def _averaged(self, bits: list[int], change: list[torch.Tensor], slack: float) -> tuple[float | None, Written, int]:
        if sum(part.numel() for part in change) < FEWEST_AVERAGED or len(self._snapshots) >= MOST_SNAPSHOTS:
            return None, Written(0), 0
        for number in range(len(self._snapshots) - 1, max(-1, len(self._snapshots) - MOST_BACK), -1):
            earlier = self._snapshots[number]
            way = [self._values[bit].double() - earlier[bit].double() for bit in bits]
            part = factor_along(change, way, slack)
            if part is not None and 1e-3 < part < 0.999:
                return part, Written.AVERAGED, number
        return None, Written(0), 0

    def _seen_before(self) -> bool:
        """Whether the values are those of an earlier moment. One update back looks like a step up the gradient, too."""
        now = [tensor.detach() for tensor in self.tensors]
        return any(
            all(torch.equal(one, two) for one, two in zip(now, earlier, strict=True))
            for earlier in [self._begun, *reversed(self._snapshots)]
        )

    def _look_at_grads(self, called: bool) -> None:
        """Gradients that went, were set or edited since the last look; `called`: by a zero_grad just now."""
        gone = edited = deposit = added = 0
        ratios: list[float] = []
        before: dict[int, torch.Tensor | None] = {}
        for bit, tensor in enumerate(self.tensors):
            grad, held = tensor.grad, self._grads[bit]
            if grad is None:
                if held is not None:
                    gone |= 1 << bit
                    self._grads[bit] = None
                continue
            grad = grad.detach()
            if held is not None and same_numbers(grad, held):
                continue
            if not bool(grad.any()):
                if held is not None:
                    gone |= 1 << bit
            elif held is None or not bool(held.any()):
                returned = self._returned[bit]
                if returned is not None and same_numbers(returned, grad):
                    deposit |= 1 << bit
                else:
                    edited |= 1 << bit
                    ratios.append(float("nan"))
            elif (returned := self._returned[bit]) is not None and same_numbers(held + returned, grad):
                added |= 1 << bit
            else:
                edited |= 1 << bit
                ratios.append(ratio(grad, held))
            before[bit] = held
            self._grads[bit] = grad.clone()
            if bool(grad.any()):
                self._last_grads[bit] = self._grads[bit]
        if gone or called:
            for bit, kept in enumerate(self._grads):  # marks of exactly 0 (signs that cancel) go with the others
                if self._fresh >> bit & 1 and kept is not None and not bool(kept.any()):
                    gone |= 1 << bit
            self._fresh &= ~gone
            self.write(Kind.RESET, gone, place=self.place() if called else -1, flags=int(called))
        if edited:
            same = max(ratios) - min(ratios) <= 1e-4 * max(map(abs, ratios)) if all(r == r for r in ratios) else False
            number = sum(ratios) / len(ratios) if same else self._bound(edited, before)
            ref = self.number(number) if number is not None else -1
            self.write(Kind.EDITED, edited, ref=ref, flags=int(number is not None and not same))
        if deposit:
            self.write(Kind.DEPOSIT, deposit)
        if added:
            self.write(Kind.DEPOSIT, added, flags=1)

    def _bound(self, edited: int, before: dict[int, torch.Tensor | None]) -> float | None:
        """The bound that all these gradients were clamped to; None if that is not what became of them."""
        pairs = [(grad, before[bit]) for bit, grad in enumerate(self._grads) if edited >> bit & 1 and grad is not None]
        bound = max((float(grad.abs().max()) for grad, _ in pairs), default=0.0)
        kept = all(held is not None and same_numbers(held.clamp(-bound, bound), grad) for grad, held in pairs)
        return bound if kept else None

    # --- bursts ----------------------------------------------------------------------------------------------

    def _update_done(self) -> None:
        self.updates += 1
        if self.updates >= self._burst_ends and not self._steps:
            self._hush()
            self._gap_from = self.updates
            self._resume_at = int(self.updates * GROWTH) + 1

    def _quiet_update(self, optimizer: Any = None) -> None:
        """Count an update that is about to come; where the next burst begins, record it."""
        if self.updates + 1 < self._resume_at:
            self.updates += 1
            return
        self._resume()
        if optimizer is not None:
            self._step_begins(optimizer)

    @guarded
    def _resume(self) -> None:
        self.write(Kind.GAP, ref=self.updates - self._gap_from)
        self._burst_ends = self.updates + BURST
        self._used.clear()
        self._listen()

    # --- the account -----------------------------------------------------------------------------------------

    def account(self) -> dict[str, Any]:
        """Everything as plain data, in the form that `loop.events.read` takes."""
        with torch.no_grad():
            ends = [tensor.detach() for tensor in self.tensors]
            moved = sum(
                1 << bit
                for bit, (one, two) in enumerate(zip(ends, self._begun, strict=True))
                if not same_numbers(one, two)
            )
            finite = all(bool(torch.isfinite(end).all()) for end in ends)
        guess = self.reset_guess()
        if self.owner is not None:
            now = dict(self.owner.named_parameters())
            if any(now.get(name) is not tensor for name, tensor in zip(self.names, self.tensors, strict=True)):
                self.note("parameters were replaced")
        return {
            **self.data(),
            "updates": self.updates,
            "moved": moved,
            "frozen": self._frozen,
            "finite": finite,
            "reset_guess": guess,
        }
