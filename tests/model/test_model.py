#!/usr/bin/python3
"""Runs the real scripts beside the model in reference.py, in random order, and compares everything after every step.

    test_model.py            STEPS (10000) calls of scripts; SEED (1) chooses which
    MUTANT=name test_model.py    the same with one mistake put into the scripts: differences are to be found
    test_model.py --mutants [NAME...]  each of the mistakes in turn; fails where one is not noticed

Hypothesis makes the lists of operations and, where one shows a difference, shortens it. As the clock is set by the
test and the model knows every id beforehand, a whole list goes to Redis in one piece and is compared afterwards.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import redis
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st

import reference
from deployments import deployment_name
from invariants import APPS_KEY, CLOCK, DELAYED, LIVE, PREFIX, PULSE, QUEUE, broken_invariants
from mutants import MUTANTS
from reference import Model, entry_text

HERE = pathlib.Path(__file__).resolve().parent
SCRIPTS = HERE.parent.parent / 'src/store/scripts'
NAMES = 'trigger claim decline needs renew progress wait retry finish release cancel pulse reap start stop skip'.split()
DUE = PREFIX + 'due'
EMPTY_QUEUE = """redis.call('DEL', KEYS[1])
redis.call('XGROUP', 'CREATE', KEYS[1], 'workers', '0', 'MKSTREAM')
return 1"""
START_MS = 1_700_000_000_000
LEASE_MS, UNCLAIMED_MS, NEVER_MS, CRASHES = 30_000, 5_000, 10**9, 3
HOLD_MS, RETENTION = 7_200_000, 90_000
TIMEOUT, LOST, CANCELLED, STOPPED, FAILED = (
    '{"class":"%s"}' % word for word in ('timeout', 'worker_lost', 'cancelled', 'stopped', 'internal'))

# ---- the scripts, right and wrong ----


def assemble(mutant):
    """The text of each script as src/store/scripts/embed makes it, with the test's clock and at most one mistake."""
    text = {path.stem: path.read_text() for path in SCRIPTS.glob('*.lua')}
    if mutant:
        _, name, right, wrong = next(row for row in MUTANTS if row[0] == mutant)
        if text[name].count(right) != 1:
            sys.exit('mutant %s: %s.lua no longer has its text exactly once' % (mutant, name))
        text[name] = text[name].replace(right, wrong)
    text['clock'] = (HERE / 'clock.lua').read_text()

    def lines_of(name, seen):
        seen.add(name)
        for line in text[name].splitlines():
            include = re.fullmatch('--- @include (.*)', line)
            if not include:
                yield line
            elif include[1] not in seen:
                yield from lines_of(include[1], seen)

    return {name: '\n'.join(lines_of(name, set())) + '\n' for name in NAMES}


# All that is compared, in one answer. The lists of names stand in its text: they are always the same.
SNAPSHOT = """
local keys, apps = { %s }, { %s }
local pairs_of, ttls = {}, {}
for i, key in ipairs(keys) do
	pairs_of[i] = redis.call('HGETALL', key)
end
for _, key in ipairs(redis.call('KEYS', '*')) do
	ttls[key] = redis.call('TTL', key)
end
local function streams(name)
	local ends = {}
	for i, app in ipairs(apps) do
		local key = 'slipway:{0}:app:default:' .. app .. ':' .. name
		ends[i] = { redis.call('XLEN', key), redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1) }
	end
	return ends
end
local users = {}
for i, name in ipairs({ %s }) do
	users[i] = redis.call('ZRANGE', 'slipway:{0}:users:default:' .. name, 0, -1, 'WITHSCORES')
end
local queue = 'slipway:{0}:queue'
return cjson.encode({ hashes = pairs_of, ttls = ttls, users = users, events = streams('events'),
	history = streams('history'), past = streams('deployments'), queue = redis.call('XRANGE', queue, '-', '+'),
	group = redis.call('XINFO', 'GROUPS', queue), pending = redis.call('XPENDING', queue, 'workers', '-', '+', 1000),
	delayed = redis.call('ZRANGE', 'slipway:{0}:delayed', 0, -1, 'WITHSCORES'),
	live = redis.call('ZRANGE', 'slipway:{0}:live', 0, -1, 'WITHSCORES'),
	apps = redis.call('ZRANGE', 'slipway:{0}:apps', 0, -1, 'WITHSCORES'),
	pulse = redis.call('GET', 'slipway:{0}:pulse') or nil })
"""


def lua_lists():
    keys = [run_keys(run)[0] for run in Model(START_MS).runs]
    keys += [PREFIX + 'app:default:%s:ledger' % app for app in reference.APPS]
    keys += [PREFIX + 'app:default:' + deployment_name(app) for app in reference.APPS]
    return tuple(', '.join("'%s'" % name for name in names) for names in (keys, reference.APPS, Model(START_MS).named))


def pairs_of(arguments):
    """The arguments of a script as it is given them: names and values."""
    return [word for pair in arguments.items() for word in pair]


