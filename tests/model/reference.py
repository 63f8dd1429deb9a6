"""What a run of the engine is meant to do, said a second time and in other words than the scripts say it.

A model keeps the runs of two apps and the queue in plain Python, under a clock that the caller sets. Each method named
after a script changes the model as the script is to change Redis, and returns what the script is to answer.
"""
from deployments import ANY, KEPT, WORKFLOW, Dependants

NEEDS = {'repo': [], 'project': ['repo'], 'env': ['project']}
APPS = ['acme', 'blog']
DELAYED_PHASES = ('waiting', 'retrying', 'blocked')
QUEUED_CHECK_MS, QUEUED_CHECK_LAST_MS = 2000, 10000


def entry_text(entry):
    return '%d-%d' % entry


class Run:
    # Every field that the hash of a run may have. None: the field is not there.
    FIELDS = ('app workflow action run status phase retention input digest basis attempt attempts crashes queued_at '
              'run_deadline started_at finished_at changed_at version entry lease lease_until worker due cancel reason '
              'detail checkpoint output error removed trigger request lost_lease used outage_at run_ms needs gives stale '
              'failures outage_ms outage_seen paused_ms definition deployment actor failed_need declines outputs uses').split() + KEPT

    def __init__(self, app, action):
        self.member = '%s:%s:%s' % (app, WORKFLOW, action)
        self.home = (app, action)
        self.forget(self.FIELDS)

    def forget(self, fields):
        for field in fields:
            setattr(self, field, None)

    def as_hash(self):
        found = {field: getattr(self, field) for field in self.FIELDS if getattr(self, field) is not None}
        if self.entry:
            found['entry'] = entry_text(self.entry)
        return {field: str(value) for field, value in found.items()}


