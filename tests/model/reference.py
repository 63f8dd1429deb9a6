"""What a run of the engine is meant to do, said a second time and in other words than the scripts say it.

A model keeps the runs of three apps of two tenants, of which two have the same name, and the queue in plain Python, under a clock that the caller sets. Each method named
after a script changes the model as the script is to change Redis, and returns what the script is to answer.
"""
import json

from budgets import Budgets
from deployments import ANY, GIVEN, KEPT, WORKFLOW, Dependants, as_stored, bare, tenant_of
from queue_model import Queue, Taking

NEEDS = {'repo': [], 'project': ['repo'], 'env': ['project']}
APPS = ['one:acme', 'one:blog', 'two:acme']
TENANTS = ['one', 'two']
DELAYED_PHASES = ('waiting', 'retrying', 'blocked')
QUEUED_LOOK_MS = 12 * 3600 * 1000
LOOKS = 32
# What the worker that takes a run is told of it.
TAKEN = ('run status phase input checkpoint attempt attempts crashes queued_at started_at run_deadline request outage_at '
         'outage_ms outage_seen paused_ms').split()


class Run:
    # Every field that the hash of a run may have. None: the field is not there.
    FIELDS = ('run status phase retention input digest basis attempt attempts crashes queued_at '
              'run_deadline started_at finished_at changed_at version ready_at lease lease_until worker due cancel reason '
              'detail checkpoint output error removed trigger request lost_lease used outage_at run_ms needs gives stale '
              'failures outage_ms outage_seen paused_ms definition deployment actor declines outputs uses triggers in_history aside counted budgeted').split() + KEPT

    def __init__(self, app, action):
        self.member = '%s:%s:%s' % (app, WORKFLOW, action)
        self.home, self.workflow = (app, action), WORKFLOW
        self.app, self.action = self.home
        self.forget(self.FIELDS)

    def forget(self, fields):
        for field in fields:
            setattr(self, field, None)

    def as_hash(self, names=FIELDS):
        fields = as_stored({field: getattr(self, field) for field in names})
        return {field: value for field, value in fields.items() if field != 'basis' or value}


