"""What an ingress does by itself about one call: attach, detach, end, restore, sweep, keep house.

Why it exists: ingress holds the caller's socket, and so decides whether there is a call at all. Owns: what it
concludes from an answer. Pure. Must not know: what befalls it.
"""

from __future__ import annotations

from collections.abc import Iterator

from proofs.prove.states.ownership.asking import Step, Taken, asked, with_ingress
from proofs.prove.states.ownership.redis import (
    ABSENT,
    ENDED,
    OK,
    Answer,
    Request,
    Rules,
    execute,
    reserve,
)
from proofs.prove.states.ownership.world import UP, Ingress, Kind, Line, World, name_of


def heard_at(w: World, role: int, epoch: int, name: str) -> Taken:
    """A write of an owner was admitted."""
    mine = (role, epoch, name)
    if mine in w.heard:
        return w, ""
    others = [each for each in w.heard if each[:2] == (role, epoch)]
    broken = f"{others[0][2]} and {name} are both heard under one epoch" if others else ""
    return w._replace(heard=w.heard | {mine}), broken


def at_once(w: World, kind: Kind, rules: Rules) -> Iterator[Step]:
    """What ingresses do without waiting for anything."""
    for index, ingress in enumerate(w.ingresses):
        if ingress.up != UP:
            continue
        if ingress.stream and _is_closed(w, ingress):
            yield Step(f"{ingress.name} finds its socket closed", _left(w, index, rules))
        if ingress.asks:
            yield from _ask(w, kind, rules, index, ingress.asks)
        elif ingress.stream and not ingress.leg:
            attach = ("attach", ingress.stream, ingress.name, ingress.nonce, kind.roles)
            yield from _ask(w, kind, rules, index, attach)
        elif ingress.stream:
            yield from _look(w, kind, rules, index)


def in_time(w: World, kind: Kind, rules: Rules) -> Iterator[Step]:
    """What they do when something has been so for a while."""
    for index, ingress in enumerate(w.ingresses):
        if ingress.up != UP:
            continue
        card = w.redis.card
        must_wait = rules.sweeps_wait and _is_missed(w, rules)
        if w.redis.deadline and card is not None and not must_wait:
            of = (card.leg, card.stream) if rules.ends_name_leg else ()
            yield from _quietly(w, kind, rules, f"{ingress.name} sweeps", ("end", card.ends_as, *of))
        if ingress.waits:
            left = with_ingress(w, index, ingress._replace(waits=()))
            yield from _quietly(left, kind, rules, f"{ingress.name} has waited", ingress.waits)
        if kind.janitor and card is not None and card.state != ENDED and _is_abandoned(w):
            end: Request = ("end", "abandoned", card.leg, card.stream, True)
            yield from _quietly(w, kind, rules, f"janitor {ingress.name}", end)


def line_steps(w: World, kind: Kind, rules: Rules) -> Iterator[Step]:
    """The carrier asks what comes next, and is told to open a stream, or to hang up."""
    line = w.line
    if line.at or line.hung_up:
        return
    for index, ingress in enumerate(w.ingresses):
        if ingress.up != UP:
            continue
        redis, answer = reserve(w.redis, rules, 0)
        if answer.kind != OK:
            yield Step("the carrier hangs up", w._replace(line=line._replace(hung_up=True)))
            continue
        stream = line.stream + 1
        left = _left(w, index, rules) if ingress.stream else w
        held = left.ingresses[index]._replace(stream=stream, nonce=answer.epoch, leg=0)
        then = with_ingress(left, index, held)._replace(redis=redis, line=Line(stream, ingress.letter))
        yield Step(f"stream {stream} opens at {ingress.name}", then)


def caller_steps(w: World, kind: Kind) -> Iterator[Step]:
    """The caller may hang up."""
    if kind.hangs_up and not w.line.hung_up:
        yield Step("the caller hangs up", w._replace(line=w.line._replace(hung_up=True)))


# Private.


def _is_closed(w: World, ingress: Ingress) -> bool:
    is_there = w.line.at == ingress.letter and w.line.stream == ingress.stream
    return w.line.hung_up or not is_there


def _is_abandoned(w: World) -> bool:
    """For a minute nobody has held a socket of it or was about to."""
    is_held = any(ingress.stream or ingress.asks for ingress in w.ingresses)
    return w.line.hung_up and not is_held and not w.redis.deadline


