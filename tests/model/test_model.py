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
from deployments import app_of, bare, deployment_name, tenant_of
from invariants import (BEGUN, CLOCK, DELAYED, LIVE, PREFIX, PULSE, READY, ROOTS,
                        broken_invariants)
from mutants import MUTANTS
from queue_model import ACTIONS, ASIDES, NOTE, of_app
from reference import Model

HERE = pathlib.Path(__file__).resolve().parent
SCRIPTS = HERE.parent.parent / 'src/store/scripts'
NAMES = 'trigger pause sweep decline needs renew work cancel pulse reap start known stop skip'.split()
HELD_TURNS = ['tenant:' + tenant for tenant in reference.TENANTS] + [of_app(app) for app in reference.APPS]
START_MS = 1_700_000_000_000
LEASE_MS, CRASHES = 30_000, 3
HOLD_MS, RETENTION = 7_200_000, 90_000
TIMEOUT, LOST, CANCELLED, STOPPED, FAILED = (
    '{"class":"%s"}' % word for word in ('timeout', 'worker_lost', 'cancelled', 'stopped', 'internal'))

# ---- the scripts, right and wrong ----


def texts(mutant):
    """The text of each file of scripts, with the test's clock and at most one mistake."""
    text = {path.stem: path.read_text() for path in SCRIPTS.glob('*.lua')}
    if mutant:
        _, name, right, wrong = next(row for row in MUTANTS if row[0] == mutant)
        if text[name].count(right) != 1:
            sys.exit('mutant %s: %s.lua no longer has its text exactly once' % (mutant, name))
        text[name] = text[name].replace(right, wrong)
    return {**text, 'clock': (HERE / 'clock.lua').read_text()}


def load(client, mutant):
    """Loads the library, as the build makes it of those texts. Gives what each script is called in it."""
    with tempfile.TemporaryDirectory(prefix='slipway-model-') as folder:
        for name, text in texts(mutant).items():
            pathlib.Path(folder, name + '.lua').write_text(text)
        made = subprocess.check_output([SCRIPTS / 'embed', '--library', *sorted(pathlib.Path(folder).iterdir())], text=True)
    build = client.function_load(made).split('_')[1]
    return {name: 'slipway_%s_%s' % (name, build) for name in NAMES}


# All that is compared, in one answer. The lists of names stand in its text: they are always the same.
SNAPSHOT = """
local keys, apps, tenants = { %s }, { %s }, { %s }
local pairs_of, ttls = {}, {}
for i, key in ipairs(keys) do
	pairs_of[i] = redis.call('HGETALL', key)
end
for _, key in ipairs(redis.call('KEYS', '*')) do
	ttls[key] = redis.call('TTL', key)
end
local function lines_of(name, last)
	local lists = {}
	for i, app in ipairs(apps) do
		local key = 'slipway:{0}:app:' .. app .. ':' .. name
		lists[i] = { redis.call('LLEN', key), redis.call('LRANGE', key, 0, last) }
	end
	return lists
end
local function streams(name)
	local ends = {}
	for i, app in ipairs(apps) do
		local key = 'slipway:{0}:app:' .. app .. ':' .. name
		ends[i] = { redis.call('XLEN', key), redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1) }
	end
	return ends
end
local users = {}
for i, name in ipairs({ %s }) do
	users[i] = redis.call('ZRANGE', 'slipway:{0}:users:' .. name, 0, -1, 'WITHSCORES')
end
local told = redis.call('XRANGE', 'slipway:{0}:changes', '-', '+')
redis.call('DEL', 'slipway:{0}:changes') -- those of the next step
local trees = {}
for i, root in ipairs({ %s }) do
	local lanes, turns = {}, {}
	for j, app in ipairs(apps) do
		lanes[j] = redis.call('ZRANGE', root .. ':' .. app, 0, -1)
	end
	for j, tenant in ipairs(tenants) do
		turns[j] = redis.call('ZRANGE', root .. ':' .. tenant, 0, -1)
	end
	trees[i] = { tenants = redis.call('ZRANGE', root, 0, -1), turns = turns, lanes = lanes }
end
local behind = {}
for i, what in ipairs({ %s }) do
	behind[i] = redis.call('HKEYS', 'slipway:{0}:behind:' .. what)
	table.sort(behind[i])
end
local waits = {}
for _, key in ipairs(redis.call('KEYS', 'slipway:{0}:waits:*')) do
	waits[key:sub(#'slipway:{0}:waits:' + 1)] = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
end
local listed, used = {}, {}
for i, tenant in ipairs(tenants) do
	listed[i] = redis.call('ZRANGE', 'slipway:{0}:apps:' .. tenant, 0, -1, 'WITHSCORES')
	used[i] = redis.call('HGETALL', 'slipway:{0}:tenant:' .. tenant .. ':used')
end
return cjson.encode({ hashes = pairs_of, ttls = ttls, told = told, users = users, events = lines_of('events', 8),
	history = lines_of('history', -1), past = streams('deployments'), trees = trees, behind = behind,
	waits = waits,
	held = redis.call('ZRANGE', 'slipway:{0}:held', 0, -1, 'WITHSCORES'),
	holds = redis.call('HGETALL', 'slipway:{0}:holds'), paused = redis.call('HGETALL', 'slipway:{0}:paused'),
	running = redis.call('HGETALL', 'slipway:{0}:running'), used = used,
	begun = redis.call('ZRANGE', 'slipway:{0}:begun', 0, -1, 'WITHSCORES'),
	swept = redis.call('HGET', 'slipway:{0}:sweep', 'at') or nil,
	delayed = redis.call('ZRANGE', 'slipway:{0}:delayed', 0, -1, 'WITHSCORES'),
	live = redis.call('ZRANGE', 'slipway:{0}:live', 0, -1, 'WITHSCORES'),
	apps = listed, tenants = redis.call('ZRANGE', 'slipway:{0}:tenants', 0, -1),
	pulse = redis.call('GET', 'slipway:{0}:pulse') or nil })
"""


def lua_lists():
    keys = [run_keys(run)[0] for run in Model(START_MS).runs]
    keys += [PREFIX + 'app:%s:ledger' % app for app in reference.APPS]
    keys += [PREFIX + 'app:' + deployment_name(app) for app in reference.APPS]
    lists = (keys, reference.APPS, reference.TENANTS, Model(START_MS).named, ROOTS, HELD_TURNS)
    return tuple(', '.join("'%s'" % name for name in names) for names in lists)


def words_of(arguments):
    """The arguments of a script as it is given them: the names of all in one word, with a `=` behind those that have no
    value; then the values. Only members of what all share have a tenant."""
    given = {name: as_given(name, value) for name, value in arguments.items()}
    names = ' '.join(name + '=' * (value == '') for name, value in given.items())
    return [names, *(value for value in given.values() if value != '')]