def as_dict(flat):
    """Without the id of an entry in the list of deployments, which Redis chooses by its own clock."""
    return {name: text for name, text in zip(flat[::2], flat[1::2]) if name != 'recorded'}


def as_scores(flat):
    return {member: float(score) for member, score in as_dict(flat).items()}


def run_keys(run):
    return keys_of(*run.home)


def keys_of(app, action):
    of_app = PREFIX + 'app:default:' + app + ':'
    return [of_app + reference.WORKFLOW + ':' + action, QUEUE, DELAYED, LIVE, of_app + 'events', APPS_KEY,
            of_app + 'payload', of_app + 'ledger']


# ---- a list of operations becomes commands and what they are to answer ----

# Names stand more than once where most would otherwise come to nothing. 'nothing' is what shortening turns them into.
OPERATIONS = ('nothing', 'trigger', 'trigger', 'trigger', 'read', 'read', 'read', 'claim', 'claim', 'claim', 'decline',
              'decline', 'needs', 'needs', 'renew', 'progress', 'wait', 'retry', 'finish', 'finish', 'release', 'cancel', 'cancel', 'reap', 'reap', 'reap',
              'until', 'until', 'pass', 'pulse', 'crash', 'crash', 'delete', 'strike_off', 'forge', 'stray', 'made',
              'made', 'made', 'unmade', 'unmade', 'made', 'made', 'made', 'made', 'start', 'start', 'start', 'again', 'again',
              'again', 'stop', 'skip', 'deafen', 'disown', 'empty', 'deploy', 'deploy', 'deploy',
              'used', 'wait', 'wait', 'retry', 'retry', 'cancel', 'cancel', 'crash', 'crash', 'claim', 'reap', 'across')
PASSES_MS = (0, 1, 500, 2_000, 5_000, 30_000, 600_000, 100_000_000)
DELAYS_MS = (0, 1, 1_000, 5_000, 20_000, 60_000, 600_000, 10_000_000)
# An operation is one number, for each draw costs time: name, run, and two free choices.
RUNS, CHOICES = 6, 8
SOME_OPERATIONS = st.lists(st.integers(0, len(OPERATIONS) * RUNS * CHOICES * CHOICES - 1), min_size=60, max_size=150)


def operation_of(number):
    number, b = divmod(number, CHOICES)
    number, a = divmod(number, CHOICES)
    name, which = divmod(number, RUNS)
    return OPERATIONS[name], which, a, b


def outputs_of(definition):
    """The names of what a step gives: what each build has, and what only one of them has."""
    return ' both %s ' % definition


class Step:
    def __init__(self, text, command, answer, model, touched, deaf):
        self.text, self.command, self.answer = text, command, answer
        self.expected = model.snapshot()
        self.touched = touched  # entries that a hand has had part in: they need not stand in one place
        self.deaf, self.now = deaf, model.now
        self.scripted = command[0] == 'EVALSHA'


