#!/usr/bin/python3
"""Runs the real scripts beside the model in reference.py, in random order, and compares everything after every step.

    test_model.py            STEPS (10000) calls of scripts; SEED (1) chooses which
    MUTANT=name test_model.py    the same with one mistake put into the scripts: differences are to be found
    test_model.py --mutants  each of the mistakes in turn; fails where one is not noticed

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
from reference import Model, entry_text

HERE = pathlib.Path(__file__).resolve().parent
SCRIPTS = HERE.parent.parent / 'src/store/scripts'
NAMES = 'trigger claim needs renew progress wait retry finish release cancel pulse reap'.split()
PREFIX = 'slipway:{0}:'
QUEUE, DELAYED, LIVE, APPS_KEY, PULSE, DUE, CLOCK, LAYOUT = (
    PREFIX + name for name in ('queue', 'delayed', 'live', 'apps', 'pulse', 'due', 'test-clock', 'layout'))
WITHOUT_TTL = {QUEUE, DELAYED, LIVE, APPS_KEY, PULSE, CLOCK, LAYOUT}
START_MS = 1_700_000_000_000
LEASE_MS, UNCLAIMED_MS, NEVER_MS, CRASHES = 30_000, 5_000, 10**9, 3
TIMEOUT, LOST, CANCELLED, STOPPED, FAILED = (
    '{"class":"%s"}' % word for word in ('timeout', 'worker_lost', 'cancelled', 'stopped', 'internal'))

# ---- the scripts, right and wrong ----

# Mistakes, each of which must be noticed: name, file, what stands there, what is put in its place.
MUTANTS = [
    ('renew_without_fence', 'renew', 'if not held(arg.token) then', 'if false then'),
    ('progress_without_fence', 'progress', 'if not held(arg.token) then', 'if false then'),
    ('needs_without_fence', 'needs', 'if not held(arg.token) then', 'if false then'),
    ('needs_that_are_not_done', 'basis', "if need[1] ~= 'done' or need[3] then", 'if false then'),
    ('needs_keep_the_basis_of_the_trigger', 'needs', "set('basis', ", "set('used', 1, 'basis_now', "),
    ('needs_of_two_are_those_of_the_last', 'needs', "get('used') and get('basis') ~= basis and 'mixed' or basis",
     'basis'),
    ('finish_by_run_id_only', 'finish', 'if not held(arg.token) then',
     "if get('run') ~= arg.token:match('^[^/]*') then"),
    ('ack_without_delete', 'states', "redis.pcall('XDEL', queue, entry)", ''),
    ('delete_without_ack', 'states', "redis.pcall('XACK', queue, GROUP, entry)", ''),
    ('enqueue_keeps_old_entry', 'states', 'local function enqueue()\n\tdrop_entry()', 'local function enqueue()'),
    ('enqueue_stays_in_delayed', 'states', "redis.call('ZREM', delayed, member())\n\tredis.call('ZADD', live, now + Q",
     "redis.call('ZADD', live, now + Q"),
    ('delay_beyond_the_deadline', 'states', "math.min(now + milliseconds, number('run_deadline'))",
     'now + milliseconds'),
    ('finish_stays_in_live', 'transitions', "redis.call('ZREM', live, member())", ''),
    ('finish_keeps_cancel', 'transitions', "'reason', 'detail', 'cancel', 'lost_lease', ",
     "'reason', 'detail', 'lost_lease', "),
    ('finish_does_not_see_what_changed', 'transitions', "if status == 'done' and get('basis') then", 'if false then'),
    ('run_without_expiry', 'states', "\tredis.call('EXPIRE', run, seconds)\n", ''),
    ('live_run_may_expire', 'retention', "if get('status') == 'running' then", 'if false then'),
    ('ledger_that_expires', 'states', '\tkeep_payload(seconds)\n',
     "\tredis.call('EXPIRE', ledger, seconds)\n"),
    ('apps_forget_who_has_something', 'retention', ":ledger') == 1", ":ledger') == 2"),
    ('wait_burns_an_attempt', 'wait', 'delay(', "redis.call('HINCRBY', run, 'attempt', 1)\ndelay("),
    ('an_outage_begins_anew', 'transitions', "redis.call('HSETNX', run, 'outage_at', now", "set('outage_at', now"),
    ('an_outage_never_ends', 'transitions', "\t\tclear('outage_at', 'outage_ms', 'outage_seen')\n", ''),
    ('an_outage_counts_the_queue', 'transitions', "number('due') - now\n\tredis", "now - number('queued_at')\n\tredis"),
    ('an_outage_is_no_pause', 'transitions', "redis.call('HINCRBY', run, 'paused_ms', lost)", ''),
    ('a_wait_knows_of_no_outage', 'wait', "\ncount_outage()", ''),
    ('a_retry_ends_the_outage', 'retry', "count_outage()", "clear('outage_at', 'outage_ms', 'outage_seen')"),
    ('finish_keeps_the_outage', 'transitions', "'lost_lease', 'outage_at', ", "'lost_lease', "),
    ('finish_keeps_the_pauses', 'transitions', "'outage_seen',\n\t\t'paused_ms', ", "'outage_seen', "),
    ('wait_ignores_cancel', 'wait', 'turned_away(arg.token)', "not held(arg.token) and { 'lost' }"),
    ('retry_ignores_cancel', 'retry', 'turned_away(arg.token)', "not held(arg.token) and { 'lost' }"),
    ('retry_without_attempt', 'retry', "redis.call('HINCRBY', run, 'attempt', 1)", ''),
    ('release_counts_a_crash', 'release', 'enqueue()', "redis.call('HINCRBY', run, 'crashes', 1)\nenqueue()"),
    ('claim_without_entry_check', 'claim', " or get('entry') ~= entry then\n\tif", ' then\n\tif'),
    ('claim_without_run_check', 'claim', "get('run') ~= arg.run or ", ''),
    ('claim_without_phase_check', 'claim', " or get('phase') ~= 'queued'", ''),
    ('claim_past_the_deadline', 'claim', "now >= number('run_deadline')", "now > number('run_deadline')"),
    ('reap_without_crash_count', 'reap', "redis.call('HINCRBY', run, 'crashes', 1)",
     "redis.call('HINCRBY', run, 'crashes', 0)"),
    ('reap_one_crash_too_late', 'reap', '>= tonumber(arg.crashes_max)', '> tonumber(arg.crashes_max)'),
    ('reap_one_moment_too_late', 'reap', 'lease_until > now', 'lease_until >= now'),
    ('wait_keeps_the_crashes', 'wait', ", 'crashes', 0", ''),
    ('retry_keeps_the_crashes', 'retry', ", 'crashes', 0", ''),
    ('release_keeps_a_crash_that_was_none', 'release', "'crashes', -1)", "'crashes', 0)"),
    ('release_takes_back_any_crash', 'release', "get('lost_lease') == arg.token", "get('lost_lease')"),
    ('reap_spares_nobody', 'reap', 'if spared > now then', 'if false then'),
    ('reap_spares_what_was_given_up', 'reap', " or number('lease_until') == 0", ''),
    ('reap_trusts_a_stale_pulse', 'reap', 'now - last > lease_ms / 3 and now + 1 or 0', '0'),
    ('pulse_sees_no_gap', 'pulse', 'local missed = last and now - last > lease_ms / 3', 'local missed = false'),
    ('reap_ignores_cancel', 'reap', 'if ended_by_cancel() then', 'if false then'),
    ('reap_trusts_readers_struck_off', 'reap', 'unclaimed = true', 'unclaimed = false'),
    ('reap_ignores_lost_entries', 'reap', '#found == 1', '#found <= 1'),
    ('cancel_says_nothing_was_done', 'cancel', "get('started_at') and arg.begun or ", ''),
    ('cancel_twice_is_two_changes', 'cancel', "if not get('cancel') then", 'if true then'),
    ('trigger_without_needs', 'trigger', 'if #missing > 0 then', 'if #missing > 99 then'),
    ('trigger_reuses_on_other_basis', 'trigger', " and\n\tget('basis') == basis", ''),
    ('trigger_reuses_what_was_removed', 'trigger', "not get('removed') and ", ''),
    ('trigger_builds_on_what_was_removed', 'basis', " or need[3] then", ' then'),
    ('trigger_keeps_the_mark_of_removal', 'transitions', "'request', 'removed', ", "'request', "),
    ('progress_marks_other_runs', 'progress', '(found[3] or found[1]) == id and ', ''),
    ('progress_marks_what_did_not_end_well', 'progress', " and found[2] == 'done'", ''),
    ('progress_forgets_who_made_it', 'progress', '\tremember_maker()\n', ''),
    ('progress_keeps_one_maker', 'progress', 'if step ~= me then', 'if false then'),
    ('progress_replaces_without_a_mark', 'progress', "if arg.replaces == '1' then", 'if false then'),
    ('progress_removes_without_a_mark', 'progress', "== 1 then\n\tmark_makers()", '== 1 then'),
    ('trigger_ignores_force', 'trigger', "arg.force ~= '1' and ", ''),
    ('trigger_forgets_its_id', 'trigger', "get('trigger') == arg.trigger", 'false'),
    ('trigger_keeps_an_old_id', 'transitions', "'trigger', 'request', 'rem", "'request', 'rem"),
    ('trigger_keeps_old_output', 'transitions', "'error', 'output', ", "'error', "),
]


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
local events = {}
for i, app in ipairs(apps) do
	local key = 'slipway:{0}:app:default:' .. app .. ':events'
	events[i] = { redis.call('XLEN', key), redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1) }
end
local queue = 'slipway:{0}:queue'
return cjson.encode({ hashes = pairs_of, ttls = ttls, events = events, queue = redis.call('XRANGE', queue, '-', '+'),
	group = redis.call('XINFO', 'GROUPS', queue), pending = redis.call('XPENDING', queue, 'workers', '-', '+', 1000),
	delayed = redis.call('ZRANGE', 'slipway:{0}:delayed', 0, -1, 'WITHSCORES'),
	live = redis.call('ZRANGE', 'slipway:{0}:live', 0, -1, 'WITHSCORES'),
	apps = redis.call('ZRANGE', 'slipway:{0}:apps', 0, -1, 'WITHSCORES'),
	pulse = redis.call('GET', 'slipway:{0}:pulse') or nil })
"""


