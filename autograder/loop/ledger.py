"""The gradient ledger: follows every gradient of an account from its Backprop to the update that used it.

A Backprop leaves one mark (`Token`) on each tensor that it reaches; an update spends the marks that are held; a Reset
erases them. What each update held tells what is wrong, and conservation (every Backprop used exactly once) tells what
was lost. Pure data in, pure data out; the verdict is read from it in `loop.reading`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from autograder.loop.events import Account, Back, Event, Kind, Written


class Use(StrEnum):
    """What an update found in the gradients of its tensors."""

    OLD_MARKS = "old marks"  # marks spent before, together with new ones
    TWICE = "same loss twice"
    STALE = "out of date"  # the loss was computed before the last update
    AGAIN = "used again"  # nothing but marks spent before
    SEVERAL = "several"  # of different losses, all fresh
    ONE = "one"  # exactly one fresh mark
    LOST = "erased"  # nothing; something had been erased unused
    NOTHING = "no marks"
    UNKNOWN = "unknown"


WORST_FIRST = tuple(Use)
EMPTY = (Use.LOST, Use.NOTHING)


@dataclass
class Token:
    """A Backprop's mark on one tensor."""

    backprop: int
    root: int
    stale: bool
    age: int
    zero: bool
    spent: int = 0


@dataclass
class Backprop:
    """One Backprop and the fate of its marks."""

    number: int
    event: Event
    after: int  # updates before it
    used: int = 0  # updates that spent a mark of it
    erased: bool = False
    away: bool = False  # it was made only to find the place that the next loss is looked at from (SAM)

    @property
    def flags(self) -> Back:
        return Back(self.event.flags)


@dataclass
class Update:
    """One change of the tensors: by an optimizer's step, or written by hand."""

    number: int  # from 1
    event: Event
    use: Use
    fresh: tuple[int, ...] = ()  # Backprops that it was the first to use
    held: tuple[int, ...] = ()  # all Backprops whose marks it used
    old: int = 0  # of those, spent before
    age: int = 0  # updates since the oldest loss in it was computed
    position: int = 0  # of its event in the account

    @property
    def by_hand(self) -> bool:
        return self.event.kind == Kind.WRITTEN

    @property
    def written(self) -> Written:
        return Written(self.event.flags if self.by_hand else 0)


@dataclass
class Ledger:
    """The account, with every gradient accounted for."""

    account: Account
    backprops: list[Backprop] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)  # on watched tensors
    strangers: list[Event] = field(default_factory=list)  # optimizers' steps on none of them
    reset_events: list[Event] = field(default_factory=list)
    spent_left: bool = False  # marks that were used are still there at the end
    open_end: bool = False  # the end of the loop was not recorded
    consumed: int = 0  # mask of tensors that some update had marks of
    runs: dict[int, list[int]] = field(default_factory=dict)  # per tensor: updates between Resets of spent marks
    piled: int = 0  # mask of tensors that an update had old marks of
    edits: list[Event] = field(default_factory=list)
    ratios: dict[int, float] = field(default_factory=dict)  # update's number -> factor of edited gradients
    aways: set[int] = field(default_factory=set)  # places in the account of changes that were taken back, after a look
    backs: set[int] = field(default_factory=set)  # and of those that took them back

    @property
    def reaching(self) -> list[Backprop]:
        """Backprops that ran and reached a watched tensor."""
        return [one for one in self.backprops if one.event.mask and not one.flags.raised]

    @property
    def empty_reach(self) -> list[Backprop]:
        return [one for one in self.backprops if not one.event.mask and not one.flags.raised]

    @property
    def failed(self) -> Backprop | None:
        """The last Backprop, if it raised."""
        return self.backprops[-1] if self.backprops and self.backprops[-1].flags.raised else None

    @property
    def lost(self) -> list[Backprop]:
        """Backprops erased before any update used them."""
        return [one for one in self.reaching if not one.used and one.erased and not one.away]

    @property
    def left(self) -> list[Backprop]:
        """Backprops never used and never erased."""
        return [one for one in self.reaching if not one.used and not one.erased and not one.away]

    @property
    def reset_runs(self) -> list[int]:
        """How many updates lay between Resets of the tensors that old marks piled up on; one by one, in order.

        A Reset after the last update (or the only one of each tensor, at the very end) parts nothing, so it is not
        counted.
        """
        found: list[int] = []
        for bit, runs in self.runs.items():
            if self.piled >> bit & 1:
                total = sum(bool(update.event.mask >> bit & 1) for update in self.updates)
                found += runs if sum(runs) < total else runs[:-1]
        return found

    def count(self, use: Use) -> int:
        return sum(update.use == use for update in self.updates)

    def first(self, use: Use) -> Update | None:
        return next((update for update in self.updates if update.use == use), None)


