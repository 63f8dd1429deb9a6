"""The queue of the model: whose turn it is, and what holds runs there.

Beside reference.py, whose runs it orders: the lanes of those that wait, those that are held by a pause or a limit, and
which of them a worker is given next.
"""
from deployments import WORKFLOW, tenant_of

ACTIONS = {'repo': 'github.repository', 'project': 'vercel.project', 'env': 'vercel.env'}
ASIDES = ['workflow:' + WORKFLOW, 'provider:github', 'provider:vercel'] + ['action:' + name for name in ACTIONS.values()]
NAMED = {'tenant': "the tenant '%s'", 'app': "the app '%s'", 'action': "the action '%s'"}
NOTE = {'by': 'jane', 'at': 'noon', 'reason': 'maintenance'}
HELD_MS, BEGUN_MS, LOOKS_AGAIN, TURN_MS, WAKES_MAX = 1000, 5000, 16, 1 / 1024, 8


def of_tenant(app):
    return 'tenant:' + tenant_of(app)


def of_app(app):
    return 'app:' + app


def first_of(turns):
    return min(((since, name) for name, since in turns.items()), default=(0, None))


def last_of(turns):
    return max(((since, name) for name, since in turns.items()), default=(0, None))


class Lanes:
    """Steps of runs that wait, by app, and since when the apps of a tenant, and tenants, wait for a turn."""

    def __init__(self):
        self.tenants, self.turns, self.lanes = {}, {}, {}

    def turns_of(self, tenant):
        return self.turns.setdefault(tenant, {})

    def join(self, app, now):
        for turns, name in ((self.turns_of(tenant_of(app)), app), (self.tenants, tenant_of(app))):
            if name not in turns:
                self.put_last(turns, name, now)

    def put_last(self, turns, name, now):
        since, last = last_of(turns)
        if last != name:
            turns[name] = max(now, since + TURN_MS)

    def remove(self, app, step):
        if step in self.lanes.get(app, []):
            self.lanes[app].remove(step)
            self.tidy(app)

    def tidy(self, app):
        """What has no runs to take takes no part in the turns."""
        if not self.lanes.get(app):
            self.lanes.pop(app, None)
            self.turns_of(tenant_of(app)).pop(app, None)
        self.tidy_tenant(tenant_of(app))

    def tidy_tenant(self, tenant):
        if not self.turns.get(tenant):
            self.tenants.pop(tenant, None)

    def snapshot(self):
        return {'tenants': sorted(self.tenants, key=lambda name: (self.tenants[name], name)),
                'turns': {tenant: sorted(turns, key=lambda app: (turns[app], app))
                          for tenant, turns in self.turns.items() if turns},
                'lanes': {app: list(steps) for app, steps in self.lanes.items() if steps}}


class Queue:
    """Where a run waits."""

    def open_queue(self):
        self.trees = {what: Lanes() for what in ['ready'] + ASIDES}
        self.ready = self.trees['ready']
        self.begun = {}    # runs that were begun and are due again: since when
        self.paused = {}   # what somebody has paused
        self.running = {}  # of what so many are being run
        self.held = {}     # what holds runs: when it is looked at again
        self.holds = {}    # and why it does
        self.waits = {}    # of a limit: runs that were begun and that it holds, since when
        self.behind = {}   # of a tenant or an app that is held: what else holds runs of it

    def put_ready(self, run, first):
        app, step = run.home[0], run.member.split(':', 2)[2]
        if run.started_at is not None:
            self.begun[run.member] = self.now
            return
        lane = [other for other in self.ready.lanes.get(app, []) if other != step]
        self.ready.lanes[app] = [step] + lane if first else lane + [step]
        self.join_turns(app)

    def join_turns(self, app):
        self.ready.join(app, self.now)

    def leave_ready(self, run):
        app, step = run.home[0], run.member.split(':', 2)[2]
        self.begun.pop(run.member, None)
        self.ready.remove(app, step)
        if run.aside:
            self.trees[run.aside].remove(app, step)

    def stands_in_lane(self, run):
        app, step = run.home[0], run.member.split(':', 2)[2]
        return step in self.ready.lanes.get(app, [])

    def is_aside(self, run):
        app, step = run.home[0], run.member.split(':', 2)[2]
        tree = self.trees.get(run.aside)
        return bool(tree and step in tree.lanes.get(app, []) and app in tree.turns_of(tenant_of(app)) and
                    tenant_of(app) in tree.tenants and run.aside in self.held)

    def has_turn(self, app):
        tenant = tenant_of(app)
        return of_app(app) in self.held or app in self.ready.turns_of(tenant) and (
            tenant in self.ready.tenants or of_tenant(app) in self.held)

    def is_ready(self, run):
        app = run.home[0]
        return run.member in self.begun or self.is_aside(run) or self.stands_in_lane(run) and self.has_turn(app)

    # ---- what holds runs ----

    def pause(self, kind, name, note):
        what = kind + ':' + name
        if note:
            self.paused[what] = note
            return ['paused']
        if self.paused.pop(what, None) is None:
            return ['nothing']
        self.look_again(what)
        return ['resumed']

    def look_again(self, what):
        if what in self.held:
            self.held[what] = 0

    def hold(self, what, why):
        self.held.setdefault(what, self.now + HELD_MS)
        if why:
            self.holds[what] = why

    def count(self, run, action):
        counted = [of_tenant(run.app), of_app(run.app), 'action:' + action]
        for what in counted:
            self.running[what] = self.running.get(what, 0) + 1
        return ' '.join(counted)

    def uncount(self, counted):
        for what in counted.split():
            self.running[what] -= 1
            if not self.running[what]:
                del self.running[what]
            self.look_again(what)
        for what in counted.split():
            self.wake_held(self.waits.pop(what, {}), what)

    def wake_held(self, waits, what):
        """The first run that was begun, and that a limit holds, goes on the queue again."""
        for member in sorted(waits, key=lambda name: (waits[name], name))[:WAKES_MAX]:
            del waits[member]
            run = self.named[member]
            if run.status == 'running' and run.phase == 'queued' and run.reason == 'turn' and run.due is not None and (
                    run.started_at is not None):
                self.put_back(run)
                break
        if waits:
            self.waits[what] = waits

    def snapshot_of_queue(self):
        return {'begun': dict(self.begun),
                'paused': dict(self.paused), 'running': {what: str(count) for what, count in self.running.items()},
                'held': dict(self.held), 'holds': dict(self.holds),
                'waits': {what: dict(waits) for what, waits in self.waits.items()},
                'behind': {what: sorted(others) for what, others in self.behind.items() if others},
                'trees': {what: tree.snapshot() for what, tree in self.trees.items()}}