def lua_lists():
    keys = [run_keys(run)[0] for run in Model(START_MS).runs]
    keys += [PREFIX + 'app:default:%s:ledger' % app for app in reference.APPS]
    return tuple(', '.join("'%s'" % name for name in names) for names in (keys, reference.APPS))


def pairs_of(arguments):
    """The arguments of a script as it is given them: names and values."""
    return [word for pair in arguments.items() for word in pair]


def as_dict(flat):
    return dict(zip(flat[::2], flat[1::2]))


def as_scores(flat):
    return {member: float(score) for member, score in as_dict(flat).items()}


def run_keys(run):
    app, action = run.home
    of_app = PREFIX + 'app:default:' + app + ':'
    return [of_app + reference.WORKFLOW + ':' + action, QUEUE, DELAYED, LIVE, of_app + 'events', APPS_KEY,
            of_app + 'payload', of_app + 'ledger']


# ---- a list of operations becomes commands and what they are to answer ----

# Names stand more than once where most would otherwise come to nothing. 'nothing' is what shortening turns them into.
OPERATIONS = ('nothing', 'trigger', 'trigger', 'trigger', 'read', 'read', 'read', 'claim', 'claim', 'claim', 'needs', 'renew',
              'progress', 'wait', 'retry', 'finish', 'finish', 'release', 'cancel', 'cancel', 'reap', 'reap', 'reap',
              'until', 'until', 'pass', 'pulse', 'crash', 'crash', 'delete', 'strike_off', 'forge', 'stray', 'made',
              'made', 'made', 'unmade', 'unmade')