class Model(Dependants):
    def __init__(self, now):
        self.now = now
        self.runs = [Run(app, action) for app in APPS for action in NEEDS]
        self.queue = {}          # entry: [app, workflow, action, run, definition]
        self.pending = {}        # entry: (consumer, when it was read)
        self.last_entry = self.last_read = (0, 0)
        self.delayed, self.live, self.apps = {}, {}, {}
        self.ledgers = {app: {} for app in APPS}
        self.makers = {app: {} for app in APPS}  # row of the ledger: {run of a step: its id when it wrote the row}
        self.events = {app: [] for app in APPS}
        self.pulsed, self.spared = None, 0  # when a worker last looked, until when leases are left alone
        self.connect(APPS)
        self.steps = {run.member for run in self.runs}

    # ---- the queue ----

    def add_entry(self, fields):
        milliseconds, sequence = self.last_entry
        self.last_entry = (self.now, sequence + 1 if milliseconds == self.now else 0)
        self.queue[self.last_entry] = fields
        return self.last_entry

    def drop(self, entry):
        self.queue.pop(entry, None)
        self.pending.pop(entry, None)

    def read(self, consumer):
        """Gives the first entry that the group has not given to anybody yet, or None."""
        entry = min((entry for entry in self.queue if entry > self.last_read), default=None)
        if entry:
            self.last_read = entry
            self.pending[entry] = (consumer, self.now)
        return entry

    def strike_off(self, consumer):
        self.pending = {entry: taken for entry, taken in self.pending.items() if taken[0] != consumer}

    # ---- steps that the scripts share ----

    def note(self, run, event, detail=''):
        self.events[run.app].append([run.workflow, run.action, run.run, event, detail or ''])

    def touch(self, run):
        run.version = (run.version or 0) + 1
        run.changed_at = self.apps[run.app] = self.now

    def changed(self, run, event, detail=''):
        self.touch(run)
        self.note(run, event, detail)

    def leave(self, run):
        """Wherever a live run stands, it stands there no longer."""
        if run.entry:
            self.drop(run.entry)
        self.delayed.pop(run.member, None)
        self.live.pop(run.member, None)
        run.forget(['phase', 'entry', 'lease', 'lease_until', 'worker', 'due'])

    def to_queue(self, run, detail=''):
        self.put_back(run)
        self.changed(run, 'queued', detail)

    def put_back(self, run):
        self.leave(run)
        run.phase = 'queued'
        run.entry = self.add_entry([run.app, run.workflow, run.action, run.run, run.definition or ''])
        self.live[run.member] = self.now + QUEUED_CHECK_MS

    def to_delayed(self, run, phase, milliseconds, checkpoint, reason, detail, outage, outage_ms, outage_seen):
        self.leave(run)
        run.crashes, run.lost_lease = 0, None
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
        else:
            run.forget(['outage_at', 'outage_ms', 'outage_seen'])
        self.changed(run, phase, detail)

    def to_end(self, run, status, output, error, reason='', gives=''):
        self.leave(run)
        run.forget(['cancel', 'detail', 'lost_lease', 'outage_at', 'outage_ms', 'outage_seen', 'paused_ms',
                    'failed_need', 'declines'])
        # A run that never began has not taken the place of the result that stood there.
        if status == 'done' or run.started_at is not None:
            run.forget([field for field in KEPT if field != 'kept_run' or reason != 'reused'])
        run.status, run.output, run.finished_at = status, output, self.now
        run.error, run.reason, run.gives = error or None, reason or None, gives or None
        if reason != 'reused':
            self.record_end(run)
        run.input = run.failures = None
        if status == 'done' and run.basis:
            self.see_staleness(run)
        self.changed(run, status, reason)
        self.tell_others(run)

    def create(self, one, needs='', deployment=None, **new):
        """Of what was before, only the version stays, and when it last changed."""
        one.forget(field for field in Run.FIELDS if field not in ('version', 'changed_at'))
        one.app, one.action = one.home
        one.workflow, one.status, one.attempt, one.crashes = WORKFLOW, 'running', 1, 0
        for field, value in new.items():
            setattr(one, field, value)
        for field in ('request', 'trigger', 'actor', 'definition', 'outputs', 'uses'):
            setattr(one, field, getattr(one, field) or None)
        one.queued_at, one.run_deadline = self.now, self.now + one.run_ms
        one.needs, one.deployment = needs or None, deployment
        self.use(one, needs.split())

    def trim_apps(self, retention):
        for name in [name for name, when in self.apps.items() if when <= self.now - retention * 1000]:
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
        """What is to be logged of a run that has ended, or gone to another worker."""
        facts = 'run status reason error attempt crashes queued_at request'.split()
        return [word, self.now, {fact: str('' if getattr(run, fact) is None else getattr(run, fact)) for fact in facts}]

    # ---- the scripts ----

    def trigger(self, run, run_id, given, digest, definition, outputs, uses, force, deadline, attempts, retention,
                trigger='', request='', needs='', hold=''):
        names = needs.split()
        missing, failed, _, basis = self.look(run, names, uses)
        if trigger and run.trigger == trigger:
            return ['same', self.now, run.as_hash(), []]
        if run.status == 'running':
            return ['same' if run.digest == digest else 'conflict', self.now, run.as_hash(), []]
        if missing and not hold:
            return ['needs_not_done', self.now, run.as_hash(), [names.index(name) + 1 for name in missing]]
        if missing and self.closes_ring({run.member: names}):
            return ['ring', self.now, run.as_hash(), ['a ring']]
        if run.status == 'done' and not missing and not run.removed and not force and \
                (run.digest, run.definition) == (digest, definition) and run.basis in (basis, ANY):
            return ['reused', self.now, run.as_hash(), []]
        self.trim_apps(retention)
        self.create(run, run=run_id, input=given, digest=digest, attempts=attempts, retention=retention,
                    trigger=trigger, request=request, run_ms=deadline, needs=needs, deployment=self.goes_on(run, digest),
                    definition=definition, outputs=outputs, uses=uses)
        if missing:
            run.run_deadline = self.now + hold
            missing, failed, _, _ = self.look(run, names, uses)
            self.block(run, missing, failed)
        else:
            run.basis = basis
            self.to_queue(run)
            self.tell_others(run)
        return ['new', self.now, run.as_hash(), []]

    def out_of_the_queue(self, run, entry, run_id, timeout):
        """What a worker that has read an entry is answered at once; None: the run stands there for it."""
        if run.entry != entry:
            self.drop(entry)
            return ['stale', self.now]
        if run.run != run_id or run.phase != 'queued':
            return ['stale', self.now]
        if self.now >= run.run_deadline:
            self.to_end(run, 'error', '{}', timeout)
            return self.told('expired', run)
        return None

    def decline(self, run, entry, run_id, reason, detail, timeout):
        answer = self.out_of_the_queue(run, entry, run_id, timeout)
        if answer:
            return answer
        news = (run.reason or '') != reason
        run.reason, run.detail = (reason, detail) if reason else (None, None)
        run.declines = (run.declines or 0) + 1 if reason else None
        self.leave(run)
        run.phase = 'queued'
        run.due = min(self.now + min(1000 * max(run.declines or 0, 1), 5000), run.run_deadline)
        self.delayed[run.member] = self.live[run.member] = run.due
        if news:
            self.changed(run, 'queued', detail)
        return ['declined', self.now]

    def claim(self, run, entry, run_id, worker, lease_ms, timeout):
        answer = self.out_of_the_queue(run, entry, run_id, timeout)
        if answer:
            return answer
        run.phase, run.worker = 'executing', worker
        run.lease = '%s/%d/%s/%d' % (run_id, run.attempt, entry_text(entry), self.now)
        run.lease_until = self.live[run.member] = self.now + lease_ms
        run.started_at = run.started_at or self.now
        run.forget(['reason', 'detail', 'declines'])
        self.changed(run, 'executing', 'attempt %d on %s' % (run.attempt, worker))
        return ['claimed', self.now, run.lease, run.as_hash(), dict(self.ledgers[run.app])]

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
        return ['outputs'] + [other.output for other in needed]

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

    def cancel(self, run, never_began, began):
        word, error = 'nothing', never_began if run.started_at is None else began
        if run.phase == 'executing':
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

    def reap(self, run, timeout, lost, crashes, unclaimed_ms, never, lease_ms):
        """unclaimed_ms is by the model's clock; never is what the script was told where that time is not over."""
        if run.status != 'running':
            self.delayed.pop(run.member, None)
            self.live.pop(run.member, None)
            return ['forgotten']
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
            run.crashes += 1
            run.lost_lease = run.lease
            if run.crashes == crashes:
                self.to_end(run, 'error', '{}', lost)
                return self.told('lost', run)
            self.to_queue(run, run.worker + ' was lost; taken over')
            return self.told('taken over', run)
        if self.now >= run.run_deadline:
            self.to_end(run, 'error', '{}', timeout)
            return self.told('expired', run)
        declined = run.phase == 'queued' and run.due is not None
        if run.phase in DELAYED_PHASES or declined:
            if self.now < run.due:
                self.delayed[run.member] = self.live[run.member] = run.due
                return ['delayed']
            if self.waits_for_needs(run) and run.needs:
                self.reconsider(run)
                return ['reconsidered']
            if declined:
                self.put_back(run)
            else:
                self.to_queue(run, 'due')
            return ['due']
        if run.entry in self.queue:
            if run.entry in self.pending:
                if self.now < self.pending[run.entry][1] + unclaimed_ms:
                    self.live[run.member] = self.now + never
                    return ['queued']
            elif run.entry > self.last_read:
                age = self.now - run.entry[0]
                self.live[run.member] = self.now + min(max(age, QUEUED_CHECK_MS), QUEUED_CHECK_LAST_MS)
                return ['queued']
        self.to_queue(run, 'its entry was lost; queued anew')
        return ['requeued']

    # ---- what is to be found in Redis ----

    def snapshot(self):
        return {
            'runs': {run.member: run.as_hash() for run in self.runs},
            'queue': {entry_text(entry): fields for entry, fields in self.queue.items()},
            'pending': {entry_text(entry): taken[0] for entry, taken in self.pending.items()},
            'delayed': dict(self.delayed),
            'live': dict(self.live),
            'apps': dict(self.apps),
            'pulse': None if self.pulsed is None else '%d %d' % (self.pulsed, self.spared),
            'ledgers': {app: dict(ledger) for app, ledger in self.ledgers.items()},
            'deployments': {one.name: one.as_hash() for one in self.deployments.values()},
            'users': {name: dict(users) for name, users in self.users.items() if users},
            **{name: {app: [len(entries), entries[-1] if entries else []] for app, entries in streams.items()}
               for name, streams in (('events', self.events), ('history', self.history), ('past', self.past))},
        }
