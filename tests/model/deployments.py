"""The second half of the model: what runs need, and the deployments that they are part of.

Beside reference.py, whose runs it connects: who waits for whom, what is stale, when a deployment has ended, and what a
start, a retry, a stop and a skip do.
"""
import hashlib
import json
import re

WORKFLOW = 'site'
RECHECK_MS = 60000
ANY = 'any'  # basis of a result that a person gave before it was known what it is made of
GIVEN = 'given'  # digest of a result that is for the first input that the step is asked for
LISTS = {'start': 'starts', 'retry': 'retries'}  # where a deployment has the requests that are known
KEPT = ['kept_output', 'kept_basis', 'kept_gives', 'kept_run']


def tenant_of(name):
    return name.split(':')[0]


def app_of(name):
    """The model names all with their tenants: one:acme, and one:acme:site:repo."""
    return ':'.join(name.split(':')[:2])


def bare(text):
    """What stands within a tenant has no word of it: one:acme:site:repo is acme:site:repo there, and one.acme so too."""
    return re.sub(r'\b(one|two)[:.](?=(acme|blog)[:.])', '', text)


def as_stored(fields):
    return {field: value.split(':')[1] if field == 'app' else bare(str(value))
            for field, value in fields.items() if value is not None}


def deployment_name(app):
    return '%s:%s:_deployment' % (app, WORKFLOW)


class Deployment:
    FIELDS = ('deployment app workflow status digest definition inputs configured after retention changed_at starts '
              'retries request actor plan started_at retried_at steps version finished_at reason cancel').split()
    gives = removed = outputs = None  # what a need has that is a step

    def __init__(self, app):
        self.home, self.name = app, deployment_name(app)
        self.recorded = None  # what the list of those that have ended says of it
        self.forget(self.FIELDS)

    def forget(self, fields):
        for field in fields:
            setattr(self, field, None)

    def as_hash(self):
        return as_stored({field: getattr(self, field) for field in self.FIELDS})