def as_given(name, value):
    if name in ('member', 'name', 'leases') or not isinstance(value, str):
        return value
    return value.split(':')[1] if name == 'app' else bare(value)


def as_dict(flat):
    """Without the ids of entries in the list of deployments, which Redis chooses by its own clock."""
    ids = {'starts', 'retries'}
    return {name: re.sub(r':\d+-\d+', ':recorded', text) if name in ids else text
            for name, text in zip(flat[::2], flat[1::2]) if name != 'recorded'}


def as_scores(flat):
    return {member: float(score) for member, score in as_dict(flat).items()}


def run_keys(run):
    return keys_of(*run.home)


def keys_of(app, action):
    of_app = PREFIX + 'app:' + app + ':'
    return [of_app + reference.WORKFLOW + ':' + action, READY, DELAYED, LIVE, of_app + 'events',
            PREFIX + 'apps:' + tenant_of(app), of_app + 'payload', of_app + 'ledger']


# ---- a list of operations becomes commands and what they are to answer ----

# Names stand more than once where most would otherwise come to nothing. 'nothing' is what shortening turns them into.
OPERATIONS = ('nothing', 'trigger', 'trigger', 'trigger', 'take', 'take', 'take', 'take', 'take', 'decline', 'decline',
              'decline', 'sweep', 'needs', 'needs', 'renew', 'progress', 'wait', 'retry', 'finish', 'finish', 'release', 'cancel', 'cancel', 'reap', 'reap', 'reap',
              'until', 'until', 'pass', 'pulse', 'crash', 'crash', 'delete', 'delete', 'forge', 'forge', 'linger', 'crowd', 'crowd', 'stray', 'made',
              'made', 'made', 'by_hand', 'by_hand', 'unmade', 'unmade', 'made', 'made', 'made', 'kept', 'start', 'start', 'start', 'again', 'again',
              'again', 'stop', 'skip', 'deafen', 'disown', 'deploy', 'deploy', 'deploy',
              'used', 'wait', 'wait', 'retry', 'retry', 'cancel', 'cancel', 'crash', 'crash', 'take', 'reap', 'across', 'mended', 'known',
              'together', 'together', 'together', 'triggers', 'triggers', 'triggers',
              'limit', 'limit', 'pause', 'pause', 'budget', 'budget', 'budget', 'contend', 'contend', 'contend', 'contend', 'hold_some', 'hold_some',
              'come_late', 'come_late')
PASSES_MS = (0, 1, 500, 2_000, 5_000, 30_000, 600_000, 100_000_000)
DELAYS_MS = (0, 1, 1_000, 5_000, 20_000, 60_000, 600_000, 10_000_000)
LIMITS = ('', '', 'tenant=1', 'app=1', 'app=1 tenant=2 reserve=1', 'github.repository=1', 'app=1 github.repository=1 vercel.project=1',
          'github.repository=2 vercel.env=1')
BUDGETS = ('', '', 'live=3', 'live=5 starts=3', 'live=2', 'starts=4', 'live=0', 'live=4')
PAUSES = (('workflow', reference.WORKFLOW), ('provider', 'github'), ('tenant', 'one'), ('provider', 'vercel'))
# An operation is one number, for each draw costs time: name, run, and two free choices.
RUNS, CHOICES = 9, 8
SOME_OPERATIONS = st.lists(st.integers(0, len(OPERATIONS) * RUNS * CHOICES * CHOICES - 1), min_size=60, max_size=150)


def operation_of(number):
    number, b = divmod(number, CHOICES)
    number, a = divmod(number, CHOICES)
    name, which = divmod(number, RUNS)
    return OPERATIONS[name], which, a, b


def outputs_of(definition):
    """The names of what a step gives: what each build has, and what only one of them has."""
    return ' both %s ' % definition


def output_of(outputs, which):
    """One that lacks all of them or some, that has them all, or has them with an object that has others."""
    members = {name: which for name in (outputs or '').split()}
    members = ({'out': 0}, members, {**members, 'both': {'v0': 1, 'v1': 2}}, {'both': 3})[which]
    return json.dumps(members, separators=(',', ':'))


class Step:
    def __init__(self, text, command, answer, model, touched, deaf, limits):
        self.text, self.command, self.answer = text, command, answer
        self.limits = {name: int(most) for name, most in (word.split('=') for word in limits.split())}
        self.expected = model.snapshot()
        self.touched = touched  # runs that a hand has moved: they need not stand in one place
        self.deaf, self.now = deaf, model.now
        self.scripted = command[0] == 'FCALL'
        self.parts = False  # the answer has one for each thing that a worker had to say


