"""What a run of the engine is meant to do, said a second time and in other words than the scripts say it.

A model keeps the runs of two apps and the queue in plain Python, under a clock that the caller sets. Each method named
after a script changes the model as the script is to change Redis, and returns what the script is to answer.
"""
import hashlib

WORKFLOW = 'site'
NEEDS = {'repo': [], 'project': ['repo']}
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
              'failures outage_ms outage_seen paused_ms').split()

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


class Model:
    def __init__(self, now):
        self.now = now
        self.runs = [Run(app, action) for app in APPS for action in NEEDS]
        self.queue = {}          # entry: [app, workflow, action, run]
        self.pending = {}        # entry: (consumer, when it was read)
        self.last_entry = self.last_read = (0, 0)
        self.delayed, self.live, self.apps = {}, {}, {}
        self.ledgers = {app: {} for app in APPS}
        self.makers = {app: {} for app in APPS}  # row of the ledger: {run of a step: its id when it wrote the row}
        self.events = {app: [] for app in APPS}
        self.pulsed, self.spared = None, 0  # when a worker last looked, until when leases are left alone

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

    def changed(self, run, event, detail=''):
        run.version = (run.version or 0) + 1
        run.changed_at = self.apps[run.app] = self.now
        self.note(run, event, detail)

    def leave(self, run):
        """Wherever a live run stands, it stands there no longer."""
        if run.entry:
            self.drop(run.entry)
        self.delayed.pop(run.member, None)
        self.live.pop(run.member, None)
        run.forget(['phase', 'entry', 'lease', 'lease_until', 'worker', 'due'])

    def to_queue(self, run, detail=''):
        self.leave(run)
        run.phase = 'queued'
        run.entry = self.add_entry([run.app, run.workflow, run.action, run.run])
        self.live[run.member] = self.now + QUEUED_CHECK_MS
        self.changed(run, 'queued', detail)

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
        run.forget(['cancel', 'detail', 'lost_lease', 'input', 'outage_at', 'outage_ms', 'outage_seen', 'paused_ms'])
        run.status, run.output, run.finished_at = status, output, self.now
        run.error, run.reason, run.failures = error or None, reason or None, None
        run.gives = gives or None
        if status == 'done' and run.basis:
            run.stale = self.is_stale(run, run.stale)
        self.changed(run, status, reason)
        self.tell_users(run)

    def basis_of(self, run):
        needed = [other for other in self.runs if other.home[0] == run.home[0] and other.home[1] in NEEDS[run.home[1]]]
        return needed, hashlib.sha1('\n'.join(other.gives or '' for other in needed).encode()).hexdigest()

    def tell_users(self, run):
        """What was made from something else than what the run gives now is stale."""
        for user in self.runs:
            if user.status != 'done' or run.member not in (user.needs or '').split():
                continue
            stale = self.is_stale(user, user.stale)
            if stale != user.stale:
                user.stale, user.changed_at, user.version = stale, self.now, user.version + 1

    def is_stale(self, user, was):
        """While it is not known what one of its needs gives, it is what it was."""
        needed, basis = self.basis_of(user)
        if any(other.status != 'done' for other in needed):
            return was
        return 1 if basis != user.basis or any(other.removed for other in needed) else None

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

    def trigger(self, run, run_id, given, digest, force, deadline, attempts, retention, trigger='',
                request=''):
        app, action = run.home
        needed = [other for other in self.runs if other.home[0] == app and other.home[1] in NEEDS[action]]
        missing = [i + 1 for i, other in enumerate(needed) if other.status != 'done' or other.removed]
        basis = self.basis_of(run)[1]
        if trigger and run.trigger == trigger:
            return ['same', self.now, run.as_hash(), []]
        if run.status == 'running':
            return ['same' if run.digest == digest else 'conflict', self.now, run.as_hash(), []]
        if missing:
            return ['needs_not_done', self.now, run.as_hash(), missing]
        if run.status == 'done' and not run.removed and not force and (run.digest, run.basis) == (digest, basis):
            return ['reused', self.now, run.as_hash(), []]
        old = [name for name, when in self.apps.items() if when <= self.now - retention * 1000]
        for name in old:
            if self.ledgers[name]:
                self.apps[name] = self.now
            else:
                del self.apps[name]
        # Of what was before, only the version stays.
        run.forget(field for field in Run.FIELDS if field != 'version')
        run.app, run.workflow, run.action, run.run, run.status = app, WORKFLOW, action, run_id, 'running'
        run.input, run.digest, run.basis, run.retention = given, digest, basis, retention
        run.attempt, run.attempts, run.crashes = 1, attempts, 0
        run.trigger, run.request = trigger or None, request or None
        run.queued_at, run.run_deadline, run.run_ms = self.now, self.now + deadline, deadline
        run.needs = ' '.join(other.member for other in needed) or None
        self.to_queue(run)
        return ['new', self.now, run.as_hash(), []]

    def claim(self, run, entry, run_id, worker, lease_ms, timeout):
        if run.entry != entry:
            self.drop(entry)
            return ['stale', self.now]
        if run.run != run_id or run.phase != 'queued':
            return ['stale', self.now]
        if self.now >= run.run_deadline:
            self.to_end(run, 'error', '{}', timeout)
            return self.told('expired', run)
        run.phase, run.worker = 'executing', worker
        run.lease = '%s/%d/%s/%d' % (run_id, run.attempt, entry_text(entry), self.now)
        run.lease_until = self.live[run.member] = self.now + lease_ms
        run.started_at = run.started_at or self.now
        run.forget(['reason', 'detail'])
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
            if maker.run == run_id and maker.status == 'done':
                maker.removed = maker.changed_at = self.now
                maker.version += 1
                self.tell_users(maker)

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

    def needs(self, run, token):
        if run.lease != token:
            return ['lost']
        app, action = run.home
        needed = [other for other in self.runs if other.home[0] == app and other.home[1] in NEEDS[action]]
        for i, other in enumerate(needed):
            if other.status != 'done' or other.removed:
                return ['missing', i + 1, 'removed' if other.removed else other.status or '']
        basis = self.basis_of(run)[1]
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
        if run.phase in DELAYED_PHASES:
            if self.now < run.due:
                self.delayed[run.member] = self.live[run.member] = run.due
                return ['delayed']
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
            'events': {app: [len(events), events[-1] if events else []] for app, events in self.events.items()},
        }