class Taking:
    """One call in which a worker takes runs."""

    def __init__(self, model, definitions, limits):
        self.model, self.now, self.definitions = model, model.now, definitions
        self.limits = {name: int(most) for name, most in (word.split('=') for word in limits.split())}
        self.anything_holds = bool(self.limits or model.paused)
        self.sources, self.looked, self.turned = [], set(), {}
        due = sorted((when, what) for what, when in model.held.items() if when <= model.now)
        for _, what in due[:LOOKS_AGAIN]:
            self.look_at(what)
        self.sources.append('ready')

    def action_of(self, step):
        listed = [word.split('=') for word in self.definitions.split()]
        return next((action for name, _, action in listed if name == step), '')

    def why_held(self, what):
        """Why it holds runs now, and whether somebody has paused it."""
        kind, name = what.split(':', 1)
        if what in self.model.paused:
            return "the %s '%s' is paused by %s since %s: %s" % (kind, name, *NOTE.values()), True
        most = self.limits.get(name if kind == 'action' else kind)
        count = self.model.running.get(what, 0)
        if kind in NAMED and most is not None and count >= most:
            ours = ': one executor is left to other tenants' if kind == 'tenant' and 'reserve' in self.limits else ''
            return '%d runs of %s are being run, and no more may be%s' % (count, NAMED[kind] % name.split(':')[-1], ours), False
        return None, False

    def hold_of_step(self, step):
        action = self.action_of(step)
        for what in ('workflow:' + step.split(':')[0], 'provider:' + action.split('.')[0], 'action:' + action):
            why, is_paused = self.why_held(what)
            if why:
                return what, why, is_paused
        return None, None, False

    def hold_of_new(self, step, source):
        """One that is new waits behind those that wait for its action already."""
        what, why, _ = self.hold_of_step(step)
        action = self.action_of(step)
        behind = 'action:' + action
        if not what and action in self.limits and behind != source and self.model.trees[behind].tenants:
            return behind, None
        return what, why

    def look_at(self, what):
        model = self.model
        if what in self.looked:
            return
        self.looked.add(what)
        has_lanes = what.split(':')[0] in ('tenant', 'app')
        why, _ = self.why_held(what)
        if why and (has_lanes or model.trees[what].tenants):
            model.held[what], model.holds[what] = self.now + HELD_MS, why
        elif not has_lanes and model.trees[what].tenants:
            model.held[what] = self.now - HELD_MS
            self.sources.append(what)
            self.turned[what] = set()
        else:
            model.held.pop(what, None)
            model.holds.pop(what, None)
        if has_lanes and not why:
            self.bring_back(what)

    def bring_back(self, what):
        ready = self.model.ready
        kind, name = what.split(':', 1)
        app = first_of(ready.turns_of(name))[1] if kind == 'tenant' else name
        if app and ready.lanes.get(app):
            ready.join(app, self.now)
        for other in sorted(self.model.behind.pop(what, ())):
            if other in self.model.held:
                self.look_at(other)

    def close_for_a_while(self, source):
        self.model.held[source] = self.now + HELD_MS
        self.sources.remove(source)

    # ---- turns ----

    def next_run(self, after_begun):
        """Who is next, and whether it had begun."""
        model = self.model
        name = self.next_new() if after_begun else None
        if name is None and model.begun:
            name = min(model.begun, key=lambda member: (model.begun[member], member))
            del model.begun[name]
            return name, True
        return name or self.next_new(), False

    def next_new(self):
        while True:
            waiting = []
            for source in self.sources:
                tree = self.model.trees[source]
                if tree.tenants:
                    since, tenant = first_of(tree.tenants)
                    waiting.append((since, first_of(tree.turns_of(tenant))[0], len(waiting), source, tenant))
            if not waiting:
                return None
            source, tenant = min(waiting)[3:]
            app = first_of(self.model.trees[source].turns_of(tenant))[1]
            step = self.serve(source, tenant, app)
            if step:
                return app + ':' + step

    def serve(self, source, tenant, app):
        tree = self.model.trees[source]
        if source != 'ready' and self.why_held(source)[0]:
            return self.close_for_a_while(source)
        if self.anything_holds:
            why, _ = self.why_held('tenant:' + tenant)
            if why:
                return self.hold_turn(source, tree.tenants, tenant, 'tenant:' + tenant, why)
            why, _ = self.why_held(of_app(app)) if app else (None, False)
            if why:
                return self.hold_turn(source, tree.turns_of(tenant), app, of_app(app), why)
        step = self.first_free(source, app) if app else None
        self.end_turn(source, tenant, app, step)
        return step

    def hold_turn(self, source, turns, name, what, why):
        tree = self.model.trees[source]
        self.model.hold(what, why)
        if source == 'ready':
            del turns[name]
            tree.tidy_tenant(tenant_of(name))
            return
        self.model.behind.setdefault(what, set()).add(source)
        tree.put_last(turns, name, self.now)
        if what in self.turned[source]:
            self.close_for_a_while(source)
        self.turned[source].add(what)

    def first_free(self, source, app):
        lane = self.model.trees[source].lanes.get(app, [])
        while lane:
            step = lane.pop(0)
            if not self.anything_holds or not self.goes_aside(source, app, step):
                return step
        return None

    def goes_aside(self, source, app, step):
        run, model = self.model.named[app + ':' + step], self.model
        what, why = self.hold_of_new(step, source)
        if not what or run.status != 'running' or run.phase != 'queued' or run.due is not None:
            return False
        lane = model.trees[what].lanes.setdefault(app, [])
        lane[:] = [other for other in lane if other != step] + [step]
        model.trees[what].join(app, self.now)
        run.aside = what
        model.hold(what, why)
        if not why and what not in self.sources:
            self.looked.discard(what)
            self.look_at(what)
        return True

    def end_turn(self, source, tenant, app, served):
        tree = self.model.trees[source]
        app_stays = bool(app and tree.lanes.get(app))
        if app and not app_stays:
            tree.lanes.pop(app, None)
            del tree.turns_of(tenant)[app]
        if not app_stays:
            tree.tidy_tenant(tenant)
        if not served:
            return
        trees = [self.model.trees[other] for other in self.sources]
        for name, all_turns in ((app, [other.turns_of(tenant) for other in trees]),
                                (tenant, [other.tenants for other in trees])):
            if len(all_turns) > 1:
                since = max([self.now] + [last_of(turns)[0] + TURN_MS for turns in all_turns])
                for turns in all_turns:
                    if name in turns:
                        turns[name] = since
            elif name in all_turns[0]:
                tree.put_last(all_turns[0], name, self.now)

    # ---- what was begun ----

    def hold_begun(self, run):
        """It waits by itself; while somebody has paused it, its time stands."""
        model = self.model
        if not self.anything_holds:
            return False
        home = run.home[0]
        for what, why, is_paused in ((of_tenant(home), *self.why_held(of_tenant(home))), (of_app(home), *self.why_held(of_app(home))),
                                     self.hold_of_step(run.member.split(':', 2)[2])):
            if why:
                break
        else:
            return False
        was, reason = (run.reason, run.detail), 'paused' if is_paused else 'turn'
        run.run_deadline += BEGUN_MS if is_paused else 0
        run.reason, run.detail = reason, why
        model.stand_aside(run, BEGUN_MS)
        if not is_paused:
            model.waits.setdefault(what, {}).setdefault(run.member, self.now)
        if was != (reason, why):
            model.changed(run, 'queued', why)
        return True