class Plan:
    """Turns operations into steps. Which run, token or entry an operation takes depends on what the model knows."""

    def __init__(self, functions):
        self.functions = functions
        self.model = Model(START_MS)
        self.steps = []
        self.tokens, self.run_ids = [], []
        self.touched = frozenset()
        self.deaf = frozenset()  # steps and deployments whose users a hand has deleted
        self.gathered = None  # writes that are to go out in one call
        self.budgets = ''  # of each tenant, as the clients' processes have them
        self.limits = ''  # of runs at a time, as the workers have them
        self.wants = {app: None for app in reference.APPS}  # what was deployed last

    def add(self, text, command, answer):
        self.touched = frozenset(member for member in self.touched if not self.is_healed(self.model.named[member]))
        self.steps.append(Step(text, command, answer, self.model, self.touched, self.deaf, self.limits))

    def script(self, name, run, arguments, answer, more_keys=()):
        keys = run_keys(run) + list(more_keys)
        self.add('%s %s %s' % (name, run.member, json.dumps(arguments)),
                 ['FCALL', self.functions[name], len(keys), *keys, *words_of(arguments)], answer)

    def is_healed(self, run):
        """Whether it stands where it should, whatever a hand has done."""
        model, app = self.model, run.home[0]
        action = run.member.split(':', 2)[2]
        in_trees = sum(action in tree.lanes.get(app, []) for tree in model.trees.values())
        places = in_trees + (run.member in model.begun) + (run.member in model.delayed)
        in_line = run.phase == 'queued' and run.due is None
        if run.status != 'running' or not in_line:
            stands = places == (1 if run.status == 'running' and run.phase != 'executing' else 0)
        else:
            stands = places == 1 and model.is_ready(run)
        return stands and (run.status != 'running' or run.member in model.live) and \
            all(app not in tree.turns_of(tenant_of(app)) or bool(tree.lanes.get(app)) for tree in model.trees.values())

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
            self.take(self.model.runs[which], 0, 0)
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
        actor = 'token-%d' % a if b % 3 else ''
        trigger = '' if a % 2 else 't%d' % (len(self.run_ids) // 3)
        needs = self.needs_of(app, action, b == 3)
        definition = 'v%d' % (b == 6)
        outputs, uses = outputs_of(definition), ('both', definition)[b > 4]
        uses = ''.join('%s ;' % uses for _ in needs.split())
        answer = self.model.trigger(run, run_id, '{"n":%d}' % a, digest, definition, outputs, uses, force, deadline, 5,
                                    RETENTION, trigger, request, needs, hold, actor)
        arguments = {'app': app, 'workflow': reference.WORKFLOW, 'step': action, 'run': run_id, 'input': '{"n":%d}' % a,
                     'digest': digest, 'definition': definition, 'outputs': outputs, 'uses': uses,
                     'force': '1' if force else '', 'run_ms': deadline, 'attempts': 5,
                     'retention': RETENTION, 'trigger': trigger, 'config': '', 'config_at': '', 'request': request,
                     'hold': hold, 'needs': needs, 'actor': actor, 'budgets': self.budgets}
        if self.gathered is not None:
            self.gathered.append((run, arguments, answer))
        else:
            self.script('trigger', run, arguments, answer)

    def triggers(self, run, a, b):
        """Several of one tenant in one call: what is the same in all of them is given once."""
        self.gathered = []
        others = [other for other in self.model.runs if tenant_of(other.home[0]) == tenant_of(run.home[0])]
        for i in range(1 + b % 6):
            self.trigger(others[(a + i * (1 + b % 2)) % len(others)], (a, a, (a + i) % CHOICES)[b % 3], (a + b + i) % CHOICES)
        gathered, self.gathered = self.gathered, None
        names = list(gathered[0][1])
        shared = [name for name in names if len({str(arguments[name]) for _, arguments, _ in gathered}) == 1]
        words = words_of({name: gathered[0][1][name] for name in shared})
        for _, arguments, _ in gathered:
            words += words_of({'write': '', **{name: arguments[name] for name in names if name not in shared}})
        keys = keys_of(tenant_of(run.home[0]) + ':any', '')
        self.add('triggers %s %s' % (' '.join(of.member for of, *_ in gathered), json.dumps(words)),
                 ['FCALL', self.functions['trigger'], len(keys), *keys, *words], [answer for *_, answer in gathered])
        self.steps[-1].parts = True

    def new_id(self):
        self.run_ids.append('run%d' % len(self.run_ids))
        return self.run_ids[-1]

    def needs_of(self, app, action, foreign=False):
        """As app:workflow:step; where it is asked for, the last step uses the first one of the other app as well."""
        needs = ['%s:%s:%s' % (app, reference.WORKFLOW, need) for need in reference.NEEDS[action]]
        if foreign and action == 'env' and self.other(app):
            needs.append('%s:%s:repo' % (self.other(app), reference.WORKFLOW))
        return ' '.join(needs)

    def other(self, app):
        """Another app of the tenant; None: there is none."""
        return next((other for other in reference.APPS if other != app and tenant_of(other) == tenant_of(app)), None)

    # clients that have a whole workflow deployed

    def start(self, run, a, b):
        """Mostly the same inputs, so that results are kept; sometimes those of one step are others."""
        app, action = run.home
        changed = {action: 'd%d' % (1 + (a == 7))} if a > 5 else {}
        after = deployment_name(self.other(app)) if b == 7 and app == 'one:blog' else ''
        wanted = self.wanted(app, changed, b > 5, after, action if b == 5 else '')
        # Another build lacks the last step.
        if b == 4:
            wanted['steps'].pop()
        # The same again, of which each step keeps its result.
        if a < 3 and self.wants[app]:
            wanted = {**self.wants[app], 'steps': [{**step, 'keep': True} for step in self.wants[app]['steps']]}
        self.launch('start', app, wanted, '' if b % 2 else 's%d' % (a // 2), a == 5)

    def deploy(self, run, a, b):
        """The same, and workers do all that there is to do."""
        self.start(run, a, b)
        for i in range(6):
            self.take(run, 0, 0)
            for other in [other for other in self.model.runs if other.lease]:
                self.finish(other, other.lease, 0, 6 if a == 6 and i == b % 4 else a & 1)

    def across(self, run, a, b):
        """What a step of one app was made of is made anew by the other app, and all is kept that may be."""
        acme, blog = (next(run for run in self.model.runs if run.home[0] == app) for app in reference.APPS[:2])
        for other, choice, options in ((blog, 4, 1), (acme, 4, 6), (blog, 3, 1), (acme, 0, 1)):
            self.deploy(other, choice, options)

    def mended(self, run, a, b):
        """What is done is retried when another step took away what it made, or while what it came after runs again."""
        self.limits = ''
        self.set_budgets('')
        acme, blog = (next(run for run in self.model.runs if run.home[0] == app) for app in reference.APPS[:2])
        for other in self.model.runs:
            if tenant_of(other.home[0]) == 'one':
                self.end(other)
        for other in (acme, blog):
            self.stop(other, 4, 7)
        self.deploy(acme, 3, 1)
        if a & 1:
            self.launch('start', 'one:blog', self.wanted('one:blog', {}, bool(b & 1), deployment_name('one:acme')), '', False)
            self.trigger(self.model.named['one:blog:site:env'], 5, 1)
        for _ in range(4):
            self.take_as(3, '', False, 'worker0')
            for other in [other for other in self.model.runs if other.lease]:
                self.own(other, 'field', 'value', '')
                self.finish(other, other.lease, 0, 6 if b & 4 and other.home == ('one:blog', 'env') else 1)
        env = self.model.named['one:acme:site:env']
        self.launch('start', 'one:acme', self.wanted('one:acme', {}, False, ''), '', False) if a & 1 else self.trigger(env, 5, 1)
        self.take_as(3, '', False, 'worker0')
        if env.lease:
            self.own(env, 'field', '', '')
            self.finish(env, env.lease, 0, 0)
        if acme.lease and b & 2:
            self.finish(acme, acme.lease, 0, 2)
        for app in reference.APPS:
            if self.wants[app]:
                self.launch('retry', app, self.wants[app], '', False, seen=self.model.deployments[app].digest or '')

    def kept(self, run, a, b):
        """One that is to keep what stands there waits for a need that is made anew, and is cancelled, or not; then it is
        asked for again. What it has made may be taken away meanwhile, or later."""
        self.limits = ''
        self.set_budgets('')
        self.deploy(run, 3, 1)
        need, user = (self.model.named['%s:site:%s' % (run.home[0], step)] for step in ('repo', 'project'))
        self.trigger(user, 5, 1)
        self.take_as(3, '', False, 'worker0')
        if user.lease:
            self.own(user, 'field', 'value', '')
            self.end(user)
        self.trigger(need, 5, 1)
        self.trigger(user, 3, 1)
        if b & 1:
            self.cancel(user, 7, 0)
        if a & 1:
            self.trigger(user, 3, 1)
        self.take_as(3, '', False, 'worker0')
        if need.lease:
            if a & 2:
                self.own(need, 'field', '', '')
            self.finish(need, need.lease, 0, 1 + (b > 5))
        self.trigger(user, 3, 1)
        if a & 4:
            self.trigger(need, 5, 1)
            self.take_as(3, '', False, 'worker0')
            if need.lease:
                self.own(need, 'field', '', '')
                self.end(need)

    def used(self, run, a, b):
        """What a run has used is made anew while it works, and gives something else, mostly: it is made of both."""
        self.limits = ''
        self.start(run, a, b)
        for _ in range(2):
            self.take_as(3, '', False, 'worker0')
            for other in [other for other in self.model.runs if other.lease and not other.needs]:
                self.finish(other, other.lease, 0, 1 + (a & 1))
        users = [other for other in self.model.runs if other.lease and other.home[1] == 'project']
        user = next((other for other in users if other.home == (run.home[0], 'project')), users[0] if users else None)
        need = user and self.model.named['%s:site:repo' % user.home[0]]
        if need and need.status == 'done':
            self.needs(user, user.lease, a, b & 1)
            if a & 2:
                self.wait(user, user.lease, 7, 3)  # for its needs
            self.trigger(need, 5, 1)
            self.take_as(3, '', False, 'worker0')
            if need.lease:
                self.finish(need, need.lease, 0, 1 + (a & 1 ^ (b < 6)))
            self.needs(user, user.lease or '', a, b)

    def again(self, run, a, b):
        """Goes on with what was deployed, mostly as it was read a moment ago."""
        app, action = run.home
        one, wanted = self.model.deployments[app], self.wants[app] or self.wanted(app, {}, False, '')
        if a == 4:
            wanted = {**wanted, 'steps': wanted['steps'][:2]}
        elif a > 4:
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
                # Another app gives what it uses as well, or only comes before.
                needs = '%s:repo %s' % (after.rpartition(':')[0], after) if foreign else after
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
                     'plan': '{"expect":"h"}' if len(self.run_ids) % 3 == 0 else '', 'retention': RETENTION, 'request': '', 'actor': '',
                     'unbegun': CANCELLED, 'begun': STOPPED, 'replaces': '1' if len(self.run_ids) % 5 == 0 else ''}
        # The other way round as well: the script finds out what comes before what.
        listed = steps if len(self.run_ids) % 2 else steps[::-1]
        answer = self.model.start(steps=listed, **arguments)
        if answer[0] == 'new':
            self.wants[app] = wanted
        arguments = {**arguments, 'workflow': reference.WORKFLOW, 'steps': json.dumps(listed), 'budgets': self.budgets}
        self.of_deployment('start', app, arguments, answer)

    def known(self, run, a, b):
        """A client looks whether a request was sent before."""
        app, what = run.home[0], ('retry', 'start')[b & 1]
        arguments = {'what': what, 'start': '%s%d' % (what[0], a // 2)}
        self.of_deployment('known', app, arguments, self.model.known(app, **arguments))

    def of_deployment(self, name, app, arguments, answer):
        keys = keys_of(app, '_deployment')
        self.add('%s %s %s' % (name, app, json.dumps(arguments)),
                 ['FCALL', self.functions[name], len(keys), *keys, *words_of(arguments)], answer)

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
        needs, definition = self.needs_of(app, action), 'v%d' % (b == 7)
        arguments = {'output': output_of(outputs_of(definition), a >> 1 & 3), 'gives': 'gives%d' % (a & 1), 'definition': definition,
                     'outputs': outputs_of(definition), 'digest': ('d0', 'given')[b & 1], 'needs': needs,
                     'uses': self.uses_of(app, needs, ''), 'attempts': 5, 'run_ms': 3_600_000, 'retention': RETENTION, 'request': ''}
        self.script('skip', run, {'app': app, 'workflow': reference.WORKFLOW, 'step': action, 'run': run_id,
                                  'actor': '', 'budgets': self.budgets, **arguments}, self.model.skip(run, run_id, **arguments))

    def by_hand(self, run, a, b):
        """What nobody has asked for yet is given by a person, mostly for whatever it is asked for first; then that."""
        idle = next((other for other in self.model.runs if other.digest is None), run)
        app = idle.home[0]
        self.skip(idle, a, b if a > 5 else 1)
        if b & 1:
            self.trigger(idle, 1 + (a & 1), 1)
        else:
            wanted = self.wanted(app, {}, False, '')
            self.launch('start', app, {**wanted, 'steps': [{**step, 'keep': True} for step in wanted['steps']]}, '', False)
        self.trigger(idle, 7, b)

    def cancel(self, run, a, b):
        if a < 5:
            run = next((other for other in self.model.runs if other.lease), run)
        # Its client knows the run, or one that was there before.
        meant = '' if b < 5 or not self.run_ids else run.run or '' if b < 7 else self.run_ids[-1 - a % len(self.run_ids)]
        self.script('cancel', run, {'run': meant, 'unbegun': CANCELLED, 'begun': STOPPED},
                    self.model.cancel(run, meant, CANCELLED, STOPPED))

    # workers

    def decline(self, run, a, b):
        """A worker of another build meets all that is queued; or says something late."""
        back = [known for known in self.model.runs if known.declines and known.due]
        if a < 5 and back:
            self.set_clock(back[0].due)
            self.reap_one(back[0], LEASE_MS)
        if a < 6:
            self.take_as(1, ' other:step=v0=other.action ', False, 'worker0')
        elif not any(known.phase == 'queued' for known in self.model.runs):
            self.trigger(run, 0, b)
        left = [known for known in self.model.runs if known.phase == 'queued' and known.due is not None]
        stand = [known for known in self.model.runs if known.phase == 'queued' and known.due is None]
        chosen = left if a < 7 else stand
        run = chosen[b % len(chosen)] if chosen else run
        run_id = self.run_ids[-1 - b % len(self.run_ids)] if a == 6 and self.run_ids else run.run or ''
        reason, detail = ('', 'no_worker_for_version')[b & 1], 'detail%d' % (b & 3)
        self.script('decline', run, {'run': run_id, 'reason': reason, 'detail': detail},
                    self.model.decline(run, run_id, reason, detail))
        if a in (3, 4) and run.declines and run.due < run.run_deadline and run.started_at is None:
            self.meet_late(run, a)

    def meet_late(self, run, a):
        """One that nobody had is on the queue again, for long: somebody looks at it, or a worker that has it takes some."""
        self.set_clock(run.due)
        self.reap_one(run, LEASE_MS)
        self.set_clock(run.run_deadline)
        if a == 3:
            self.reap_one(run, LEASE_MS)
        else:
            self.take_as(3, '', False, 'worker0')

    def take(self, run, a, b):
        self.take_as((1, 1, 1, 3)[a & 3], self.definitions('v0') if b == 7 else '', a > 4, 'worker%d' % (b & 1))

    def definitions(self, *builds):
        words = ['%s:%s=%s=%s' % (reference.WORKFLOW, step, build, action) for step, action in ACTIONS.items() for build in builds]
        return ' '.join(['', *words, ''])

    def take_as(self, want, definitions, after_begun, worker, writes=()):
        definitions = definitions or self.definitions('v0', 'v1') if self.limits or self.model.paused else definitions

        def take():
            answer = self.model.take(want, worker, LEASE_MS, after_begun, definitions, self.limits, TIMEOUT)
            self.tokens += [(self.model.named[item[1]], item[2]) for item in answer[2] if item[0] == 'claimed']
            return answer

        arguments = {'want': want, 'worker': worker, 'lease_ms': LEASE_MS, 'after_begun': '1' if after_begun else '',
                     'definitions': definitions, 'limits': self.limits, 'expired': TIMEOUT}
        self.work(self.model.runs[0], writes, arguments, take)

    def limit(self, run, a, b):
        """Workers are started with other limits."""
        self.limits = LIMITS[a] if b < 3 else ''

    def budget(self, run, a, b):
        """Tenants have other budgets; and then somebody asks for more than that, or something ends."""
        self.set_budgets(BUDGETS[a])
        for other in self.model.runs[b % 3::2]:
            self.trigger(other, 5, 0)
        self.deploy(run, b, a)
        if b & 1:
            self.skip(run, a, b)
        elif b & 2:
            # Others take the places of those that wait.
            self.launch('start', run.home[0], self.wanted(run.home[0], {}, False, ''), '', False)
            self.again(self.model.named['%s:site:env' % run.home[0]], 5 + (a & 1), 0)

    def set_budgets(self, budgets):
        self.budgets = budgets
        self.model.budgets = {name: int(most) for name, most in (word.split('=') for word in budgets.split())}

    def pause(self, run, a, b):
        """Mostly what was paused goes on."""
        paused = list(self.model.paused)
        held = [other for other in self.model.runs if other.reason == 'paused' and other.started_at is not None and other.due]
        if held and b & 1:
            self.meet_paused(held[a % len(held)])
        if paused:
            self.pause_it(*paused[a % len(paused)].split(':'), '')
        else:
            self.pause_it(*PAUSES[a & 3], json.dumps(NOTE) if b < 3 else '')

    def meet_paused(self, run):
        """One that was begun is looked at after its time, and a worker has room for it much later."""
        self.set_clock(run.due + 60_000)
        self.reap_one(run, LEASE_MS)
        self.set_clock(self.model.now + 600_000)
        self.take_as(3, '', False, 'worker0')

    def pause_it(self, kind, name, note):
        self.add('pause %s %s %s' % (kind, name, note),
                 ['FCALL', self.functions['pause'], 8, *keys_of('one:any', ''),
                  *words_of({'kind': kind, 'name': name, 'note': note})],
                 self.model.pause(kind, name, note))

    def contend(self, run, a, b):
        """More is queued than may be run at a time; whatever ends lets others begin."""
        self.limits = LIMITS[2 + a % 6]
        for other in self.model.runs[b % 2::2 - (b & 4 > 0)]:
            self.trigger(other, 5, 0)
        for i in range(3 + (b & 3)):
            self.take_as(1 + (i & 1), '', bool(i & 2), 'worker0')
            found = [other for other in self.model.runs if other.lease]
            if found and i & 1:
                other = found[(a + i) % len(found)]
                ends = (self.finish, self.finish, self.release, self.wait, self.finish, self.retry)
                ends[(a + b + i) % len(ends)](other, other.lease, 0, (i & 1) + 1)
            if i == b & 3:
                self.set_clock(self.model.now + (500, 1_000, 5_000)[a % 3])
                self.reap_due()

    def hold_some(self, run, a, b):
        """Something is paused while runs are queued, and goes on, mostly."""
        self.pause_it(*PAUSES[a & 3], json.dumps(NOTE))
        for other in self.model.runs[b & 1:]:
            self.trigger(other, 5, 0)
        if b == 7:
            self.stray_among(a)
        self.take_as(3, '', bool(b & 2), 'worker0')
        held = [other for other in self.model.runs if other.aside]
        if held and b == 3:
            self.cancel(held[0], 7, 0)
        elif b == 4:
            self.lose_what_is_held(held[0] if held else run, a)
        elif b > 4:
            self.set_clock(self.model.now + (999, 1_000, 1_001)[b - 5])
            self.take_as(1, '', False, 'worker0')
        if a < 7:
            self.pause_it(*PAUSES[a & 3], '')
        for _ in range(1 + (b & 3)):
            self.take_as(1, '', False, 'worker0')

    def stray_among(self, a):
        """A hand puts one among those that are held which does not wait there."""
        model = self.model
        found = [other for other in model.runs if other.home[0] in model.ready.lanes and
                 (other.phase != 'queued' or other.due is not None)]
        if found:
            self.put_in_lane(found[a % len(found)])

    def come_late(self, run, a, b):
        """One waits for the limit of its action, which is free, but its app is held: others come, late, or have waited."""
        runs = {other.home: other for other in self.model.runs}
        first, waits, late = (reference.APPS[(a + i) % 3] for i in range(3))
        self.limits = ''
        for home in ((waits, 'repo'), (waits, 'project'), (late, 'repo'), (late, 'project')):
            self.trigger(runs[home], 5, 0)
            self.take_as(3, '', False, 'worker0')
            self.end(runs[home])
        self.limits = 'app=1 github.repository=1'
        self.trigger(runs[first, 'repo'], 5, 0)
        self.take_as(1, '', False, 'worker0')
        for step in ('repo', 'env'):
            self.trigger(runs[waits, step], 5, 0)
        self.take_as(1, '', False, 'worker0')
        self.set_clock(self.model.now + (1, 999)[a & 1])
        for step in ('repo', 'env')[:1 + (b & 1)]:
            self.trigger(runs[late, step], 5, 0)
        self.end(runs[first, 'repo'])
        if b & 2:
            self.trigger(runs[first, 'repo'], 5, 0)
        self.take_as(1, '', False, 'worker0')
        if b & 4:
            self.end(runs[late, 'repo'])
        self.end(runs[waits, 'env'])
        for want in (1, 3):
            self.take_as(want, '', False, 'worker0')

    def end(self, run):
        if run.lease:
            self.finish(run, run.lease, 0, 1)

    def lose_what_is_held(self, run, a):
        """A hand deletes by what it would be found; and then somebody looks for it."""
        model = self.model
        self.touch_all()
        if a & 1 or not run.aside:
            answer, model.held = int(bool(model.held)), {}
            self.add('a hand deletes what is held', ['DEL', PREFIX + 'held'], answer)
        else:
            model.trees[run.aside].tenants = {}
            self.add('a hand deletes the turns of ' + run.aside, ['DEL', PREFIX + 'aside:' + run.aside], 1)
        self.set_clock(model.now + 1_000)
        self.sweep(run, 0, 0)
        for other in [other for other in model.runs if model.live.get(other.member) == model.now]:
            self.reap_one(other, LEASE_MS)

    def reap_due(self):
        for other in [other for other in self.model.runs if self.model.delayed.get(other.member, self.model.now + 1) <= self.model.now]:
            self.reap_one(other, LEASE_MS)

    def sweep(self, run, a, b):
        self.script('sweep', run, {'retention': RETENTION}, self.model.sweep(RETENTION))

    def write(self, name, run, **arguments):
        """What a worker writes: the model takes the same arguments as the script."""
        if self.gathered is not None:
            self.gathered.append((name, run, arguments))
        else:
            self.work(run, [(name, run, arguments)])

    def work(self, run, writes, take=None, taken=''):
        """What a worker has to say in one call: what it writes, in this order; then it takes others."""
        words = words_of(take or {'want': 0, 'worker': '', 'lease_ms': 0, 'after_begun': '', 'definitions': '',
                                  'limits': '', 'expired': ''})
        for name, of, arguments in writes:
            words += words_of({'write': name, 'name': of.member, **arguments})
        answers = [getattr(self.model, name)(of, **arguments) for name, of, arguments in writes]
        if callable(taken):
            taken = taken()
        keys, what = run_keys(run), [name for name, *_ in writes] + ['take'] * bool(take)
        self.add('%s %s %s' % (' '.join(what), run.member, json.dumps(words)),
                 ['FCALL', self.functions['work'], len(keys), *keys, *words], [taken, *answers])
        self.steps[-1].parts = True

    def together(self, run, a, b):
        """All runs that execute come to an end in the same turn, or most; and the worker takes others."""
        if a & 1:
            self.take_as(3, '', bool(b & 1), 'worker0')
        self.gathered = []
        for i, other in enumerate(self.model.runs):
            if other.lease:
                kind = ('finish', 'finish', 'progress', 'wait', 'retry', 'release')[(a + b + i) % 6]
                if kind == 'finish':
                    self.progress(other, other.lease, a, 4)
                getattr(self, kind)(other, other.lease if (a + i) % 5 else 'lost', a, (b + i) % CHOICES)
        writes, self.gathered = self.gathered, None
        self.take_as(2, '', bool(a & 2), 'worker1', writes)

    def needs(self, run, token, a, b):
        needs = [need for need in (run.needs or '').split() if not need.endswith(':_deployment')]
        uses = ''.join('%s ;' % ('both', run.uses or 'both', 'v0', 'v1')[b & 3].split(';')[0] for _ in needs)
        self.script('needs', run, {'token': token, 'uses': uses}, self.model.needs(run, token, uses),
                    [PREFIX + 'app:' + need for need in needs])

    def renew(self, run, token, a, b):
        lease_ms = LEASE_MS + b if a else 0
        leases = '%s %s %s ' % (run.member, token or 'none', lease_ms)
        self.script('renew', run, {'leases': leases}, self.model.renew(run, token, lease_ms))

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
        if b == 6 and run.outage_at and run.due and self.gathered is None:
            self.wait_for_turn(run)

    def wait_for_turn(self, run):
        """An outage lasts while the run waits for something else."""
        self.set_clock(run.due)
        self.reap_one(run, LEASE_MS)
        self.take_as(3, '', False, 'worker0')
        self.write('wait', run, token=run.lease or 'lost', checkpoint='', phase='waiting', delay_ms=1000, reason='turn',
                   detail='', outage='', outage_ms=0, outage_seen='')

    def retry(self, run, token, a, b):
        self.write('retry', run, token=token, checkpoint=('', 'checkpoint%d' % b)[a & 1], delay_ms=DELAYS_MS[b],
                   reason='network', detail='detail%d' % b,
                   outage=('', '1')[a & 1], outage_ms=a * 100, outage_seen='seen')

    def finish(self, run, token, a, b):
        if b < 6:
            self.write('finish', run, token=token, checkpoint=('', 'checkpoint%d' % b)[a & 1], status='done',
                       output=output_of(run.outputs, b & 3), gives='gives%d' % (b & 1), error='', reason=('', 'adopted')[a & 1])
        else:
            self.write('finish', run, token=token, checkpoint='', status='error', output='{}', gives='', error=FAILED,
                       reason=('', 'plan_limit')[b & 1])

    def release(self, run, token, a, b):
        self.write('release', run, token=token)

    def crash(self, run, a, b):
        """A worker is lost; now and then each that takes the run."""
        run = self.executing(self.model.runs.index(run), b)
        for _ in range(CRASHES if b == 6 else 1):
            if run and not run.lease:
                self.take_as(1, '', False, 'worker0')
            if run and run.lease:
                self.lose(run, a, b)

    def lose(self, run, a, b):
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
        self.add('pulse', ['FCALL', self.functions['pulse'], 1, PULSE, *words_of({'lease_ms': LEASE_MS})], self.model.pulse(LEASE_MS))

    def reap_one(self, run, lease_ms):
        arguments = {'member': run.member, 'expired': TIMEOUT, 'lost': LOST, 'crashes_max': CRASHES,
                     'lease_ms': lease_ms}
        self.script('reap', run, arguments, self.model.reap(run, TIMEOUT, LOST, CRASHES, lease_ms), [PULSE])

    # the clock

    def set_clock(self, now):
        if now > self.model.now:
            self.model.now = now
            self.add('clock +%d ms' % (now - START_MS), ['SET', CLOCK, now], True)

    def pass_time(self, run, a, b):
        self.set_clock(self.model.now + PASSES_MS[a])
        if PASSES_MS[a] > RETENTION * 1000:
            self.sweep(run, a, b)  # before anything else changes

    def until(self, run, a, b):
        """To a moment at which something is to happen, or one before or behind it."""
        looks = {member: look for member, look in self.model.live.items()
                 if a == 5 or self.model.named[member].phase != 'queued' or self.model.named[member].due}
        moments = {0: looks.get(run.member), 1: run.run_deadline}.get(a // 6) or min(looks.values(), default=0)
        self.set_clock(moments + (0, 0, 0, 0, 0, -1, 1, 1)[b])

    # a hand in Redis

    def delete(self, run, a, b):
        """A part of the queue, or a run's place in it; or the reaper's index. And then somebody may look for it."""
        app, action = run.home[0], run.member.split(':', 2)[2]
        model, lane = self.model, READY + ':' + app
        queued = [other for other in model.runs if other.phase == 'queued']
        run = queued[b % len(queued)] if queued and a < 6 else run
        if a < 2:
            self.touch_all()
            answer, model.begun = self.count_queue(), {}
            model.ready.__init__()
            self.add('a hand deletes the queue', ['DEL', READY, BEGUN] + [READY + ':' + name for name in
                                                                         reference.TENANTS + reference.APPS], answer)
        elif a < 4:
            self.touch_all()
            answer = int(bool(model.ready.lanes.pop(app, None)))
            self.add('a hand deletes ' + lane, ['DEL', lane], answer)
        elif a < 5:
            self.touch_all()
            lanes = READY + ':' + tenant_of(app)
            answer = int(bool(model.ready.turns.pop(tenant_of(app), None)))
            self.add('a hand deletes ' + lanes, ['DEL', lanes], answer)
        elif a < 6:
            self.touch_all()
            answer, model.ready.tenants = int(bool(model.ready.tenants)), {}
            self.add('a hand deletes ' + READY, ['DEL', READY], answer)
        else:
            self.touched |= {run.member}
            answer = int(model.live.pop(run.member, None) is not None)
            self.add('a hand takes %s out of the index' % run.member, ['ZREM', LIVE, run.member], answer)
        if b & 1:
            self.sweep(run, a, b)
            for other in [other for other in model.runs if model.live.get(other.member) == model.now]:
                self.reap_one(other, LEASE_MS)

    def touch_all(self):
        self.touched |= {run.member for run in self.model.runs}

    def count_queue(self):
        model = self.model
        return sum(map(bool, (model.begun, model.ready.tenants, *model.ready.turns.values(), *model.ready.lanes.values())))

    def forge(self, run, a, b):
        """A hand puts a run where it does not stand; and then somebody may take it."""
        live = [other for other in self.model.runs if other.status == 'running' and other.phase != 'queued' or other.due]
        run = live[b % len(live)] if live and a < 6 else run
        app, action = run.home[0], run.member.split(':', 2)[2]
        self.touched |= {run.member}
        model = self.model
        if a & 1:
            answer = int(run.member not in model.begun)
            model.begun[run.member] = model.now
            self.add('a hand adds %s to %s' % (run.member, BEGUN),
                     ['ZADD', BEGUN, model.now, run.member], answer)
        else:
            self.put_in_lane(run)
        if b & 1 and (a & 1 or app in model.ready.turns_of(tenant_of(app))):
            self.take(run, 0, 0)

    def put_in_lane(self, run):
        app, action = run.home[0], run.member.split(':', 2)[2]
        steps = self.model.ready.lanes.setdefault(app, [])
        answer = int(action not in steps)
        self.model.ready.lanes[app] = [action] + [other for other in steps if other != action]
        self.touched |= {run.member}
        self.add('a hand adds %s to its lane' % run.member,
                 ['ZADD', READY + ':' + app, -10**6 - len(self.steps), action], answer)

    def linger(self, run, a, b):
        """A run stands on the queue for longer than its work may take."""
        if run.phase != 'queued':
            self.trigger(run, 0, 0)
        if run.phase == 'queued':
            self.set_clock(run.run_deadline + (0, 1)[a & 1])
            (self.take if b & 1 else self.reap_lingering)(run, 0, 0)

    def crowd(self, run, a, b):
        """Many stand in one lane: one comes back to it, or was begun and is due beside them."""
        steps = [other for other in self.model.runs if other.home[0] == run.home[0]]
        self.deploy(steps[0], 4, 1)
        for other in steps[b % 3:] + steps[:b % 3]:
            self.trigger(other, 5, 0)
        first = next((other for other in steps if other.phase == 'queued'), None)
        if a & 1 and first:
            self.take_as(1, '', True, 'worker0')
            for other in [other for other in steps if other.lease]:
                self.release(other, other.lease, a, b)
            self.take_as(1, '', True, 'worker0')
            return
        self.take_as(1, ' site:env=v0=vercel.env ', True, 'worker0')
        for other in [other for other in steps if other.phase == 'queued' and other.due]:
            self.set_clock(other.due)
            self.reap_one(other, LEASE_MS)

    def reap_lingering(self, run, a, b):
        self.reap_one(run, LEASE_MS)

    def deafen(self, run, a, b):
        """Nobody is told any more by this step, or by the deployment."""
        name = run.member if a < 6 else deployment_name(run.home[0])
        key = PREFIX + 'users:' + name
        self.deaf |= {name}
        self.add('a hand deletes ' + key, ['DEL', key], int(bool(self.model.users.pop(name, None))))

    def disown(self, run, a, b):
        """The hash of a deployment goes; its runs stay."""
        one = self.model.deployments[run.home[0]]
        there = int(one.version is not None)
        one.forget(one.FIELDS)
        one.recorded = None
        self.add('a hand deletes ' + one.name, ['DEL', PREFIX + 'app:' + one.name], there)

    def stray(self, run, a, b):
        if run.status != 'running':
            index, key = ((self.model.delayed, DELAYED), (self.model.live, LIVE))[a & 1]
            added = int(run.member not in index)
            index[run.member] = self.model.now
            self.touched |= {run.member}
            self.add('a hand adds %s to %s' % (run.member, key), ['ZADD', key, self.model.now, run.member], added)


setattr(Plan, 'pass', Plan.pass_time)

# ---- what Redis said ----


def plain_claim(item):
    """What is told of each run has no names; a ledger without a row is not told."""
    first = 'run status phase input attempt attempts queued_at started_at run_deadline'.split()
    told = dict(zip(first, item[3])) | as_dict(item[3][len(first):])
    return [*item[:3], told, as_dict(item[4] if len(item) > 4 else [])]


def plain(answer):
    """An answer in the form in which the model gives it: what stands in a hash is a dict."""
    if isinstance(answer, list) and answer and isinstance(answer[0], str):
        hashes = {'new': [2], 'same': [2], 'conflict': [2], 'reused': [2], 'needs_not_done': [2], 'over': [2],
                  'cancelled': [2], 'cancelling': [2], 'nothing': [2], 'written': [2], 'expired': [2], 'lost': [2],
                  'taken over': [2], 'none': [2], 'changed': [2], 'busy': [2], 'other': [2], 'executing': [2], 'done': [2],
                  'given': [2], 'ring': [2], 'forgotten': [2]}.get(answer[0], [])
        # Where a ring is entered is nobody's business.
        if answer[0] == 'ring' and len(answer[3]) > 2 and answer[3][0] == answer[3][-1]:
            answer = [*answer[:3], ['a ring']]
        return [as_dict(item) if i in hashes else item for i, item in enumerate(answer)]
    if isinstance(answer, list) and len(answer) == 3 and isinstance(answer[2], list):
        return [answer[0], answer[1], [plain_claim(item) if item[0] == 'claimed' else
                                       [*item[:2], *(as_dict(part) if isinstance(part, list) else part for part in item[2:])]
                                       for item in answer[2]]]
    return answer if answer is not None else []


def read_answer(answer, step):
    if not step.parts:
        return plain(answer)
    # A word alone is what the end says that a line was written with; a trigger that is queued has several.
    return [plain([part] if isinstance(part, str) and part and ' ' not in part else part) for part in answer]


def named_parts(step):
    """What was called, each with what it answered."""
    names = step.text.split(' ')
    if not step.parts:
        return [(names[0], step.answer)]
    if names[0] == 'triggers':
        return [('triggers', answer) for answer in step.answer]
    writes = list(zip(names, step.answer[1:]))
    return writes + [('take', step.answer[0])] if step.answer[0] else writes


def word_of(answer):
    if isinstance(answer, str):
        return answer.split(' ')[0]
    return answer[0] if isinstance(answer[0], str) else ' '.join(item[0] for item in answer[2]) or 'nothing'


def ends_of(streams, read):
    """The length of each app's stream, and its last entry."""
    return {app: [count, read(last[0][1]) if last else []] for app, (count, last) in zip(reference.APPS, streams)}


def ends_of_events(lists):
    """The same of lists of lines, the newest first, each of which may leave it to the next one what it is of."""
    ends = {}
    for app, (count, lines) in zip(reference.APPS, lists):
        words = [(line.split(' ', 3) + [''])[:4] for line in lines or []]
        what = next((word[2] for word in words if word[2] != '^'), '').split('.')
        ends[app] = [count, what + [words[0][1], words[0][3]] if words else []]
    return ends


def read_end(line):
    """When a run ended, and what its line in the history tells of it: names and values."""
    head, *rest = line.split('\n')
    words = head.split(' ')
    names = 'status workflow action run digest definition attempt crashes queued_at started_at'.split()
    told = dict((name, word) for name, word in zip(names, words[1:]) if word != '-')
    for name, value in (text.split(' ', 1) for text in rest):
        told[name] = told[name] + '\n' + value if name in told else value
    return [int(words[0].split('-')[0])] + [text for pair in told.items() for text in pair]


def tree_of(tree):
    return {'tenants': tree['tenants'] or [],
            'turns': {tenant: [tenant + ':' + app for app in turns]
                      for tenant, turns in zip(reference.TENANTS, tree['turns']) if turns},
            'lanes': {app: steps for app, steps in zip(reference.APPS, tree['lanes']) if steps}}


def read_snapshot(text, model):
    # cjson writes an empty table as {}.
    raw = json.loads(text)
    hashes = [as_dict(flat or []) for flat in raw['hashes']]
    found = {
        'runs': {run.member: found for run, found in zip(model.runs, hashes)},
        'ledgers': dict(zip(reference.APPS, hashes[len(model.runs):])),
        'deployments': dict(zip(map(deployment_name, reference.APPS), hashes[-len(reference.APPS):])),
        'users': {name: as_scores(flat) for name, flat in zip(model.named, raw['users']) if flat},
        'trees': {what: tree_of(tree) for what, tree in zip(['ready'] + ASIDES, raw['trees'])},
        'behind': {what: others for what, others in zip(HELD_TURNS, raw['behind']) if others},
        'waits': {what: as_scores(flat) for what, flat in dict(raw['waits'] or {}).items()},
        'events': ends_of_events(raw['events']),
        'history': {app: [read_end(line) for line in lines or []]
                    for app, (_, lines) in zip(reference.APPS, raw['history'])},
        'past': ends_of(raw['past'], list),
    }
    found['pulse'], found['swept'], found['tenants'] = raw.get('pulse'), raw.get('swept'), raw['tenants'] or []
    found['apps'] = {tenant + ':' + app: when for tenant, flat in zip(reference.TENANTS, raw['apps'])
                     for app, when in as_scores(flat or []).items()}
    found.update({index: as_scores(raw[index] or []) for index in ('begun', 'delayed', 'live', 'held')})
    found['used'] = {tenant: as_dict(flat or []) for tenant, flat in zip(reference.TENANTS, raw['used'])}
    found.update({name: as_dict(raw[name] or []) for name in ('holds', 'paused', 'running')})
    return found, raw['ttls'], {app for _, fields in raw['told'] or [] for app in fields[1::2]}


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
        client.function_flush()
        self.functions = load(client, mutant)
        self.snapshot = client.script_load(SNAPSHOT % lua_lists())

    def check(self, operations):
        plan = Plan(self.functions)
        for number in operations:
            plan.operation(*operation_of(number))
        pipeline = self.client.pipeline(transaction=False)
        pipeline.execute_command('FLUSHALL')
        pipeline.execute_command('SET', CLOCK, START_MS)
        for step in plan.steps:
            pipeline.execute_command(*step.command)
            pipeline.execute_command('EVALSHA', self.snapshot, 0)
        answers = pipeline.execute(raise_on_error=False)[2:]
        before = None
        for i, step in enumerate(plan.steps):
            answer, text = answers[2 * i], answers[2 * i + 1]
            answer = str(answer) if isinstance(answer, Exception) else read_answer(answer, step)
            found, ttls, step.told = read_snapshot(text, plan.model)
            self.compared += step.scripted
            if step.scripted:
                for name, part in named_parts(step):
                    word = name + ' ' + word_of(part)
                    self.words[word] = self.words.get(word, 0) + 1
            broken = broken_invariants(before, found, ttls, step)
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
            texts(name)  # ends the program where the place of a mutant is gone
        print('SEED=%d' % number)
        return compare(client, steps, number, mutant)


if __name__ == '__main__':
    sys.exit(main())