PASSES_MS = (0, 1, 500, 2_000, 5_000, 30_000, 600_000, 100_000_000)
DELAYS_MS = (0, 1, 1_000, 5_000, 20_000, 60_000, 600_000, 10_000_000)
# An operation is one number, for each draw costs time: name, run, and two free choices.
RUNS, CHOICES = 4, 8
SOME_OPERATIONS = st.lists(st.integers(0, len(OPERATIONS) * RUNS * CHOICES * CHOICES - 1), min_size=60, max_size=150)


def operation_of(number):
    number, b = divmod(number, CHOICES)
    number, a = divmod(number, CHOICES)
    name, which = divmod(number, RUNS)
    return OPERATIONS[name], which, a, b


class Step:
    def __init__(self, text, command, answer, model, touched):
        self.text, self.command, self.answer = text, command, answer
        self.expected = model.snapshot()
        self.touched = touched  # entries that a hand has had part in: they need not stand in one place
        self.scripted = command[0] == 'EVALSHA'


class Plan:
    """Turns operations into steps. Which run, token or entry an operation takes depends on what the model knows."""

    def __init__(self, digests):
        self.digests = digests
        self.model = Model(START_MS)
        self.steps = []
        self.tokens, self.entries, self.run_ids = [], [], []
        self.touched = frozenset()

    def add(self, text, command, answer):
        self.steps.append(Step(text, command, answer, self.model, self.touched))

    def script(self, name, run, arguments, answer, more_keys=()):
        keys = run_keys(run) + list(more_keys)
        self.add('%s %s %s' % (name, run.member, json.dumps(arguments)),
                 ['EVALSHA', self.digests[name], len(keys), *keys, *pairs_of(arguments)], answer)
        if run.entry and (not self.entries or run.entry > self.entries[-1][0]):
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
        if a < 4 and needed:
            run = needed
        app, action = run.home
        run_id = 'run%d' % len(self.run_ids)
        self.run_ids.append(run_id)
        digest, force, deadline, retention = 'd%d' % (a == 7), a in (5, 6), (3_600_000, 20_000)[b == 7], 90_000
        needs = reference.NEEDS[action]
        # A client that makes up an id now and then sends the one before once more.
        request = '' if b % 2 else 'request-%d' % a
        trigger = '' if a % 2 else 't%d' % (len(self.run_ids) // 3)
        answer = self.model.trigger(run, run_id, '{"n":%d}' % a, digest, force, deadline, 5, retention, trigger, request)
        arguments = {'app': app, 'workflow': reference.WORKFLOW, 'step': action, 'run': run_id, 'input': '{"n":%d}' % a,
                     'digest': digest, 'force': '1' if force else '', 'run_ms': deadline, 'attempts': 5,
                     'retention': retention, 'trigger': trigger, 'request': request, 'hold': '',
                     'needs': ' '.join('%s:%s:%s' % (app, reference.WORKFLOW, need) for need in needs)}
        self.script('trigger', run, arguments, answer,
                    [PREFIX + 'app:default:%s:%s:%s' % (app, reference.WORKFLOW, need) for need in needs])

    def cancel(self, run, a, b):
        if a < 5:
            run = next((other for other in self.model.runs if other.lease), run)
        self.script('cancel', run, {'unbegun': CANCELLED, 'begun': STOPPED},
                    self.model.cancel(run, CANCELLED, STOPPED))

    # workers

    def claim(self, run, a, b):
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
        if entry is None:
            return
        if entry != run.entry:
            # Drops the entry, which may be another run's: a worker that takes an entry for another run's breaks things.
            self.touched |= {entry_text(entry)}
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
        needs = reference.NEEDS[run.home[1]]
        self.script('needs', run, {'token': token}, self.model.needs(run, token),
                    [PREFIX + 'app:default:%s:%s:%s' % (run.home[0], reference.WORKFLOW, need) for need in needs])

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
                   reason=('', 'rate_limited', 'provider_down', 'provider_down')[b & 3], detail=('', 'detail')[b & 1],
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
            self.reap_one(run, LEASE_MS if a == 7 else 0)

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
        fields = [app, reference.WORKFLOW, action, run_id]
        entry = self.model.add_entry(fields)
        self.entries.append((entry, run, run_id))
        self.touched |= {entry_text(entry)}
        self.add('a hand adds an entry for %s %s' % (run.member, run_id),
                 ['XADD', QUEUE, '%d-*' % self.model.now, 'app', app, 'workflow', reference.WORKFLOW, 'action', action,
                  'run', run_id], entry_text(entry))

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
                  'taken over': [2]}.get(answer[0], [])
        return [as_dict(item) if i in hashes else item for i, item in enumerate(answer)]
    if isinstance(answer, list) and answer:
        return [entry for _, entries in answer for entry, _ in entries]
    return answer if answer is not None else []