def _is_missed(w: World, rules: Rules) -> bool:
    """Somebody holds a socket of the call that Redis does not know any more."""
    return any(
        each.up == UP and each.leg and execute(w.redis, _figures(each), 0, rules)[1].kind == ABSENT
        for each in w.ingresses
    )


def _left(w: World, index: int, rules: Rules) -> World:
    """Its socket is gone: what was planned for then. An ATTACH without an answer is asked again all the
    same."""
    ingress = w.ingresses[index]
    gone = ingress._replace(stream=0, nonce=0, leg=0)
    if ingress.leg or name_of(ingress.asks) == "attach":
        is_stop = w.line.hung_up and w.line.at == ingress.letter
        later = ("defer" if rules.deadlines else "later", "no_new_stream")
        gone = gone._replace(then=("end", "completed") if is_stop else later)
    if ingress.leg:
        gone = gone._replace(asks=("detach", ingress.leg, ingress.stream))
    return with_ingress(w, index, gone)


def _figures(ingress: Ingress) -> Request:
    return ("figures", ingress.leg, ingress.stream)


def _ask(w: World, kind: Kind, rules: Rules, index: int, request: Request) -> Iterator[Step]:
    def waiting(then: World) -> World:
        return with_ingress(then, index, then.ingresses[index]._replace(asks=request))

    def answered(then: World, answer: Answer) -> Taken:
        return _conclude(then, index, request, answer, rules)

    name = f"{w.ingresses[index].name} asks {' '.join(map(str, request))}"
    return asked(w, kind, rules, name, request, answered=answered, waiting=waiting)


def _quietly(w: World, kind: Kind, rules: Rules, name: str, request: Request) -> Iterator[Step]:
    """What is asked again the next time anyway."""
    return asked(
        w, kind, rules, name, request, answered=lambda then, _: (then, ""), waiting=lambda then: then
    )


def _conclude(w: World, index: int, request: Request, answer: Answer, rules: Rules) -> Taken:
    ingress = w.ingresses[index]._replace(asks=())
    match name_of(request):
        case "attach" if answer.kind == OK and ingress.stream == request[1]:
            ingress = ingress._replace(leg=answer.epoch)
        case "attach" if answer.kind == OK:
            ingress = ingress._replace(asks=("detach", answer.epoch, request[1]))
        case "attach" if ingress.stream == request[1]:
            return _closed(w, index, ingress), ""
        case "detach" if answer.kind == OK:
            ingress = _detached(ingress, request)
    return with_ingress(w, index, ingress), ""


def _detached(ingress: Ingress, request: Request) -> Ingress:
    _, leg, stream = request
    script, outcome = ingress.then
    match script:
        case "later":
            return ingress._replace(waits=("end", outcome, leg, stream))
        case "defer":
            return ingress._replace(asks=("defer", leg, stream, outcome))
    # The carrier has said that the call is over: that ends it in any state.
    return ingress._replace(asks=("end", outcome))


def _look(w: World, kind: Kind, rules: Rules, index: int) -> Iterator[Step]:
    """FIGURES, and what follows from its answer."""
    ingress = w.ingresses[index]
    _, answer = execute(w.redis, _figures(ingress), 0, rules)
    card = w.redis.card
    if answer.kind == OK and card is not None:
        facts = tuple((has.owner, has.epoch) for has in card.roles)
        if facts != ingress.facts:
            yield Step(
                f"{ingress.name} learns {facts}", with_ingress(w, index, ingress._replace(facts=facts))
            )
    elif answer.kind == ABSENT:
        yield from _ask(w, kind, rules, index, _restoring(ingress))
    else:
        is_newest = not _is_closed(w, ingress) and answer.owner != ENDED
        broken = "the newest stream is closed for the sake of an older one" if is_newest else ""
        yield Step(f"{ingress.name} closes", _closed(w, index, ingress), broken)


def _restoring(ingress: Ingress) -> Request:
    held: list[str | int] = []
    for (owner, epoch), (highest, _) in zip(ingress.facts, ingress.high, strict=True):
        held += (owner, epoch) if epoch >= highest else ("", highest)
    return ("restore", ingress.leg, ingress.stream, ingress.name, ingress.nonce, *held)


def _closed(w: World, index: int, ingress: Ingress) -> World:
    """It closes the socket itself: there is nothing to detach. The carrier asks what comes next."""
    is_last = w.line.at == ingress.letter and w.line.stream == ingress.stream
    w = with_ingress(w, index, ingress._replace(stream=0, nonce=0, leg=0))
    return w._replace(line=w.line._replace(at="")) if is_last else w