class Dependants:
    """What a change of one step means to others."""

    def connect(self, apps):
        self.deployments = {app: Deployment(app) for app in apps}
        self.named = {run.member: run for run in self.runs}
        self.named.update({deployment.name: deployment for deployment in self.deployments.values()})
        self.users = {}  # of a step or deployment: {who uses it: when it was told so}
        self.history = {app: [] for app in apps}
        self.past = {app: [] for app in apps}  # ends of deployments
        self.ends = {}  # the same, of those that were replaced, by id
        self.changing = None  # the app of which many steps change at once

    # ---- what is needed ----

    def look(self, run, names, uses):
        """What is not done, what will not be done by itself and why, whether all is known, and the mark of it all."""
        needed = [(name, self.named[name]) for name in names]
        used = dict(zip([name for name in names if not name.endswith(':_deployment')], (uses or '').split(';')))
        lacking = {name for name, thing in needed if self.lacks(thing, used.get(name, ''))}
        missing = [name for name, thing in needed if thing.status != 'done' or thing.removed or name in lacking]
        why = [(name, self.why_failed(run, thing, name in lacking)) for name, thing in needed]
        failed = [row for row in why if row[1]]
        known = all(thing.status == 'done' for _, thing in needed)
        mark = '\n'.join(thing.gives or '' for _, thing in needed if not isinstance(thing, Deployment))
        return missing, failed[0] if failed else None, known, mark and hashlib.sha1(mark.encode()).hexdigest()

    def lacks(self, thing, used):
        """Whether another build has made it, without what is used of it."""
        if isinstance(thing, Deployment):
            return False
        has = json.loads(thing.output or '{}') if thing.outputs is None else thing.outputs.split()
        return not set(used.split()) <= set(has)

    def why_failed(self, run, thing, lacks):
        if thing.status == 'error' or thing.status == 'running' and thing.reason == 'need_failed':
            return 'failed'
        if thing.status == 'done' and thing.removed:
            return 'was removed'
        if thing.status == 'done' and lacks:
            return 'another build has made without the outputs that are used'
        own = not isinstance(thing, Deployment) and thing.home[0] == run.home[0]
        if own and thing.status is None and run.deployment:
            return 'is gone'
        return None

    def use(self, run, names):
        for name in names:
            self.users.setdefault(name, {})[run.member] = self.now

    def readable(self, run, name):
        tenant, app, workflow, step = name.split(':')
        if app_of(name) == run.home[0]:
            return step
        return '.'.join((app, workflow) if step == '_deployment' else (app, workflow, step))

    def block(self, run, missing, failed):
        was = (run.reason, run.detail)
        reason, detail = 'needs', 'it waits for ' + ', '.join(self.readable(run, name) for name in missing)
        if failed:
            reason = 'need_failed'
            detail = 'it needs %s, which %s; it goes on when that is retried' % (
                self.readable(run, failed[0]), failed[1])
        self.leave(run)
        run.phase, run.reason, run.detail = 'blocked', reason, detail
        run.due = self.delayed[run.member] = self.live[run.member] = min(self.now + RECHECK_MS, run.run_deadline)
        self.use(run, run.needs.split())
        if was != (reason, detail):
            self.changed(run, 'blocked', detail)
        if was[0] != reason:
            self.tell_others(run)

    def unblock(self, run, basis):
        if run.kept_output is not None and run.kept_basis in (basis, ANY):
            run.basis = run.kept_basis
            self.to_end(run, 'done', run.kept_output, '', 'reused', run.kept_gives)
            return
        run.basis = run.basis if run.used else basis
        if run.started_at is None:
            run.queued_at, run.run_deadline = self.now, self.now + run.run_ms
        run.forget(['reason', 'detail'] + KEPT)
        self.to_queue(run, 'all that it needs is done' if run.needs else '')
        self.tell_others(run)

    def look_for(self, run, names, uses, kept_basis):
        """The same as look; what comes before holds no result that stands there and is made of what the needs give."""
        missing, failed, known, basis = self.look(run, names, uses)
        order = all(name.endswith(':_deployment') for name in missing)
        if missing and order and kept_basis in (basis, ANY):
            return [], None, known, basis
        return missing, failed, known, basis

    def reconsider(self, run):
        missing, failed, _, basis = self.look_for(run, (run.needs or '').split(), run.uses, run.kept_basis)
        if missing:
            self.block(run, missing, failed)
        else:
            self.unblock(run, basis)

    def waits_for_needs(self, run):
        return run.phase == 'blocked' and run.reason in ('needs', 'need_failed')

    # ---- who is told ----

    def see_staleness(self, run):
        made_from = [name for name in (run.needs or '').split() if not name.endswith(':_deployment')]
        missing, _, known, basis = self.look(run, made_from, run.uses)
        stale = 1 if missing or run.basis not in (basis, ANY) else None
        if run.basis == ANY and known and not missing and run.digest != GIVEN:
            run.basis = basis
        differs = known and stale != run.stale
        if differs:
            run.stale = stale
        return differs

    def tell_user(self, user, name):
        if name not in (user.needs or '').split():
            return False
        if user.status == 'running' and self.waits_for_needs(user):
            self.reconsider(user)
        elif user.status == 'done' and self.see_staleness(user):
            user.changed_at, user.version = self.now, user.version + 1
        return True

    def tell_users(self, name):
        for member, _ in sorted(self.users.get(name, {}).items(), key=lambda item: (item[1], item[0])):
            if not self.tell_user(self.named[member], name):
                self.users.get(name, {}).pop(member, None)
                if not self.users.get(name, True):
                    del self.users[name]

    def tell_others(self, run):
        self.tell_users(run.member)
        if self.settle(run.home[0]):
            self.tell_users(deployment_name(run.home[0]))

    def change_steps(self, app, call):
        self.changing = app
        call()
        self.changing = None
        self.settle(app)
        self.tell_users(deployment_name(app))

    # ---- what has become of a deployment ----

    def settle(self, app):
        """Its steps say what it is; one that is done is done for ever."""
        one = self.deployments[app]
        if self.changing == app or one.status not in ('running', 'error'):
            return False
        steps = [self.named['%s:%s:%s' % (app, WORKFLOW, step)] for step in one.steps.split()]
        held = [step for step in steps if step.status == 'running' and step.reason == 'need_failed']
        mine = [step for step in steps if step.deployment == one.deployment]
        goes_on = any(step.status == 'running' and step not in held for step in mine)
        word = 'running' if goes_on else 'done' if mine == steps and all(step.status == 'done' for step in mine) else 'error'
        if word == one.status:
            return False
        self.forget_end(one)
        one.status, one.changed_at, one.version = word, self.now, one.version + 1
        one.finished_at = one.reason = None
        if word != 'running':
            one.finished_at = self.now
            one.reason = 'cancelled' if one.cancel and word == 'error' else None
            one.cancel = None
            self.record(one)
        self.events[app].append([WORKFLOW, 'deployment', word])
        return True

    def record(self, one):
        """What stays to be read of it; what was written of an end before goes."""
        self.forget_end(one)
        one.recorded = [text for field in ('deployment workflow status reason inputs configured digest definition after '
                                           'started_at retried_at finished_at version request actor steps').split()
                        if getattr(one, field) not in (None, '') for text in (field, bare(str(getattr(one, field))))]
        self.past[one.home].append(one.recorded)

    def forget_end(self, one):
        """One that goes on has not ended: no list is to have it twice."""
        self.past[one.home] = [entry for entry in self.past[one.home] if entry is not one.recorded]
        one.recorded = None

    def record_end(self, run):
        """What stays to be read of a run when its step has another. By when they ended, the newest first."""
        if run.status not in ('done', 'error') or run.reason == 'reused' or run.in_history:
            return
        fields = ('status workflow action run digest definition attempt crashes queued_at started_at deployment reason '
                  'request actor failures input output error').split()
        unsaid = {'attempt': 1, 'crashes': 0}
        told = {field: unsaid.get(field) if getattr(run, field) is None else getattr(run, field) for field in fields}
        entry = [text for field, value in told.items() if value not in (None, '', '{}')
                 for text in (field, bare(str(value)))]
        ends = self.history[run.app]
        ends.insert(len([at for at, _ in ends if at >= run.finished_at]), (run.finished_at, entry))
        oldest = self.now - max(run.retention, 86400) * 1000
        while ends and ends[-1][0] < oldest:
            ends.pop()

    def record_end_here(self, run):
        self.record_end(run)
        run.in_history = 1

    # ---- start and retry ----

    def answer(self, word, app, differing=()):
        return [word, self.now, self.deployments[app].as_hash(), list(differing)]

    def differing(self, app, steps, only_begun):
        names = []
        for step in steps:
            run = self.named['%s:%s:%s' % (app, WORKFLOW, step['step'])]
            differs = run.digest != step['digest']
            if only_begun:
                may_change = run.phase == 'blocked' and run.started_at is None
                found = run.status == 'running' and (run.cancel is not None or differs and not may_change)
            else:
                found = differs or run.status == 'running' and run.cancel is not None
            names += [step['step']] if found else []
        return names

    def start(self, app, what, deployment, start, seen, digest, definition, inputs, configured, after, plan, force,
              steps, hold_ms, retention, request, actor, unbegun, begun, replaces):
        one, retry = self.deployments[app], what == 'retry'
        before = self.answer_of_before(one, what, start)
        if before:
            return before
        if retry and (one.deployment is None or deployment and deployment != one.deployment):
            return self.answer('none', app)
        if retry and seen != one.digest:
            return self.answer('changed', app)
        if retry and one.status == 'done' and one.digest == digest and all(self.is_as_made(app, step) for step in steps):
            return self.answer_same(one, what, start)
        if not retry and one.status == 'running':
            if one.digest == digest and one.cancel is None:
                return self.answer_same(one, what, start)
            over = replaces and self.over_for(app, steps)
            if over:
                return self.answer('over', app, over)
            return self.answer('conflict', app, self.differing(app, steps, False))
        busy = self.differing(app, steps, True)
        if busy:
            return self.answer('busy', app, busy)
        if self.ring_of_start(app, steps):
            return self.answer('ring', app, ['a ring'])
        over = self.over_for(app, steps)
        if over:
            return self.answer('over', app, over)
        self.trim_apps(retention, tenant_of(app))
        restarted = not retry or one.status != 'running'
        listed = {step['step'] for step in steps}
        before = [self.named['%s:%s:%s' % (app, WORKFLOW, step)] for step in (one.steps or '').split() if step not in listed]
        left = [run for run in before if run.deployment == one.deployment]
        one.forget(['finished_at', 'reason', 'cancel', 'request', 'actor', 'plan'])
        if retry:
            self.forget_end(one)
        else:
            self.leave_to_the_list(one)
            one.recorded = None
            one.retried_at, one.deployment = None, deployment
        self.remember(one, what, start)
        one.app, one.workflow, one.status, one.digest, one.definition = app, WORKFLOW, 'running', digest, definition
        one.inputs, one.configured, one.after, one.retention = inputs, configured, after, retention
        one.request, one.actor, one.changed_at = request or None, actor or None, self.now
        one.plan = plan or None
        if restarted and retry:
            one.retried_at = self.now
        elif restarted:
            one.started_at = self.now
        one.steps, one.version = ' '.join(step['step'] for step in steps), (one.version or 0) + 1
        made = []
        terms = {'hold_ms': hold_ms, 'retention': retention, 'request': request, 'actor': actor, 'force': force,
                 'keep_all': retry, 'made': made}

        def place_and_end():
            self.place_all(app, steps, terms)
            self.end_steps(left, unbegun, begun)

        self.change_steps(app, place_and_end)
        if made or restarted:
            self.count_start(app)
        return self.answer('new' if made or restarted else 'same', app)

    def over_for(self, app, steps):
        """There must be room for each step that does not run yet."""
        runs = [self.named['%s:%s:%s' % (app, WORKFLOW, step['step'])] for step in steps]
        return self.over_budget(app, live=sum(run.status != 'running' for run in runs), starts=1)

    # ---- requests that are sent again ----

    def known(self, app, what, start):
        return self.answer_of_before(self.deployments[app], what, start) or ['none', self.now, {}, []]

    def answer_of_before(self, one, what, start):
        words = (getattr(one, LISTS[what]) or '').split()
        for request, of, ended in (word.split(':') for word in words):
            if request == start and of == one.deployment:
                return self.answer('same', one.home)
            if request == start and ended:
                entry = self.ends[of]
                return ['same', self.now, dict(zip(entry[::2], entry[1::2])), []]
            if request == start:
                return ['forgotten', self.now, one.as_hash(), [of]]
        return None

    def answer_same(self, one, what, start):
        self.remember(one, what, start)
        return self.answer('same', one.home)

    def remember(self, one, what, start):
        if start:
            words = ['%s:%s:' % (start, one.deployment)] + (getattr(one, LISTS[what]) or '').split()
            setattr(one, LISTS[what], ' '.join(words[:8]))

    def leave_to_the_list(self, one):
        """The one that stands there is replaced: who started or retried it finds it in the list of those that ended."""
        if one.recorded is None:
            return
        self.ends[one.deployment] = one.recorded
        for kind in LISTS.values():
            words = (getattr(one, kind) or '').split()
            if words:
                ends = ['recorded' if word.endswith(':%s:' % one.deployment) else '' for word in words]
                setattr(one, kind, ' '.join(map(''.join, zip(words, ends))))

    def place_all(self, app, steps, terms):
        placed, waiting = set(), list(steps)
        while waiting:
            for step in list(waiting):
                own = [need.split(':')[3] for need in step['needs'].split()
                       if need.startswith('%s:%s:' % (app, WORKFLOW))]
                if all(need in placed or need == '_deployment' for need in own):
                    self.place(self.named['%s:%s:%s' % (app, WORKFLOW, step['step'])], step, terms)
                    placed.add(step['step'])
                    waiting.remove(step)

    def place(self, run, step, terms):
        one = self.deployments[run.home[0]]
        waits = run.phase == 'blocked' and run.started_at is None
        may_keep = (terms['keep_all'] or step['keep']) and not terms['force'] and \
            run.digest in (step['digest'], GIVEN) and run.definition == step['definition']
        if run.status == 'running' and (run.digest == step['digest'] or not waits):
            run.deployment = one.deployment
            if waits:
                if not may_keep:
                    run.forget(KEPT)
                run.needs, run.definition = step['needs'] or None, step['definition']
                run.uses, run.outputs = step['uses'] or None, step['outputs']
                run.run_deadline = self.now + terms['hold_ms']
            self.touch(run)
            if waits:
                self.reconsider(run)
            return
        kept = self.result_of(run) if may_keep else None
        missing, failed, _, basis = self.look_for(run, step['needs'].split(), step['uses'], kept and kept[1])
        if kept and run.status == 'done' and not missing and kept[1] in (basis, ANY):
            if run.digest == GIVEN or run.deployment != one.deployment:
                self.record_end_here(run)
            if run.digest == GIVEN:
                run.digest, run.needs, run.uses = step['digest'], step['needs'] or None, step['uses'] or None
            run.deployment, run.stale, run.basis = one.deployment, None, basis
            self.touch(run)
            self.use(run, step['needs'].split())
            return
        terms['made'].append(run)
        if run.status == 'running':
            self.note(run, 'replaced', 'it is to run with another input, and had not begun')
        self.create(run, run=step['run'], input=step['input'], digest=step['digest'], definition=step['definition'],
                    attempts=step['attempts'], run_ms=step['run_ms'], retention=terms['retention'],
                    request=terms['request'], actor=terms['actor'], needs=step['needs'], deployment=one.deployment,
                    outputs=step['outputs'], uses=step['uses'])
        if kept:
            run.kept_output, run.kept_basis, run.kept_gives, run.kept_run = kept
        if missing:
            run.run_deadline = self.now + terms['hold_ms']
            self.block(run, missing, failed)
        else:
            self.unblock(run, basis)

    def is_as_made(self, app, step):
        """Whether a step that is done need not be made anew; whether what came before it runs again is no matter."""
        run = self.named['%s:%s:%s' % (app, WORKFLOW, step['step'])]
        needs = [need for need in step['needs'].split() if not need.endswith(':_deployment')]
        missing, _, _, basis = self.look(run, needs, step['uses'])
        same = (run.status, run.definition) == ('done', step['definition']) and run.digest in (step['digest'], GIVEN)
        return same and not run.removed and not missing and run.basis in (basis, ANY)

    def result_of(self, run):
        """The result that stands there: a run that was ended before it began has not taken its place."""
        if run.status == 'done' and not run.removed:
            return run.output, run.basis, run.gives or '', run.kept_run or run.run
        if run.status == 'error' and run.kept_output is not None:
            return run.kept_output, run.kept_basis, run.kept_gives, run.kept_run
        return None

    # ---- what would wait for itself ----

    def waits_for(self, name):
        thing = self.named[name]
        if isinstance(thing, Deployment):
            steps = (thing.steps or '').split() if thing.status in ('running', 'error') else []
            return ['%s:%s:%s' % (thing.home, WORKFLOW, step) for step in steps]
        needs = (thing.needs or '').split() if thing.status == 'running' else []
        return [need for need in needs if thing.started_at is None or not need.endswith(':_deployment')]

    def closes_ring(self, made):
        """Whether one that is to be made leads back to itself; made: what each of them waits for."""
        for name in made:
            reached, front = set(), [name]
            while front:
                one = front.pop()
                fresh = [need for need in made.get(one, self.waits_for(one)) if need not in reached]
                reached.update(fresh)
                front += fresh
            if name in reached:
                return True
        return False

    def ring_of_start(self, app, steps):
        made = {deployment_name(app): ['%s:%s:%s' % (app, WORKFLOW, step['step']) for step in steps]}
        for step in steps:
            run = self.named['%s:%s:%s' % (app, WORKFLOW, step['step'])]
            if run.status != 'running' or run.phase == 'blocked' and run.started_at is None:
                made[run.member] = step['needs'].split()
        return self.closes_ring(made)

    # ---- stop and skip ----

    def stop(self, app, deployment, unbegun, begun):
        one = self.deployments[app]
        if deployment and deployment != one.deployment:
            return self.answer('other', app)[:3]
        if one.deployment is None:
            left = sorted((run for run in self.runs if run.home[0] == app and run.deployment and run.status == 'running'),
                          key=lambda run: run.member)
            executing = any(run.phase == 'executing' for run in left)
            self.change_steps(app, lambda: self.end_steps(left, unbegun, begun))
            return self.answer('cancelling' if executing else 'cancelled' if left else 'nothing', app)[:3]
        if one.status == 'done':
            return self.answer('nothing', app)[:3]
        runs = [self.named['%s:%s:%s' % (app, WORKFLOW, step)] for step in one.steps.split()]
        live = [run for run in runs if run.status == 'running']
        executing = [run for run in live if run.phase == 'executing']

        def end_all():
            self.end_steps(live, unbegun, begun)
            if live:
                one.changed_at, one.version = self.now, one.version + 1
                if one.status == 'error':
                    one.reason = 'cancelled'
                else:
                    one.cancel = 1

        had_ended = one.status == 'error'
        self.change_steps(app, end_all)
        if had_ended and live:
            self.record(one)
        return self.answer('cancelling' if executing else 'cancelled' if live else 'nothing', app)[:3]

    def end_steps(self, runs, unbegun, begun):
        for run in reversed([run for run in runs if run.status == 'running']):
            problem = unbegun if run.started_at is None else begun
            if run.phase != 'executing':
                self.to_end(run, 'error', '{}', problem)
            elif run.cancel is None:
                run.cancel = problem
                self.changed(run, 'cancelling')

    def skip(self, run, run_id, output, gives, definition, outputs, digest, needs, uses, attempts, run_ms, retention,
             request):
        if run.phase == 'executing':
            return ['executing', self.now, run.as_hash()]
        if run.status == 'done' and not run.removed:
            return ['done', self.now, run.as_hash()]
        if run.status == 'running':
            run.definition, run.outputs = definition, outputs
        else:
            if run.digest is not None:  # what was asked for last
                digest, needs, uses = run.digest, run.needs or '', run.uses
            self.create(run, run=run_id, input='', digest=digest, definition=definition, outputs=outputs,
                        attempts=attempts, run_ms=run_ms, retention=retention, request=request, needs=needs, uses=uses,
                        deployment=self.joined(run.home[0]))
        missing, _, _, basis = self.look(run, (run.needs or '').split(), run.uses)
        run.basis = ANY if missing or run.digest == GIVEN else basis
        self.to_end(run, 'done', output, '', 'given', gives)
        return ['given', self.now, run.as_hash()]

    def joined(self, app):
        """The deployment that a step is part of whose result is given by hand."""
        one = self.deployments[app]
        return one.deployment if one.deployment and one.status != 'done' else None

    def goes_on(self, run, digest):
        """The deployment that a step goes on with which is triggered alone, with the same input."""
        one = self.deployments[run.home[0]]
        same = one.deployment and run.deployment == one.deployment and run.digest == digest
        return one.deployment if same and one.status != 'done' else None