def read_snapshot(text, model):
    # cjson writes an empty table as {}.
    raw = json.loads(text)
    hashes = [as_dict(flat or []) for flat in raw['hashes']]
    group = as_dict(raw['group'][0])
    found = {
        'runs': {run.member: found for run, found in zip(model.runs, hashes)},
        'ledgers': dict(zip(reference.APPS, hashes[len(model.runs):])),
        'queue': {entry: fields[1::2] for entry, fields in raw['queue']},
        'pending': {row[0]: row[1] for row in raw['pending']},
        'events': {app: [count, last[0][1][1::2] if last else []]
                   for app, (count, last) in zip(reference.APPS, raw['events'])},
    }
    found['pulse'] = raw.get('pulse')
    found.update({index: as_scores(raw[index] or []) for index in ('delayed', 'live', 'apps')})
    return found, raw['ttls'], tuple(map(int, group['last-delivered-id'].split('-')))


def differences(expected, found, path=''):
    if isinstance(expected, dict) and isinstance(found, dict):
        return [line for key in {**expected, **found}
                for line in differences(expected.get(key), found.get(key), path + '/' + key)]
    return [] if expected == found else ['%s: the model says %r, Redis says %r' % (path, expected, found)]


def broken_invariants(before, found, ttls, last_read, step):
    """What must hold whatever the model thinks."""
    lines = []
    for member, run in found['runs'].items():
        old = before['runs'][member] if before else {}
        if int(run.get('version', 0)) < int(old.get('version', 0)):
            lines.append('%s: its version fell' % member)
        # What was removed is marked, and so is what was made from something else; nothing else changes.
        stale = {**old, **{name: run.get(name) for name in ('stale', 'version', 'changed_at')}}
        marked = {**old, **{name: run.get(name) for name in ('removed', 'version', 'changed_at')}}
        if old.get('status') in ('done', 'error') and run != old and not step.text.startswith('trigger ' + member) and \
                not (step.text.startswith('progress') and run == marked and 'removed' in run) and \
                {'stale': None, **run} != {'stale': None, **stale}:
            lines.append('%s: it had ended and changed' % member)
        if old and not run:
            lines.append('%s: it is gone' % member)
        entry, delayed = run.get('entry'), member in found['delayed']
        if run.get('status') == 'running':
            unread = entry in found['queue'] and tuple(map(int, entry.split('-'))) > last_read
            places = unread + (entry in found['pending']) + delayed
            if places > 1 or places == 0 and entry not in step.touched:
                lines.append('%s: it stands in %d places' % (member, places))
            if member not in found['live']:
                lines.append('%s: no reaper will see it' % member)
        elif entry or 'lease' in run or 'cancel' in run:
            lines.append('%s: it does not run and has an entry, a lease or a mark' % member)
        if ('lease' in run) != (run.get('phase') == 'executing'):
            lines.append('%s: a lease and executing do not go together' % member)
    owned = {run.get('entry') for run in found['runs'].values()} | step.touched
    lines += ['%s: nobody owns this entry' % entry for entry in {**found['queue'], **found['pending']}
              if entry not in owned]
    ledgers = {PREFIX + 'app:default:%s:%s' % (app, name) for app in reference.APPS for name in ('ledger', 'makers')}
    lines += ['%s: it never expires' % key for key, ttl in ttls.items()
              if ttl < 0 and key not in WITHOUT_TTL | ledgers]
    lines += ['%s: a ledger is to expire' % key for key, ttl in ttls.items() if ttl >= 0 and key in ledgers]
    lines += ['%s: it may expire while it is live' % member for member, run in found['runs'].items()
              if run.get('status') == 'running' and ttls[PREFIX + 'app:default:' + member] + 60 <
              (int(run['run_deadline']) - int(run['changed_at'])) // 1000 + int(run['retention'])]
    return lines


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


def check_mutants(client, steps, number):
    missed = 0
    for name, *_ in MUTANTS:
        comparison = Comparison(client, name)
        difference = comparison.explore(steps, number, shrink=False)
        if difference:
            print('mutant %s: caught by %s after %d steps' % (name, difference.by, comparison.compared), flush=True)
        else:
            print('mutant %s: NOT caught in %d steps' % (name, comparison.compared), flush=True)
            missed += 1
    print('mutants: %d of %d caught' % (len(MUTANTS) - missed, len(MUTANTS)))
    return 1 if missed else 0


def main():
    steps, number = int(os.environ.get('STEPS', 10000)), int(os.environ.get('SEED', 1))
    mutant = os.environ.get('MUTANT')
    if mutant and mutant not in [row[0] for row in MUTANTS]:
        sys.exit('MUTANT is one of: ' + ' '.join(row[0] for row in MUTANTS))
    with Server() as client:
        if '--mutants' in sys.argv[1:]:
            return check_mutants(client, steps, number)
        print('SEED=%d' % number)
        return compare(client, steps, number, mutant)


if __name__ == '__main__':
    sys.exit(main())
