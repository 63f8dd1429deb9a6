"""What must hold of all that stands in Redis, whatever the model thinks.

Each function is given what stood there before a step and what stands there after it, as read_snapshot gives it, and
gives lines that say what does not hold.
"""
import hashlib

import reference
from deployments import ANY, KEPT, RECHECK_MS

PREFIX = 'slipway:{0}:'
QUEUE, DELAYED, LIVE, APPS_KEY, PULSE, CLOCK, LAYOUT = (
    PREFIX + name for name in ('queue', 'delayed', 'live', 'apps', 'pulse', 'test-clock', 'layout'))
WITHOUT_TTL = {QUEUE, DELAYED, LIVE, APPS_KEY, PULSE, CLOCK, LAYOUT}
# What a mark changes that others put on a run which has ended.
MARKS = ('stale', 'removed', 'version', 'changed_at', 'deployment', *KEPT)


def broken_invariants(before, found, ttls, last_read, step):
    lines = []
    for check in (check_ends, check_places, check_expiry, check_blocked, check_released, check_deployments):
        lines += check(before or {'runs': {}, 'deployments': {}}, found, ttls, last_read, step)
    return lines


def begins_anew(member, step):
    """Whether the step is one after which the run may be another one."""
    name, _, rest = step.text.partition(' ')
    return name in ('trigger', 'skip') and rest.startswith(member + ' ') or \
        name == 'start' and rest.startswith(member.split(':')[0] + ' ')


def check_ends(before, found, ttls, last_read, step):
    """What has ended never changes, and no live run is replaced but one that has not begun."""
    lines = []
    for member, run in found['runs'].items():
        old = before['runs'].get(member, {})
        if int(run.get('version', 0)) < int(old.get('version', 0)):
            lines.append('%s: its version fell' % member)
        if old and not run:
            lines.append('%s: it is gone' % member)
        without_marks = [{name: text for name, text in one.items() if name not in MARKS} for one in (old, run)]
        ended = old.get('status') in ('done', 'error')
        if ended and without_marks[0] != without_marks[1] and not begins_anew(member, step):
            lines.append('%s: it had ended and changed' % member)
        if ended and 'removed' in run and 'removed' not in old and not step.text.startswith('progress'):
            lines.append('%s: nobody has removed it' % member)
        replaced = old.get('status') == 'running' and run.get('run') != old['run']
        if replaced and ('started_at' in old or old['phase'] != 'blocked' or not step.text.startswith('start')):
            lines.append('%s: another run took its place while it was live' % member)
    return lines


def check_places(before, found, ttls, last_read, step):
    """A live run stands in exactly one place, and an ended one in none."""
    lines = []
    for member, run in found['runs'].items():
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
    return lines + ['%s: nobody owns this entry' % entry for entry in {**found['queue'], **found['pending']}
                    if entry not in owned]


def check_expiry(before, found, ttls, last_read, step):
    ledgers = {PREFIX + 'app:default:%s:%s' % (app, name) for app in reference.APPS for name in ('ledger', 'makers')}
    lines = ['%s: it never expires' % key for key, ttl in ttls.items() if ttl < 0 and key not in WITHOUT_TTL | ledgers]
    lines += ['%s: a ledger is to expire' % key for key, ttl in ttls.items() if ttl >= 0 and key in ledgers]
    return lines + ['%s: it may expire while it is live' % member for member, run in found['runs'].items()
                    if run.get('status') == 'running' and ttls[PREFIX + 'app:default:' + member] + 60 <
                    (int(run['run_deadline']) - int(run['changed_at'])) // 1000 + int(run['retention'])]


def has_outputs(need, used):
    return 'outputs' not in need or set(used.split()) <= set(need['outputs'].split())


def state_of_needs(found, run):
    """Whether all that it needs is done, and the mark of what that gives."""
    named = {**found['runs'], **found['deployments']}
    names = run.get('needs', '').split()
    used = dict(zip([name for name in names if not name.endswith(':_deployment')], run.get('uses', '').split(';')))
    done = all(named[name].get('status') == 'done' and 'removed' not in named[name] and
               has_outputs(named[name], used.get(name, '')) for name in names)
    gives = [named[name].get('gives', '') for name in names if not name.endswith(':_deployment')]
    return done, hashlib.sha1('\n'.join(gives).encode()).hexdigest()


def check_blocked(before, found, ttls, last_read, step):
    """Nobody stays blocked whose needs are done, but where a hand has deleted who is to be told: till the next look."""
    lines = []
    for member, run in found['runs'].items():
        if run.get('phase') != 'blocked' or run.get('reason') not in ('needs', 'need_failed') or 'needs' not in run:
            continue
        deaf = set(run['needs'].split()) & step.deaf
        if state_of_needs(found, run)[0] and not deaf and 'started_at' not in run:
            lines.append('%s: all that it needs is done, and it is blocked' % member)
        if 'started_at' not in run and int(run['due']) > step.now + RECHECK_MS:
            lines.append('%s: nobody looks at it for more than a minute' % member)
    return lines


def check_released(before, found, ttls, last_read, step):
    """A run is released after the last of its needs was done, and says what that gave."""
    lines = []
    for member, run in found['runs'].items():
        old = before['runs'].get(member, {})
        released = old.get('phase') == 'blocked' and run.get('phase') == 'queued' and run.get('run') == old['run'] and \
            'started_at' not in run
        kept = old.get('status') != 'done' and run.get('status') == 'done' and run.get('reason') == 'reused'
        if not released and not kept:
            continue
        done, basis = state_of_needs(found, run)
        if not done:
            lines.append('%s: it is released before its needs are done' % member)
        if run['basis'] != basis and not (kept and run['basis'] == ANY):
            lines.append('%s: it is released for something else than its needs give' % member)
    return lines


def goes_on(app, run):
    """Whether a step of a deployment goes on without anybody's help in this app."""
    held = run.get('reason') == 'need_failed' and run.get('failed_need', '').startswith(app + ':')
    return run.get('status') == 'running' and not held


def check_deployments(before, found, ttls, last_read, step):
    lines = []
    for name, one in found['deployments'].items():
        app, old = name.split(':')[0], before['deployments'].get(name, {})
        runs = [found['runs']['%s:site:%s' % (app, action)] for action in one.get('steps', '').split()]
        status = one.get('status')
        mine = [run for run in runs if run.get('deployment') == one.get('deployment')]
        if status == 'done' and old != one and not (mine == runs and all(run.get('status') == 'done' for run in runs)):
            lines.append('%s: it is done, and not all its steps are' % name)
        if status in ('running', 'error') and (status == 'running') != any(goes_on(app, run) for run in mine):
            lines.append('%s: it is %s, and that is not what its steps say' % (name, status))
        ended = old.get('status') == 'done' and one.get('deployment') == old['deployment']
        if ended and one != old and not (step.text.startswith('start ') and '"what": "retry"' in step.text):
            lines.append('%s: it was done and changed' % name)
        if old and one and int(one['version']) < int(old['version']):
            lines.append('%s: its version fell' % name)
    return lines