class Model(Dependants, Queue, Budgets):
    def __init__(self, now):
        self.now = now
        self.runs = [Run(app, action) for app in APPS for action in NEEDS]
        self.open_queue()
        self.open_budgets(TENANTS)
        self.swept = None        # when it was looked at last whether all have their places
        self.delayed, self.live, self.apps = {}, {}, {}
        self.tenants = set()     # that have apps on the list
        self.ledgers = {app: {} for app in APPS}
        self.makers = {app: {} for app in APPS}  # row of the ledger: {run of a step: its id when it wrote the row}
        self.events = {app: [] for app in APPS}
        self.pulsed, self.spared = None, 0  # when a worker last looked, until when leases are left alone
        self.connect(APPS)
        self.steps = {run.member for run in self.runs}

    # ---- steps that the scripts share ----

    def note(self, run, event, detail=''):
        self.events[run.app].append([run.workflow, run.action, run.run, event, detail or ''])

    def touch(self, run):
        run.version = (run.version or 0) + 1
        run.changed_at = self.now
        self.list_app(run.app)

    def changed(self, run, event, detail=''):
        self.touch(run)
        self.note(run, event, detail)

    def leave(self, run):
        """Wherever a live run stands, it stands there no longer."""
        if run.phase == 'queued':
            self.leave_ready(run)
        self.delayed.pop(run.member, None)
        self.live.pop(run.member, None)
        counted = run.counted
        run.forget(['phase', 'ready_at', 'lease', 'lease_until', 'worker', 'due', 'counted', 'aside'])
        if counted:
            self.uncount(counted)

    def to_queue(self, run, detail='', first=False):
        self.put_back(run, first)
        self.changed(run, 'queued', detail)

    def put_back(self, run, first=False):
        self.leave(run)
        self.put_ready(run, first)
        run.phase, run.ready_at = 'queued', self.now
        self.live[run.member] = self.now + QUEUED_LOOK_MS

    def to_delayed(self, run, phase, milliseconds, checkpoint, reason, detail, outage, outage_ms, outage_seen):
        self.leave(run)
        run.crashes = run.lost_lease = None
        run.phase, run.reason, run.detail = phase, reason, detail
        run.checkpoint = checkpoint or run.checkpoint
        run.due = min(self.now + milliseconds, run.run_deadline)
        self.delayed[run.member] = self.live[run.member] = run.due
        if outage:
            lost = outage_ms + run.due - self.now
            run.outage_at = run.outage_at or self.now - outage_ms
            run.outage_ms = (run.outage_ms or 0) + lost
            run.paused_ms = (run.paused_ms or 0) + lost
            run.outage_seen = outage_seen or run.outage_seen
        elif reason not in ('store_unavailable', 'turn', 'needs', 'no_worker_for_version'):
            run.forget(['outage_at', 'outage_ms', 'outage_seen'])
        self.changed(run, phase, detail)

    def to_end(self, run, status, output, error, reason='', gives=''):
        self.leave(run)
        self.leave_budget(run)
        run.forget(['cancel', 'detail', 'lost_lease', 'outage_at', 'outage_ms', 'outage_seen', 'paused_ms',
                    'declines'])
        # A run that never began has not taken the place of the result that stood there.
        if status == 'done' or run.started_at is not None:
            run.forget([field for field in KEPT if field != 'kept_run' or reason != 'reused'])
        run.status, run.output, run.finished_at = status, output, self.now
        run.error, run.reason, run.gives = error or None, reason or None, gives or None
        if reason == 'reused':
            run.input = run.failures = None
        elif len(run.input or '') > 4096:
            run.input = None
        run.input = run.input or None
        if status == 'done' and run.basis:
            self.see_staleness(run)
        self.changed(run, status, reason)
        run.forget(['checkpoint', 'attempts', 'run_ms', 'run_deadline', 'changed_at'])  # of no interest any more
        self.leave_unsaid(run)
        self.tell_others(run)

    def leave_unsaid(self, run):
        """What most have, and names of outputs that can be read off the output."""
        if run.attempt == 1:
            run.attempt = None
        if run.crashes == 0:
            run.crashes = None
        output = json.loads(run.output)
        is_flat = not any(isinstance(value, dict) for value in output.values())
        if is_flat and set((run.outputs or '').split()) <= set(output):
            run.outputs = None

    def create(self, one, needs='', deployment=None, **new):
        """Of what was before, only the version stays, when it last changed, and the triggers that are known."""
        self.record_end(one)
        was_counted = one.status == 'running' and one.budgeted
        one.forget(field for field in Run.FIELDS if field not in ('version', 'changed_at', 'triggers'))
        one.status, one.attempt = 'running', 1
        for field, value in new.items():
            setattr(one, field, value)
        for field in ('request', 'trigger', 'actor', 'definition', 'outputs', 'uses'):
            setattr(one, field, getattr(one, field) or None)
        one.queued_at, one.run_deadline = self.now, self.now + one.run_ms
        one.needs, one.deployment = needs or None, deployment
        self.count_live(one, was_counted)
        self.use(one, needs.split())

    def list_app(self, app):
        self.apps[app] = self.now
        self.tenants.add(tenant_of(app))

    def trim_apps(self, retention, tenant):
        for name in [name for name, when in self.apps.items()
                     if when <= self.now - retention * 1000 and tenant_of(name) == tenant]:
            if self.ledgers[name]:
                self.apps[name] = self.now
            else:
                del self.apps[name]

    def ended_by_cancel(self, run):
        if run.cancel is None:
            return False
        self.to_end(run, 'error', '{}', run.cancel)
        return True

    def told(self, word, run):
        """What is to be logged of a run that has ended, or gone to another worker: some of it where there is any."""
        facts = {'run': '', 'status': '', 'attempt': 1, 'queued_at': '', 'reason': None, 'error': None, 'crashes': None,
                 'request': None}
        told = {fact: unsaid if getattr(run, fact) is None else getattr(run, fact) for fact, unsaid in facts.items()}
        return [word, self.now, {fact: str(value) for fact, value in told.items()
                                 if facts[fact] is not None or value not in (None, '', 0)}]

    # ---- the scripts ----

    def trigger(self, run, run_id, given, digest, definition, outputs, uses, force, deadline, attempts, retention,
                trigger='', request='', needs='', hold='', actor=''):
        names = needs.split()
        missing, failed, _, basis = self.look(run, names, uses)
        known = (run.triggers or '').split()
        if trigger and trigger in known:
            return ['same', self.now, run.as_hash(), []]
        known = ' '.join(([trigger] if trigger else []) + known[:7 if trigger else 8]) or None
        if run.status == 'running':
            if run.digest == digest:
                run.triggers = known
            return ['same' if run.digest == digest else 'conflict', self.now, run.as_hash(), []]
        if missing and not hold:
            return ['needs_not_done', self.now, run.as_hash(), [names.index(name) + 1 for name in missing]]
        if missing and self.closes_ring({run.member: names}):
            return ['ring', self.now, run.as_hash(), ['a ring']]
        keeps = not force and run.digest in (digest, GIVEN) and run.definition == definition and self.result_of(run)
        as_made = keeps and not missing and keeps[1] in (basis, ANY)
        if as_made and run.status == 'done':
            if run.digest == GIVEN:
                self.record_end_here(run)
                run.digest, run.needs, run.uses, run.basis = digest, needs or None, uses or None, basis
                self.touch(run)
                self.use(run, names)
            run.triggers = known
            return ['reused', self.now, run.as_hash(), []]
        over = not as_made and self.over_budget(run.home[0], live=1, starts=1)
        if over:
            return ['over', self.now, run.as_hash(), over]
        self.trim_apps(retention, tenant_of(run.home[0]))
        if not as_made:
            self.count_start(run.home[0])
        run.triggers = known
        self.create(run, run=run_id, input=given, digest=digest, attempts=attempts, retention=retention,
                    trigger=trigger, request=request, run_ms=deadline, needs=needs, deployment=self.goes_on(run, digest),
                    actor=actor, definition=definition, outputs=outputs, uses=uses)
        if as_made:
            run.kept_output, run.kept_basis, run.kept_gives, run.kept_run = keeps
            self.unblock(run, basis)
            return ['reused', self.now, run.as_hash(), []]
        if missing:
            run.run_deadline = self.now + hold
            if keeps:
                run.kept_output, run.kept_basis, run.kept_gives, run.kept_run = keeps
            missing, failed, _, _ = self.look(run, names, uses)
            self.block(run, missing, failed)
        else:
            run.basis = basis
            self.to_queue(run)
            run.changed_at = None  # when it was queued
            self.tell_others(run)
        if missing:
            return ['new', self.now, run.as_hash(), []]
        return ' '.join(['queued', str(self.now), str(run.version), *([run.deployment] if run.deployment else [])])

    def take(self, want, worker, lease_ms, after_begun, definitions, limits, timeout):
        """The next runs, and all others that a worker meets before it has so many."""
        met, looks, missing, taking = [], LOOKS + want, want, Taking(self, definitions, limits)
        while missing and looks:
            name, had_begun = taking.next_run(after_begun)
            if name is None:
                break
            looks -= 1
            answer = self.take_one(self.named[name], worker, lease_ms, taking, timeout, had_begun)
            met += [answer] if answer else []
            if answer and answer[0] == 'claimed':
                missing, after_begun = missing - 1, had_begun
        return [self.now, '1' if after_begun else '', met]

    def take_one(self, run, worker, lease_ms, taking, timeout, from_begun):
        if run.status != 'running' or run.phase != 'queued' or run.due is not None:
            return None
        # A hand has put it there, where no limit would hold it.
        if from_begun and run.started_at is None:
            return None
        self.give_back_pause(run, run.ready_at)
        # A long queue ends nobody: the time counts from the first attempt, or from when no worker is known to have it.
        known = [word.rsplit('=', 1)[0] for word in taking.definitions.split()]
        is_known = not known or '%s=%s' % (run.member.split(':', 2)[2], run.definition or '') in known
        if (run.started_at is not None or run.reason and not is_known) and self.now >= run.run_deadline:
            self.to_end(run, 'error', '{}', timeout)
            return ['expired', run.member, self.told('expired', run)[2]]
        if not is_known:
            if run.started_at is None and not run.reason:
                run.run_deadline = self.now + run.run_ms
            self.stand_aside(run, 1000)
            return ['declined', run.member, run.run, run.definition or '']
        if run.started_at is not None and taking.hold_begun(run):
            return None
        return self.claim(run, worker, lease_ms, taking)

    def give_back_pause(self, run, since):
        """While it is paused its time stands, also until somebody looks."""
        if run.phase == 'queued' and run.started_at is not None and run.reason == 'paused' and since is not None:
            run.run_deadline += max(self.now - since, 0)

    def stand_aside(self, run, milliseconds):
        self.leave(run)
        run.phase = 'queued'
        run.due = min(self.now + milliseconds, run.run_deadline)
        self.delayed[run.member] = self.live[run.member] = run.due

    def decline(self, run, run_id, reason, detail):
        if run.status != 'running' or run.phase != 'queued' or run.due is None or run.run != run_id:
            return ['stale']
        news = (run.reason or '') != reason
        run.reason, run.detail = (reason, detail) if reason else (None, None)
        run.declines = (run.declines or 0) + 1 if reason else None
        if reason:
            self.stand_aside(run, min(1000 * run.declines, 5000))
        if news:
            self.changed(run, 'queued', detail)
        return ['declined']

    def claim(self, run, worker, lease_ms, taking):
        self.delayed.pop(run.member, None)
        run.phase, run.worker = 'executing', worker
        run.version, run.changed_at = (run.version or 0) + 1, self.now
        self.list_app(run.app)
        run.lease = '%s/%d/%d/%d' % (run.run, run.attempt, run.version, self.now)
        run.lease_until = self.live[run.member] = self.now + lease_ms
        if run.started_at is None:
            run.started_at, run.run_deadline = self.now, self.now + run.run_ms
        if taking.limits:
            run.counted = self.count(run, taking.action_of(run.member.split(':', 2)[2]))
        run.forget(['reason', 'detail', 'declines', 'ready_at', 'aside'])
        self.note(run, 'executing', 'attempt %d on %s' % (run.attempt, worker))
        return ['claimed', run.member, run.lease, run.as_hash(TAKEN), dict(self.ledgers[run.app])]

    def renew(self, run, token, lease_ms):
        if run.lease != token:
            return ['lost']
        run.lease_until = self.live[run.member] = self.now + lease_ms
        if lease_ms == 0:
            run.lease_until = 0
        return ['cancel' if run.cancel else 'held']

    def unmake(self, run, field):
        for maker, run_id in self.makers[run.app].pop(field, {}).items():
            if (maker.kept_run or maker.run) != run_id:
                continue
            if maker.status == 'done':
                maker.removed = maker.changed_at = self.now
                maker.version += 1
                self.tell_users(maker.member)
            elif maker.kept_run:
                maker.forget(KEPT)

    def progress(self, run, token, checkpoint, field, value, log, replaces):
        if run.lease != token:
            return ['lost']
        run.checkpoint = checkpoint or run.checkpoint
        if field and value:
            if replaces:
                self.unmake(run, field)
            self.makers[run.app].setdefault(field, {})[run] = run.run
            self.ledgers[run.app][field] = value
            self.changed(run, 'owns', field)
        elif field and self.ledgers[run.app].pop(field, None) is not None:
            self.unmake(run, field)
            self.changed(run, 'removed', field)
        if log:
            self.note(run, 'log', log)
        return ['written']

    def needs(self, run, token, uses):
        if run.lease != token:
            return ['lost']
        needed = [self.named[name] for name in (run.needs or '').split() if name in self.steps]
        missing, _, _, basis = self.look(run, [other.member for other in needed], uses)
        for i, other in enumerate(needed):
            if other.member in missing:
                of_done = 'removed' if other.removed else 'changed'
                return ['missing', i + 1, of_done if other.status == 'done' else other.status or '']
        run.basis = 'mixed' if run.used and run.basis != basis else basis
        run.used = 1
        return ['outputs'] + [word for other in needed for word in (other.output, other.gives or '')]

    def wait(self, run, token, checkpoint, phase, delay_ms, reason, detail, **outage):
        if run.lease != token:
            return ['lost']
        if self.ended_by_cancel(run):
            return self.told('written', run)
        self.to_delayed(run, phase, delay_ms, checkpoint, reason, detail, **outage)
        return ['written']

    def retry(self, run, token, checkpoint, delay_ms, reason, detail, **outage):
        if run.lease != token:
            return ['lost']
        if self.ended_by_cancel(run):
            return self.told('written', run)
        failures = (run.failures or '').split('\n') if run.failures else []
        run.failures = '\n'.join((failures + ['%d %d %s %s' % (run.attempt, self.now, reason, detail)])[-10:])
        run.attempt += 1
        self.to_delayed(run, 'retrying', delay_ms, checkpoint, reason, detail, **outage)
        return ['written']

    def finish(self, run, token, checkpoint, status, output, error, reason, gives):
        if run.lease != token:
            return ['lost']
        run.checkpoint = checkpoint or run.checkpoint
        self.to_end(run, status, output, error, reason, gives)
        return self.told('written', run)

    def release(self, run, token):
        if run.lost_lease is not None and run.lost_lease == token:
            run.crashes, run.lost_lease = run.crashes - 1, None
        if run.lease != token:
            return ['lost']
        if self.ended_by_cancel(run):
            return self.told('written', run)
        self.to_queue(run, 'handed back')
        return ['written']

    def cancel(self, run, meant, never_began, began):
        word, error = 'nothing', never_began if run.started_at is None else began
        if meant and meant != run.run:
            word = 'other' if run.status == 'running' else 'nothing'
        elif run.phase == 'executing':
            word = 'cancelling'
            if run.cancel is None:
                run.cancel = error
                self.changed(run, 'cancelling')
        elif run.status == 'running':
            word = 'cancelled'
            self.to_end(run, 'error', '{}', error)
        return [word, self.now, run.as_hash()]

    def pulse(self, lease_ms):
        if self.pulsed is None:
            self.pulsed = self.now
        elif self.now - self.pulsed > lease_ms / 3:
            self.pulsed, self.spared = self.now, self.now + lease_ms
        elif self.now - self.pulsed >= lease_ms / 12:
            self.pulsed = self.now
        return ['looked', self.now]

    def spared_until(self, run, lease_ms):
        if not lease_ms or self.pulsed is None or run.lease_until == 0:
            return 0
        return max(self.spared, self.now + 1 if self.now - self.pulsed > lease_ms / 3 else 0)

    def sweep(self, retention):
        """Whoever has lost his place is looked at by the reaper, at once."""
        if self.swept is not None and self.now - self.swept < (1000 if self.live else 10000):
            return ['rested']
        lost = [run for run in self.runs if run.member in self.live and
                (run.status != 'running' or run.phase == 'queued' and run.due is None and not self.is_ready(run))]
        self.count_old()
        for tenant in sorted(self.tenants):
            self.trim_apps(retention, tenant)
            if tenant not in map(tenant_of, self.apps):
                self.tenants.remove(tenant)
        lost += [run for run in self.runs if run.member not in self.live and run.status == 'running' and
                 run.home[0] in self.apps]
        for run in lost:
            self.live[run.member] = self.now
        self.swept = self.now
        return ['looked']

    def reap(self, run, timeout, lost, crashes, lease_ms):
        if run.status != 'running':
            self.delayed.pop(run.member, None)
            self.live.pop(run.member, None)
            self.leave_ready(run)
            return ['forgotten']
        if run.phase != 'queued':
            self.leave_ready(run)
        if run.phase == 'executing':
            if self.now < run.lease_until:
                self.live[run.member] = run.lease_until
                return ['leased']
            if self.ended_by_cancel(run):
                return self.told('cancelled', run)
            spared = self.spared_until(run, lease_ms)
            if self.now < spared:
                self.live[run.member] = spared
                return ['spared']
            run.crashes = (run.crashes or 0) + 1
            run.lost_lease = run.lease
            if run.crashes == crashes:
                self.to_end(run, 'error', '{}', lost)
                return self.told('lost', run)
            self.to_queue(run, run.worker + ' was lost; taken over')
            return self.told('taken over', run)
        declined = run.phase == 'queued' and run.due is not None
        in_line = run.phase == 'queued' and not declined and run.started_at is None
        deadline = run.run_deadline
        self.give_back_pause(run, run.due if declined else run.ready_at)
        if self.now >= run.run_deadline and not in_line:
            self.to_end(run, 'error', '{}', timeout)
            return self.told('expired', run)
        if run.phase in DELAYED_PHASES or declined:
            asked = self.waits_for_needs(run) and run.needs and not lease_ms  # an operator has it looked at now
            if self.now < run.due and not asked:
                if declined:
                    self.leave_ready(run)
                self.delayed[run.member] = self.live[run.member] = run.due
                return ['delayed']
            if self.waits_for_needs(run) and run.needs:
                self.reconsider(run)
                return ['reconsidered']
            if declined:
                self.put_back(run, True)
            else:
                self.to_queue(run, 'due', True)
            return ['due']
        if self.stands_in_lane(run):
            self.join_turns(run.home[0])
        if self.is_ready(run):
            self.delayed.pop(run.member, None)
            self.live[run.member] = self.now + QUEUED_LOOK_MS
            run.run_deadline = deadline  # whoever takes it gives that
            return ['queued']
        self.to_queue(run, 'it had lost its place; queued anew')
        return ['requeued']

    # ---- what is to be found in Redis ----

    def snapshot(self):
        return {
            'runs': {run.member: run.as_hash() for run in self.runs},
            **self.snapshot_of_queue(),
            'used': {tenant: {name: str(count) for name, count in used.items()} for tenant, used in self.used.items()},
            'swept': None if self.swept is None else str(self.swept),
            'delayed': dict(self.delayed),
            'live': dict(self.live),
            'apps': dict(self.apps),
            'tenants': sorted(self.tenants),
            'pulse': None if self.pulsed is None else '%d %d' % (self.pulsed, self.spared),
            'ledgers': {app: dict(ledger) for app, ledger in self.ledgers.items()},
            'deployments': {one.name: one.as_hash() for one in self.deployments.values()},
            'users': {name: {bare(user): when for user, when in users.items()} for name, users in self.users.items()
                      if users},
            **{name: {app: [len(entries), entries[-1] if entries else []] for app, entries in streams.items()}
               for name, streams in (('events', self.events), ('past', self.past))},
            'history': {app: [[at] + entry for at, entry in ends] for app, ends in self.history.items()},
        }