class Plan:
    """Turns operations into steps. Which run, token or entry an operation takes depends on what the model knows."""

    def __init__(self, digests):
        self.digests = digests
        self.model = Model(START_MS)
        self.steps = []
        self.tokens, self.entries, self.run_ids = [], [], []
        self.touched = frozenset()
        self.deaf = frozenset()  # steps and deployments whose users a hand has deleted
        self.wants = {app: None for app in reference.APPS}  # what was deployed last

    def add(self, text, command, answer):
        self.steps.append(Step(text, command, answer, self.model, self.touched, self.deaf))

    def script(self, name, run, arguments, answer, more_keys=()):
        keys = run_keys(run) + list(more_keys)
        self.add('%s %s %s' % (name, run.member, json.dumps(arguments)),
                 ['EVALSHA', self.digests[name], len(keys), *keys, *pairs_of(arguments)], answer)
        self.know_entries()

    def know_entries(self):
        """Each entry that was made since, whichever run's it is."""
        for run in sorted((run for run in self.model.runs if run.entry), key=lambda run: run.entry):
            if not self.entries or run.entry > self.entries[-1][0]:
                self.entries.append((run.entry, run, run.run))

    def operation(self, name, which, a, b):
        run = self.model.runs[which]
        if name in ('needs', 'renew', 'progress', 'wait', 'retry', 'finish', 'release'):
            run, token = self.choose_token(run, which, a, b)
            getattr(self, name)(run, token, a, b)
        elif name != 'nothing':
            getattr(self, name)(run, a, b)

    def choose_token(self, run, which, a, b):
        """Mostly the token of a run that executes; else an old one, another run's, or none."""
        own = [token for holder, token in self.tokens if holder is run]
        if a < 6:
            run = self.executing(which, b) or run
            return run, run.lease or ''
        if a == 6 and own:
            return run, own[-1 - b % len(own)]
        return run, self.tokens[-1 - b % len(self.tokens)][1] if self.tokens and b else ''

    def executing(self, which, b):
        """A run that executes; where there is none, a worker first tries to get one."""
        if not any(run.lease for run in self.model.runs):
            if not any(run.phase == 'queued' for run in self.model.runs):
                self.trigger(self.model.runs[which], 0, b)
            self.read(None, b, 0)
            self.claim(self.model.runs[which], 0, b)
        found = [run for run in self.model.runs if run.lease]
        return found[which % len(found)] if found else None

    # clients

    def trigger(self, run, a, b):
        needed = next((other for other in self.model.runs if other.home[0] == run.home[0] and
                       other.home[1] in reference.NEEDS[run.home[1]] and other.status != 'done'), None)
        hold = '' if a % 3 else HOLD_MS
        if a < 4 and needed and not hold:
            run = needed
        app, action = run.home
        run_id = self.new_id()
        digest, force, deadline = 'd%d' % (a == 7), a in (5, 6), (3_600_000, 20_000)[b == 7]
        # A client that makes up an id now and then sends the one before once more.
        request = '' if b % 2 else 'request-%d' % a
        trigger = '' if a % 2 else 't%d' % (len(self.run_ids) // 3)
        needs = self.needs_of(app, action, b == 3)
        definition = 'v%d' % (b == 6)
        outputs, uses = outputs_of(definition), ('both', definition)[b > 4]
        uses = ''.join('%s ;' % uses for _ in needs.split())
        answer = self.model.trigger(run, run_id, '{"n":%d}' % a, digest, definition, outputs, uses, force, deadline, 5,
                                    RETENTION, trigger, request, needs, hold)
        arguments = {'app': app, 'workflow': reference.WORKFLOW, 'step': action, 'run': run_id, 'input': '{"n":%d}' % a,
                     'digest': digest, 'definition': definition, 'outputs': outputs, 'uses': uses,
                     'force': '1' if force else '', 'run_ms': deadline, 'attempts': 5,
                     'retention': RETENTION, 'trigger': trigger, 'request': request, 'hold': hold, 'needs': needs}
        self.script('trigger', run, arguments, answer, [PREFIX + 'app:default:' + need for need in needs.split()])

    def new_id(self):
        self.run_ids.append('run%d' % len(self.run_ids))
        return self.run_ids[-1]

    def needs_of(self, app, action, foreign=False):
        """As app:workflow:step; where it is asked for, the last step uses the first one of the other app as well."""
        needs = ['%s:%s:%s' % (app, reference.WORKFLOW, need) for need in reference.NEEDS[action]]
        if foreign and action == 'env':
            needs.append('%s:%s:repo' % (self.other(app), reference.WORKFLOW))
        return ' '.join(needs)

    def other(self, app):
        return next(other for other in reference.APPS if other != app)

    # clients that have a whole workflow deployed

    def start(self, run, a, b):
        """Mostly the same inputs, so that results are kept; sometimes those of one step are others."""
        app, action = run.home
        changed = {action: 'd%d' % (1 + (a == 7))} if a > 5 else {}
        after = deployment_name(self.other(app)) if b == 7 and app == 'blog' else ''
        wanted = self.wanted(app, changed, b > 5, after, action if b == 5 else '')
        # The same again, of which each step keeps its result.
        if a < 3 and self.wants[app]:
            wanted = {**self.wants[app], 'steps': [{**step, 'keep': True} for step in self.wants[app]['steps']]}
        self.launch('start', app, wanted, '' if b % 2 else 's%d' % (a // 2), a == 5)

    def deploy(self, run, a, b):
        """The same, and workers do all that there is to do."""
        self.start(run, a, b)
        for i in range(6):
            self.read(run, 0, 0)
            self.claim(run, 0, 0)
            for other in [other for other in self.model.runs if other.lease]:
                self.finish(other, other.lease, 0, 6 if a == 6 and i == b % 4 else a & 1)

    def across(self, run, a, b):
        """What a step of one app was made of is made anew by the other app, and all is kept that may be."""
        acme, blog = (next(run for run in self.model.runs if run.home[0] == app) for app in reference.APPS)
        for other, choice, options in ((blog, 4, 1), (acme, 4, 6), (blog, 3, 1), (acme, 0, 1)):
            self.deploy(other, choice, options)

    def used(self, run, a, b):
        """What a run has used is made anew while it works: it is made of both."""
        self.start(run, a, b)
        for _ in range(2):
            self.read(run, 0, 0)
            self.claim(run, 0, 0)
            for other in [other for other in self.model.runs if other.lease and not other.needs]:
                self.finish(other, other.lease, 0, a & 1)
        user = next((other for other in self.model.runs if other.lease and other.home[1] == 'project'), None)
        need = user and self.model.named['%s:site:repo' % user.home[0]]
        if need and need.status == 'done':
            self.needs(user, user.lease, a, b)
            self.trigger(need, 5, 1)
            self.read(run, 0, 0)
            self.claim(need, 0, 0)
            if need.lease:
                self.finish(need, need.lease, 0, b & 1)
            self.needs(user, user.lease, a, b)

    def again(self, run, a, b):
        """Goes on with what was deployed, mostly as it was read a moment ago."""
        app, action = run.home
        one, wanted = self.model.deployments[app], self.wants[app] or self.wanted(app, {}, False, '')
        if a > 4:
            steps = [{**step, 'digest': 'd%d' % (b & 1)} if step['step'] == action else step
                     for step in wanted['steps']]
            wanted = {**wanted, 'steps': steps}
        self.launch('retry', app, wanted, '' if b % 4 else 'r%d' % (a // 2), False,
                    deployment='' if b else one.deployment or 'none' if a else 'another',
                    seen='another' if b == 7 else one.digest or '')

    def wanted(self, app, changed, foreign, after, redefined=''):
        steps = []
        for action in reference.NEEDS:
            needs = self.needs_of(app, action, foreign)
            if not reference.NEEDS[action] and after:
                needs = after
            definition = 'v%d' % (action == redefined)
            steps.append({'step': action, 'input': '{}', 'digest': changed.get(action, 'd0') + ('x' if foreign else ''),
                          'definition': definition, 'outputs': outputs_of(definition), 'needs': needs,
                          'uses': self.uses_of(app, needs, redefined),
                          'keep': action != 'repo',
                          'run_ms': 3_600_000, 'attempts': 5})
        return {'steps': steps, 'after': after}

    def uses_of(self, app, needs, redefined):
        """A build that has another definition of a step uses what only that one gives."""
        steps = [need for need in needs.split() if not need.endswith(':_deployment')]
        own = '%s:%s:%s' % (app, reference.WORKFLOW, redefined)
        return ''.join('both v%d ;' % (need == own) for need in steps)

    def launch(self, what, app, wanted, start, force, deployment='', seen=''):
        run_ids = [self.new_id() for _ in wanted['steps']]
        steps = [{**step, 'run': run_id} for step, run_id in zip(wanted['steps'], run_ids)]
        digest = ' '.join(step['digest'] for step in steps) + wanted['after']
        arguments = {'app': app, 'what': what, 'deployment': deployment if what == 'retry' else 'of-' + run_ids[0],
                     'start': start, 'seen': seen, 'digest': digest, 'definition': 'w1', 'inputs': '{"n":1}',
                     'configured': '{}', 'after': wanted['after'], 'force': '1' if force else '', 'hold_ms': HOLD_MS,
                     'plan': '{"expect":"h"}' if len(self.run_ids) % 3 == 0 else '', 'retention': RETENTION, 'request': '', 'actor': ''}
        # The other way round as well: the script finds out what comes before what.
        listed = steps if len(self.run_ids) % 2 else steps[::-1]
        answer = self.model.start(steps=listed, **arguments)
        if answer[0] == 'new':
            self.wants[app] = wanted
        arguments = {**arguments, 'workflow': reference.WORKFLOW, 'steps': json.dumps(listed)}
        self.of_deployment('start', app, arguments, answer)

    def of_deployment(self, name, app, arguments, answer):
        keys = keys_of(app, '_deployment')
        self.add('%s %s %s' % (name, app, json.dumps(arguments)),
                 ['EVALSHA', self.digests[name], len(keys), *keys, *pairs_of(arguments)], answer)
        self.know_entries()

    def stop(self, run, a, b):
        """Mostly while a worker has a step; and then somebody wants it to go on."""
        run = next((other for other in self.model.runs if other.lease and other.deployment), run) if a < 4 else run
        app = run.home[0]
        deployment = '' if a < 6 else self.model.deployments[app].deployment or '' if a == 6 else 'another'
        self.of_deployment('stop', app, {'app': app, 'workflow': reference.WORKFLOW, 'deployment': deployment,
                                         'unbegun': CANCELLED, 'begun': STOPPED},
                           self.model.stop(app, deployment, CANCELLED, STOPPED))
        if self.wants[app] and b < 4:
            self.launch(('start', 'retry')[b & 1], app, self.wants[app], '', False,
                        seen=self.model.deployments[app].digest or '')

    def skip(self, run, a, b):
        app, action = run.home
        run_id = self.new_id()
        arguments = {'output': '{"by":"hand"}', 'gives': 'gives%d' % (a & 1), 'needs': self.needs_of(app, action),
                     'attempts': 5, 'run_ms': 3_600_000, 'retention': RETENTION, 'request': ''}
        self.script('skip', run, {'app': app, 'workflow': reference.WORKFLOW, 'step': action, 'run': run_id,
                                  'actor': '', **arguments}, self.model.skip(run, run_id, **arguments))

    def cancel(self, run, a, b):
        if a < 5:
            run = next((other for other in self.model.runs if other.lease), run)
        self.script('cancel', run, {'unbegun': CANCELLED, 'begun': STOPPED},
                    self.model.cancel(run, CANCELLED, STOPPED))

    # workers

    def choose_entry(self, run, a, b):
        entry, run_id = run.entry, run.run
        unclaimed = [known for known in self.entries if known[0] in self.model.pending and not known[1].lease]
        if a < 5 and unclaimed:
            entry, run, run_id = unclaimed[b % len(unclaimed)]
        elif a == 5 and self.entries:
            entry, run, run_id = self.entries[-1 - b % len(self.entries)]
        elif a == 6 and self.entries:
            entry = self.entries[-1 - b % len(self.entries)][0]
        elif a == 7 and self.run_ids:
            run_id = self.run_ids[-1 - b % len(self.run_ids)]
        if entry is not None and entry != run.entry:
            # Drops the entry, which may be another run's: a worker that takes an entry for another run's breaks things.
            self.touched |= {entry_text(entry)}
        return entry, run, run_id

    def decline(self, run, a, b):
        # Mostly what nobody has read yet, or what comes back from having been declined.
        if a < 5 and not any(known.entry in self.model.pending for known in self.model.runs):
            back = [known for known in self.model.runs if known.declines and known.due]
            if back:
                self.set_clock(back[0].due)
                self.reap_one(back[0], LEASE_MS)
            self.read(None, b, 0)
        entry, run, run_id = self.choose_entry(run, a, b)
        if entry is None:
            return
        reason, detail = ('', 'no_worker_for_version')[b & 1], 'detail%d' % (b & 3)
        self.script('decline', run, {'entry': entry_text(entry), 'run': run_id or '', 'reason': reason,
                                     'detail': detail, 'expired': TIMEOUT},
                    self.model.decline(run, entry, run_id, reason, detail, TIMEOUT))

    def claim(self, run, a, b):
        entry, run, run_id = self.choose_entry(run, a, b)
        if entry is None:
            return
        worker = 'worker%d' % (b % 2)
        answer = self.model.claim(run, entry, run_id, worker, LEASE_MS, TIMEOUT)
        if answer[0] == 'claimed':
            self.tokens.append((run, run.lease))
        self.script('claim', run, {'entry': entry_text(entry), 'run': run_id or '', 'worker': worker,
                                   'lease_ms': LEASE_MS, 'expired': TIMEOUT}, answer)

    def write(self, name, run, **arguments):
        """What a worker writes: the model takes the same arguments as the script."""
        self.script(name, run, arguments, getattr(self.model, name)(run, **arguments))

    def needs(self, run, token, a, b):
        needs = [need for need in (run.needs or '').split() if not need.endswith(':_deployment')]
        uses = ''.join('%s ;' % ('both', run.uses or 'both', 'v0', 'v1')[b & 3].split(';')[0] for _ in needs)
        self.script('needs', run, {'token': token, 'uses': uses}, self.model.needs(run, token, uses),
                    [PREFIX + 'app:default:' + need for need in needs])

    def renew(self, run, token, a, b):
        lease_ms = LEASE_MS + b if a else 0
        self.script('renew', run, {'token': token, 'lease_ms': lease_ms}, self.model.renew(run, token, lease_ms))

    def progress(self, run, token, a, b):
        self.write('progress', run, token=token, checkpoint=('', 'checkpoint%d' % b)[b & 1],
                   field=('', 'field%d' % b)[b >> 1 & 1], value=('', 'value%d' % a)[a & 1],
                   log=('', 'line%d' % a)[b >> 2], replaces=('', '1')[a >> 2])

    def own(self, run, field, value, replaces):
        self.write('progress', run, token=run.lease, checkpoint='', field=field, value=value, log='',
                   replaces=replaces)

    def made(self, run, a, b):
        """A step makes something, or finds what another step has made, and is done, mostly."""
        run = self.executing(self.model.runs.index(run), b)
        if run:
            self.own(run, 'field', 'value%d' % a, ('', '1')[a == 7])
            self.finish(run, run.lease, a, (b, 0)[b < 6])

    def unmade(self, run, a, b):
        """A step, such as one of a teardown, takes it out of the ledger, or finds another thing in its place."""
        run = self.executing(self.model.runs.index(run), b)
        if run:
            self.own(run, 'field', ('', 'value')[a > 4], ('', '1')[a > 4])

    def wait(self, run, token, a, b):
        self.write('wait', run, token=token, checkpoint=('', 'checkpoint%d' % b)[a & 1],
                   phase=('waiting', 'blocked')[a & 1], delay_ms=DELAYS_MS[b],
                   reason=('', 'rate_limited', 'provider_down', 'provider_down', 'needs')[4 if a == 7 else b & 3],
                   detail=('', 'detail')[b & 1],
                   outage=('', '1')[b >> 1 & 1], outage_ms=a * 100, outage_seen=('', 'seen%d' % a)[a & 1])

    def retry(self, run, token, a, b):
        self.write('retry', run, token=token, checkpoint=('', 'checkpoint%d' % b)[a & 1], delay_ms=DELAYS_MS[b],
                   reason='network', detail='detail%d' % b,
                   outage=('', '1')[a & 1], outage_ms=a * 100, outage_seen='seen')

    def finish(self, run, token, a, b):
        if b < 6:
            self.write('finish', run, token=token, checkpoint=('', 'checkpoint%d' % b)[a & 1], status='done',
                       output='{"out":%d}' % (b & 3), gives='gives%d' % (b & 1), error='', reason=('', 'adopted')[a & 1])
        else:
            self.write('finish', run, token=token, checkpoint='', status='error', output='{}', gives='', error=FAILED,
                       reason=('', 'plan_limit')[b & 1])

    def release(self, run, token, a, b):
        self.write('release', run, token=token)

    def read(self, run, a, b):
        consumer = 'worker%d' % (a & 1)
        entry = self.model.read(consumer)
        self.add('read by ' + consumer,
                 ['XREADGROUP', 'GROUP', 'workers', consumer, 'COUNT', 1, 'STREAMS', QUEUE, '>'],
                 [entry_text(entry)] if entry else [])

    def crash(self, run, a, b):
        run = self.executing(self.model.runs.index(run), b)
        if run:
            self.pulse(run, a, b)
            if a & 1:
                # Its supervisor has seen it, after a time in which nobody could look.
                self.set_clock(self.model.now + LEASE_MS // 2)
                self.pulse(run, a, b)
                self.renew(run, run.lease, 0, b)
            self.set_clock(run.lease_until)
            lost = run.lease
            self.reap_one(run, LEASE_MS if a > 5 else 0)
            if b & 1 and lost != run.lease:
                self.release(run, lost, a, b)  # it lived, and hands back what it no longer has

    def reap(self, run, a, b):
        members = [run for run in self.model.runs if run.member in {**self.model.live, **self.model.delayed}]
        if b & 1:
            self.pulse(run, a, b)
        self.reap_one(members[b % len(members)] if a < 6 and members else run, (LEASE_MS, 0)[b >> 1 & 1])

    def pulse(self, run, a, b):
        self.add('pulse', ['EVALSHA', self.digests['pulse'], 1, PULSE, 'lease_ms', LEASE_MS], self.model.pulse(LEASE_MS))

    def reap_one(self, run, lease_ms):
        # How long an entry has been pending is measured by Redis itself, whose own clock stands still for us: the
        # script is told a time that is over, or one that is not.
        taken = self.model.pending.get(run.entry)
        over = taken is not None and self.model.now - taken[1] >= UNCLAIMED_MS
        arguments = {'member': run.member, 'expired': TIMEOUT, 'lost': LOST, 'crashes_max': CRASHES,
                     'unclaimed_ms': 0 if over else NEVER_MS, 'lease_ms': lease_ms}
        self.script('reap', run, arguments,
                    self.model.reap(run, TIMEOUT, LOST, CRASHES, UNCLAIMED_MS, NEVER_MS, lease_ms), [PULSE, DUE])

    # the clock

    def set_clock(self, now):
        if now > self.model.now:
            self.model.now = now
            self.add('clock +%d ms' % (now - START_MS), ['SET', CLOCK, now], True)

    def pass_time(self, run, a, b):
        self.set_clock(self.model.now + PASSES_MS[a])

    def until(self, run, a, b):
        """To a moment at which something is to happen, or one before or behind it."""
        moments = {0: self.model.live.get(run.member), 1: run.run_deadline}.get(a // 6) or min(
            self.model.live.values(), default=0)
        self.set_clock(moments + (0, 0, 0, 0, 0, -1, 1, 1)[b])

    # a hand in Redis

    def delete(self, run, a, b):
        entry = run.entry
        if a > 5 and self.entries:
            entry = self.entries[-1 - b % len(self.entries)][0]
        if entry:
            answer = int(entry in self.model.queue)
            self.model.queue.pop(entry, None)
            self.touched |= {entry_text(entry)}
            self.add('a hand deletes ' + entry_text(entry), ['XDEL', QUEUE, entry_text(entry)], answer)

    def strike_off(self, run, a, b):
        consumer = 'worker%d' % (a & 1)
        # That it has read what nobody has claimed yet, and whether the reaper looks first, is not left to luck.
        if a & 2:
            self.read(run, a, b)
        lost = [entry for entry, taken in self.model.pending.items() if taken[0] == consumer]
        self.touched |= set(map(entry_text, lost))
        self.model.strike_off(consumer)
        self.add('a hand strikes off ' + consumer, ['XGROUP', 'DELCONSUMER', QUEUE, 'workers', consumer], len(lost))
        for run in self.model.runs if a & 2 else []:
            if run.entry in lost and run.phase == 'queued':
                self.reap_one(run, LEASE_MS)

    def forge(self, run, a, b):
        app, action = run.home
        run_id = self.run_ids[-1 - b % len(self.run_ids)] if self.run_ids else 'none'
        fields = [app, reference.WORKFLOW, action, run_id, 'v0']
        entry = self.model.add_entry(fields)
        self.entries.append((entry, run, run_id))
        self.touched |= {entry_text(entry)}
        self.add('a hand adds an entry for %s %s' % (run.member, run_id),
                 ['XADD', QUEUE, '%d-*' % self.model.now, 'app', app, 'workflow', reference.WORKFLOW, 'action', action,
                  'run', run_id, 'definition', 'v0'], entry_text(entry))

    def deafen(self, run, a, b):
        """Nobody is told any more by this step, or by the deployment."""
        name = run.member if a < 6 else deployment_name(run.home[0])
        key = PREFIX + 'users:default:' + name
        self.deaf |= {name}
        self.add('a hand deletes ' + key, ['DEL', key], int(bool(self.model.users.pop(name, None))))

    def disown(self, run, a, b):
        """The hash of a deployment goes; its runs stay."""
        one = self.model.deployments[run.home[0]]
        there = int(one.version is not None)
        one.forget(one.FIELDS)
        one.recorded = None
        self.add('a hand deletes ' + one.name, ['DEL', PREFIX + 'app:default:' + one.name], there)

    def empty(self, run, a, b):
        """The queue goes, and the next worker makes it anew; both at another time, so that no entry has an old id."""
        if b > 1:
            return
        self.set_clock(self.model.now + 1)
        self.touched |= set(map(entry_text, self.model.queue))
        self.model.queue, self.model.pending = {}, {}
        self.model.last_entry = self.model.last_read = (0, 0)
        self.add('a hand deletes the queue', ['EVAL', EMPTY_QUEUE, 1, QUEUE], 1)
        for other in self.model.runs if a & 1 else []:
            if other.phase == 'queued':
                self.reap_one(other, LEASE_MS)

    def stray(self, run, a, b):
        if run.status != 'running':
            index, key = ((self.model.delayed, DELAYED), (self.model.live, LIVE))[a & 1]
            added = int(run.member not in index)
            index[run.member] = self.model.now
            self.add('a hand adds %s to %s' % (run.member, key), ['ZADD', key, self.model.now, run.member], added)


setattr(Plan, 'pass', Plan.pass_time)

# ---- what Redis said ----


def plain(answer):
    """An answer in the form in which the model gives it: what stands in a hash is a dict."""
    if isinstance(answer, list) and answer and isinstance(answer[0], str):
        hashes = {'new': [2], 'same': [2], 'conflict': [2], 'reused': [2], 'needs_not_done': [2], 'claimed': [3, 4],
                  'cancelled': [2], 'cancelling': [2], 'nothing': [2], 'written': [2], 'expired': [2], 'lost': [2],
                  'taken over': [2], 'none': [2], 'changed': [2], 'busy': [2], 'other': [2], 'executing': [2], 'done': [2],
                  'given': [2], 'ring': [2]}.get(answer[0], [])
        # Where a ring is entered is nobody's business.
        if answer[0] == 'ring' and len(answer[3]) > 2 and answer[3][0] == answer[3][-1]:
            answer = [*answer[:3], ['a ring']]
        return [as_dict(item) if i in hashes else item for i, item in enumerate(answer)]
    if isinstance(answer, list) and answer:
        return [entry for _, entries in answer for entry, _ in entries]
    return answer if answer is not None else []


def ends_of(streams, read):
    """The length of each app's stream, and its last entry."""
    return {app: [count, read(last[0][1]) if last else []] for app, (count, last) in zip(reference.APPS, streams)}


def read_snapshot(text, model):
    # cjson writes an empty table as {}.
    raw = json.loads(text)
    hashes = [as_dict(flat or []) for flat in raw['hashes']]
    group = as_dict(raw['group'][0])
    found = {
        'runs': {run.member: found for run, found in zip(model.runs, hashes)},
        'ledgers': dict(zip(reference.APPS, hashes[len(model.runs):])),
        'deployments': dict(zip(map(deployment_name, reference.APPS), hashes[-len(reference.APPS):])),
        'users': {name: as_scores(flat) for name, flat in zip(model.named, raw['users']) if flat},
        'queue': {entry: fields[1::2] for entry, fields in raw['queue'] or []},
        'pending': {row[0]: row[1] for row in raw['pending'] or []},
        'events': ends_of(raw['events'], lambda entry: entry[1::2]),
        'history': ends_of(raw['history'], list),
        'past': ends_of(raw['past'], list),
    }
    found['pulse'] = raw.get('pulse')
    found.update({index: as_scores(raw[index] or []) for index in ('delayed', 'live', 'apps')})
    return found, raw['ttls'], tuple(map(int, group['last-delivered-id'].split('-')))


def differences(expected, found, path=''):
    if isinstance(expected, dict) and isinstance(found, dict):
        return [line for key in {**expected, **found}
                for line in differences(expected.get(key), found.get(key), path + '/' + key)]
    return [] if expected == found else ['%s: the model says %r, Redis says %r' % (path, expected, found)]


class Difference(Exception):
    def __init__(self, steps, by, lines):
        super().__init__(by)
        self.steps, self.by, self.lines = steps, by, lines


class Comparison:
    def __init__(self, client, mutant):
        self.client = client
        self.compared = 0
        self.words = {}
        self.digests = {name: client.script_load(text) for name, text in assemble(mutant).items()}
        self.snapshot = client.script_load(SNAPSHOT % lua_lists())

    def check(self, operations):
        plan = Plan(self.digests)
        for number in operations:
            plan.operation(*operation_of(number))
        pipeline = self.client.pipeline(transaction=False)
        pipeline.execute_command('FLUSHALL')
        pipeline.execute_command('XGROUP', 'CREATE', QUEUE, 'workers', '0', 'MKSTREAM')
        pipeline.execute_command('SET', CLOCK, START_MS)
        for step in plan.steps:
            pipeline.execute_command(*step.command)
            pipeline.execute_command('EVALSHA', self.snapshot, 0)
        answers = pipeline.execute(raise_on_error=False)[3:]
        before = None
        for i, step in enumerate(plan.steps):
            answer, text = answers[2 * i], answers[2 * i + 1]
            answer = str(answer) if isinstance(answer, Exception) else plain(answer)
            found, ttls, last_read = read_snapshot(text, plan.model)
            self.compared += step.scripted
            if step.scripted:
                word = step.text.split(' ')[0] + ' ' + step.answer[0]
                self.words[word] = self.words.get(word, 0) + 1
            broken = broken_invariants(before, found, ttls, last_read, step)
            if answer != step.answer or found != step.expected:
                lines = differences({'answer': step.answer, **step.expected}, {'answer': answer, **found})
                raise Difference(plan.steps[:i + 1], 'model', lines + ['invariant: ' + line for line in broken])
            if broken:
                raise Difference(plan.steps[:i + 1], 'invariants', ['invariant: ' + line for line in broken])
            before = found

    def explore(self, steps, number, shrink):
        """Compares at least so many steps; gives the first difference, shortened if wanted, or None."""
        phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]
        while self.compared < steps:
            @seed(number)
            @settings(max_examples=40, deadline=None, database=None, phases=phases, verbosity=Verbosity.quiet,
                      suppress_health_check=list(HealthCheck), print_blob=False, report_multiple_bugs=False)
            @given(SOME_OPERATIONS)
            def some(operations):
                self.check(operations)

            try:
                some()
            except Difference as difference:
                return difference
            number += 1
        return None


# ---- the program ----


class Server:
    """A Redis of our own, in a folder of its own, that keeps nothing."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix='slipway-model-')
        path = self.folder + '/redis.sock'
        self.process = subprocess.Popen(['redis-server', '--port', '0', '--unixsocket', path, '--dir', self.folder,
                                         '--appendonly', 'no', '--save', '', '--logfile', self.folder + '/log'])
        client = redis.Redis(unix_socket_path=path, decode_responses=True)
        for _ in range(200):
            try:
                client.ping()
                return client
            except redis.ConnectionError:
                time.sleep(0.05)
        self.__exit__()
        sys.exit('redis-server did not start')

    def __exit__(self, *ignored):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)


def compare(client, steps, number, mutant):
    comparison = Comparison(client, mutant)
    difference = comparison.explore(steps, number, shrink=True)
    for word, count in sorted(comparison.words.items()):
        print('  %-24s %d' % (word, count))
    if difference:
        print('The shortest list of steps found:')
        for step in difference.steps:
            print('  %s -> %s' % (step.text, json.dumps(step.answer)))
        print('After the last one:')
        for line in difference.lines:
            print('  ' + line)
        print('model: SEED=%d, %d steps, a difference' % (number, comparison.compared))
        return 1
    print('model: %d steps, 0 differences' % comparison.compared)
    return 0


def check_mutants(client, steps, number, wanted):
    missed = 0
    names = wanted or [name for name, *_ in MUTANTS]
    for name in names:
        comparison = Comparison(client, name)
        difference = comparison.explore(steps, number, shrink=False)
        if difference:
            print('mutant %s: caught by %s after %d steps' % (name, difference.by, comparison.compared), flush=True)
        else:
            print('mutant %s: NOT caught in %d steps' % (name, comparison.compared), flush=True)
            missed += 1
    print('mutants: %d of %d caught' % (len(names) - missed, len(names)))
    return 1 if missed else 0


def main():
    steps, number = int(os.environ.get('STEPS', 10000)), int(os.environ.get('SEED', 1))
    mutant = os.environ.get('MUTANT')
    if mutant and mutant not in [row[0] for row in MUTANTS]:
        sys.exit('MUTANT is one of: ' + ' '.join(row[0] for row in MUTANTS))
    with Server() as client:
        if '--mutants' in sys.argv[1:]:
            return check_mutants(client, steps, number, sys.argv[2:])
        for name, *_ in MUTANTS:
            assemble(name)  # ends the program where the place of a mutant is gone
        print('SEED=%d' % number)
        return compare(client, steps, number, mutant)


if __name__ == '__main__':
    sys.exit(main())