def keep(account: Account) -> Ledger:
    """Go through an account's events once and follow every gradient."""
    book = Ledger(account)
    keeper = _Keeper(account, book)
    for position, event in enumerate(account.events):
        keeper.take(position, event)
    keeper.close()
    return book


class _Keeper:
    def __init__(self, account: Account, book: Ledger) -> None:
        self.book = book
        self.bits = range(len(account.names))
        self.held: list[list[Token]] = [[] for _ in self.bits]
        self.returned: list[list[Token]] = [[] for _ in self.bits]
        self.erased_unused = [False] * len(account.names)
        self.unknown = 0  # tensors whose gradient may hold marks from before this part of the record
        self.since_reset = [0] * len(account.names)
        self.scale: float | None = None
        self.inside: list[int] = []  # Backprops that a step(closure) has made so far: it uses them all

    def take(self, position: int, event: Event) -> None:
        match event.kind:
            case Kind.BACKPROP:
                self._backprop(event)
            case Kind.OPTIMIZE:
                if event.mask:
                    self._update(position, event, event.other & event.mask)
                else:
                    self.book.strangers.append(event)
            case Kind.WRITTEN:
                self._written(position, event)
            case Kind.RESET:
                self._reset(event)
            case Kind.DEPOSIT:
                self._deposit(event)
            case Kind.EDITED:
                self._edit(event)
            case Kind.GAP:
                self._gap()

    def _backprop(self, event: Event) -> None:
        one = Backprop(len(self.book.backprops), event, len(self.book.updates))
        self.book.backprops.append(one)
        if one.flags.raised:
            return
        if one.flags & Back.INSIDE:
            self.inside.append(one.number)
        for bit in self._of(event.mask):
            token = Token(
                one.number, event.ref, bool(event.changed >> bit & 1), event.age, bool(event.other >> bit & 1)
            )
            if one.flags & Back.GRAD_ONLY:
                self.returned[bit] = [*(t for t in self.returned[bit] if not t.spent), token]
            else:
                self.held[bit].append(token)

    def _of(self, mask: int) -> list[int]:
        return [bit for bit in self.bits if mask >> bit & 1]

    def _deposit(self, event: Event) -> None:
        for bit in self._of(event.mask):
            kept = self.held[bit] if event.flags else []
            self.held[bit], self.returned[bit] = [*kept, *self.returned[bit]], []

    def _edit(self, event: Event) -> None:
        self.book.edits.append(event)
        factor = self.book.account.number(event.ref)
        if factor is not None and factor == factor:
            self.scale = (self.scale or 1.0) * factor
        for bit in self._of(event.mask):
            if not self.held[bit]:
                self.unknown |= 1 << bit  # a gradient that no Backprop of ours has made

    def _reset(self, event: Event) -> None:
        self.book.reset_events.append(event)
        for bit in self._of(event.mask):
            if self.since_reset[bit] and any(token.spent for token in self.held[bit]):
                self.book.runs.setdefault(bit, []).append(self.since_reset[bit])
                self.since_reset[bit] = 0
            for token in self.held[bit]:
                if not token.spent:
                    self.erased_unused[bit] = True
                    self.book.backprops[token.backprop].erased = True
            self.held[bit] = []
        self.unknown &= ~event.mask
        self.scale = None

    def _written(self, position: int, event: Event) -> None:
        flags = Written(event.flags)
        if flags & Written.ALONG_RETURNED:
            for bit in self._of(event.mask):
                self.held[bit], self.returned[bit] = [*self.returned[bit], *self.held[bit]], []
            self._update(position, event, event.mask)
            for bit in self._of(event.mask):
                self.held[bit] = [t for t in self.held[bit] if not self._only_returned(t)]
        elif flags & Written.ALONG_GRADIENT:
            self._update(position, event, event.mask)
        elif flags & Written.BACK and self._comes_back(event):
            self.book.backs.add(position)
        elif flags & Written.AVERAGED:
            pass  # with earlier weights of the same loop: no gradient is used, and the replay shows whether it is so
        else:
            # An update in an unknown way: whatever was held may have been used for it.
            tokens = [token for bit in self._of(event.mask) for token in (*self.held[bit], *self.returned[bit])]
            for token in tokens:
                token.spent += 1
            self._spend(sorted({token.backprop for token in tokens}))
            self.book.consumed |= event.mask if tokens else 0
            self._add(Update(len(self.book.updates) + 1, event, Use.UNKNOWN, position=position))

    def _comes_back(self, event: Event) -> bool:
        """Whether a change takes back the last one, which was by hand, after a Backprop in between: then neither is an
        update, and the gradient of the first was not learned from."""
        last = self.book.updates[-1] if self.book.updates else None
        if last is None or not last.by_hand or last.event.mask != event.mask:
            return False
        if not self.book.backprops or self.book.backprops[-1].after < len(self.book.updates):
            return False
        self.book.updates.pop()
        self.book.ratios.pop(last.number, None)
        self.book.aways.add(last.position)
        for bit in self._of(event.mask):
            self.since_reset[bit] = max(0, self.since_reset[bit] - 1)
        for number in last.held:
            one = self.book.backprops[number]
            one.used = max(0, one.used - 1)
            one.away = not one.used
        return True

    def _only_returned(self, token: Token) -> bool:
        return bool(self.book.backprops[token.backprop].flags & Back.GRAD_ONLY)

    def _spend(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self.book.backprops[number].used += 1

    def _add(self, update: Update) -> None:
        self.book.updates.append(update)
        for bit in self._of(update.event.mask):
            self.since_reset[bit] += 1
        if self.scale is not None:
            self.book.ratios[update.number] = self.scale

    def _update(self, position: int, event: Event, mask: int) -> None:
        uses: list[Use] = []
        fresh: set[int] = set()
        held: set[int] = set()
        old: set[int] = set()
        age = 0
        for bit in self._of(event.mask):
            tokens = self.held[bit] if mask >> bit & 1 else []
            uses.append(self._use(tokens, bit))
            if uses[-1] == Use.OLD_MARKS:
                self.book.piled |= 1 << bit
            for token in tokens:
                held.add(token.backprop)
                (old if token.spent else fresh).add(token.backprop)
                age = max(age, token.age if token.stale else 0)
            if tokens:
                self.book.consumed |= 1 << bit
        if self.unknown & event.mask:
            use = Use.UNKNOWN
            self.unknown &= ~event.mask
        else:
            full = [use for use in uses if use not in EMPTY]
            use = min(full or uses, key=WORST_FIRST.index, default=Use.NOTHING)
        first = tuple(sorted(n for n in fresh if not self.book.backprops[n].used))
        for bit in self._of(event.mask):
            for token in self.held[bit] if mask >> bit & 1 else []:
                token.spent += 1
            self.erased_unused[bit] = False
        self._spend(sorted(held))
        self._spend([number for number in self.inside if not self.book.backprops[number].used])
        self.inside = []
        self._add(Update(len(self.book.updates) + 1, event, use, first, tuple(sorted(held)), len(old), age, position))

    def _use(self, tokens: Sequence[Token], bit: int) -> Use:
        if not tokens:
            return Use.LOST if self.erased_unused[bit] else Use.NOTHING
        spent = [token for token in tokens if token.spent]
        if len(spent) == len(tokens):
            return Use.AGAIN
        if spent:
            return Use.OLD_MARKS
        roots = [token.root for token in tokens if token.root >= 0]
        if len(set(roots)) < len(roots):
            return Use.TWICE
        if any(token.stale for token in tokens):
            return Use.STALE
        return Use.SEVERAL if len(tokens) > 1 else Use.ONE

    def _gap(self) -> None:
        """Updates were not recorded here: nothing is known of the gradients that are there now."""
        for tokens in (*self.held, *self.returned):
            for token in tokens:
                self.book.backprops[token.backprop].used += 1  # not left: nobody looked
            tokens.clear()
        self.unknown = self.book.account.everything
        self.since_reset = [0] * len(self.since_reset)
        self.erased_unused = [False] * len(self.erased_unused)

    def close(self) -> None:
        events = self.book.account.events
        self.book.open_end = bool(events) and events[-1].kind == Kind.GAP
        self.book.spent_left = any(token.spent for tokens in self.held for token in tokens)
