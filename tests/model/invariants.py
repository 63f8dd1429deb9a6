"""What must hold of all that stands in Redis, whatever the model thinks.

Each function is given what stood there before a step and what stands there after it, as read_snapshot gives it, and
gives lines that say what does not hold.
"""
import hashlib
import json

import reference
from deployments import ANY, KEPT, RECHECK_MS, app_of, tenant_of
from queue_model import ASIDES, of_app, of_tenant

PREFIX = 'slipway:{0}:'
READY, BEGUN, BELL, SWEEP, DELAYED, LIVE, TENANTS_KEY, PULSE, CLOCK, LAYOUT, CHANGES = (
    PREFIX + name for name in
    ('ready', 'begun', 'bell', 'sweep', 'delayed', 'live', 'tenants', 'pulse', 'test-clock', 'layout', 'changes'))
APPS_KEYS = [PREFIX + 'apps:' + tenant for tenant in reference.TENANTS]
ROOTS = [READY] + [PREFIX + 'aside:' + what for what in ASIDES]
WITHOUT_TTL = {PREFIX + 'tenant:' + tenant + ':used' for tenant in reference.TENANTS} | {PREFIX + name for name in ('held', 'holds', 'paused', 'running')} | {
    PREFIX + 'behind:' + name(app) for app in reference.APPS for name in (of_tenant, of_app)} | {
    root + rest for root in ROOTS
    for rest in [''] + [':' + name for name in reference.TENANTS + reference.APPS]} | set(APPS_KEYS) | {
    READY, BEGUN, BELL, SWEEP, DELAYED, LIVE, TENANTS_KEY, PULSE, CLOCK, LAYOUT, CHANGES}
# What a mark changes that others put on a run which has ended.
MARKS = ('stale', 'removed', 'version', 'changed_at', 'deployment', *KEPT)

WITHOUT_REQUESTS = {'starts': '', 'retries': ''}  # who else has asked for a deployment changes nothing of it


def broken_invariants(before, found, ttls, step):
    lines = []
    for check in (check_ends, check_places, check_holds, check_expiry, check_blocked, check_released, check_deployments,
                  check_told, check_budgets):
        lines += check(before or {'runs': {}, 'deployments': {}}, found, ttls, step)
    return lines


def begins_anew(member, step):
    """Whether the step is one after which the run may be another one."""
    name, _, rest = step.text.partition(' ')
    return name in ('trigger', 'skip') and rest.startswith(member + ' ') or \
        name == 'triggers' and member + ' ' in rest or \
        name == 'start' and rest.startswith(app_of(member) + ' ')


def check_ends(before, found, ttls, step):
    """What has ended never changes, and no live run is replaced but one that has not begun."""
    lines = []
    for member, run in found['runs'].items():
        old = before['runs'].get(member, {})
        if int(run.get('version', 0)) < int(old.get('version', 0)):
            lines.append('%s: its version fell' % member)
        if old and not run:
            lines.append('%s: it is gone' % member)
        # Given by a person before its needs were done, it is of what they give first.
        marks = MARKS + (('basis',) if old.get('basis') == ANY else ())
        without_marks = [{name: text for name, text in one.items() if name not in marks} for one in (old, run)]
        ended = old.get('status') in ('done', 'error')
        if ended and without_marks[0] != without_marks[1] and not begins_anew(member, step):
            lines.append('%s: it had ended and changed' % member)
        if ended and 'removed' in run and 'removed' not in old and 'progress' not in step.text:
            lines.append('%s: nobody has removed it' % member)
        replaced = old.get('status') == 'running' and run.get('run') != old['run']
        if replaced and ('started_at' in old or old['phase'] != 'blocked' or not step.text.startswith('start')):
            lines.append('%s: another run took its place while it was live' % member)
    return lines


def check_places(before, found, ttls, step):
    """A live run stands in exactly one place, and an ended one in none."""
    lines = []
    for member, run in found['runs'].items():
        app, action = app_of(member), member.split(':', 2)[2]
        lanes = {what: action in tree['lanes'].get(app, []) for what, tree in found['trees'].items()}
        in_lane, in_begun, in_all = lanes['ready'], member in found['begun'], sum(lanes.values())
        places = in_all + in_begun + (member in found['delayed']) + ('lease' in run)
        touched = member in step.touched
        if run.get('status') == 'running':
            if places != 1 and not touched:
                lines.append('%s: it stands in %d places' % (member, places))
            if in_lane and not has_turn(found, app) and not touched:
                lines.append('%s: its turn never comes' % member)
            if bool(in_all or in_begun) != ('ready_at' in run) and not touched:
                lines.append('%s: it does not know since when it is queued' % member)
            if member not in found['live'] and not touched:
                lines.append('%s: no reaper will see it' % member)
        elif places and not touched or 'lease' in run or 'cancel' in run or 'ready_at' in run:
            lines.append('%s: it does not run and has a place, a lease or a mark' % member)
        if ('lease' in run) != (run.get('phase') == 'executing'):
            lines.append('%s: a lease and executing do not go together' % member)
    return lines + ['%s: it has no runs to take, and takes turns' % app for tree in found['trees'].values()
                    for turns in tree['turns'].values() for app in turns
                    if app not in tree['lanes'] and not step.touched]


def has_turn(found, app):
    ready, held, tenant = found['trees']['ready'], found['held'], tenant_of(app)
    return of_app(app) in held or app in ready['turns'].get(tenant, []) and (
        tenant in ready['tenants'] or of_tenant(app) in held)


def check_holds(before, found, ttls, step):
    """Of what is counted are as many as are being run, never more than a limit allows, and all that holds is looked at."""
    lines, counted = [], {}
    for run in found['runs'].values():
        for what in run.get('counted', '').split():
            counted[what] = counted.get(what, 0) + 1
    if counted != {what: int(count) for what, count in found['running'].items()}:
        lines.append('running: %r is counted, and there are %r' % (found['running'], counted))
    for what, count in counted.items():
        kind, name = what.split(':', 1)
        most = step.limits.get(name if kind == 'action' else kind, count)
        if count > max(most, int(before.get('running', {}).get(what, 0))):
            lines.append('%s: %d are being run, and %d may be' % (what, count, most))
    for what, tree in found['trees'].items():
        if what != 'ready' and tree['lanes'] and what not in found['held'] and not step.touched:
            lines.append('%s: it holds runs, and nobody looks at it' % what)
    return lines


def check_budgets(before, found, ttls, step):
    """As many runs are counted as are live and say so, whoever has ended or replaced one."""
    lines = []
    for tenant, used in found['used'].items():
        counted = [run for member, run in found['runs'].items() if tenant_of(member) == tenant and 'budgeted' in run]
        if any(run['status'] != 'running' for run in counted) or len(counted) != int(used.get('live', 0)):
            lines.append('%s: %s live runs are counted, and there are %d' % (tenant, used.get('live', 0), len(counted)))
    return lines


def check_expiry(before, found, ttls, step):
    ledgers = {PREFIX + 'app:%s:%s' % (app, name) for app in reference.APPS for name in ('ledger', 'makers')}
    lines = ['%s: it never expires' % key for key, ttl in ttls.items() if ttl < 0 and key not in WITHOUT_TTL | ledgers]
    lines += ['%s: a ledger is to expire' % key for key, ttl in ttls.items() if ttl >= 0 and key in ledgers]
    return lines + ['%s: it may expire while it is live' % member for member, run in found['runs'].items()
                    if run.get('status') == 'running' and ttls[PREFIX + 'app:' + member] + 60 <
                    max(int(run['run_deadline']) - step.now, 0) // 1000 + int(run['retention'])]


def check_told(before, found, ttls, step):
    """Whoever waits for an app is woken by each change of a run or deployment that it shows."""
    if not step.scripted:
        return []
    return ['%s: nobody was told of version %s' % (member, run['version'])
            for kind in ('runs', 'deployments') for member, run in found[kind].items()
            if 'version' in run and run['version'] != before[kind].get(member, {}).get('version') and
            app_of(member) not in step.told]


def has_outputs(need, used):
    has = need['outputs'].split() if 'outputs' in need else json.loads(need.get('output', '{}'))
    return set(used.split()) <= set(has)


def needs_of(member, run):
    """In its hash they are named without its tenant."""
    return [tenant_of(member) + ':' + name for name in run.get('needs', '').split()]


def state_of_needs(found, member, run, with_order=True):
    """Whether all that it needs is done, and the mark of what that gives. Deployments are an order, and give nothing."""
    named = {**found['runs'], **found['deployments']}
    names = [name for name in needs_of(member, run) if with_order or not name.endswith(':_deployment')]
    used = dict(zip([name for name in names if not name.endswith(':_deployment')], run.get('uses', '').split(';')))
    done = all(named[name].get('status') == 'done' and 'removed' not in named[name] and
               has_outputs(named[name], used.get(name, '')) for name in names)
    gives = [named[name].get('gives', '') for name in names if not name.endswith(':_deployment')]
    mark = '\n'.join(gives)
    return done, mark and hashlib.sha1(mark.encode()).hexdigest()


def check_blocked(before, found, ttls, step):
    """Nobody stays blocked whose needs are done, but where a hand has deleted who is to be told: till the next look."""
    lines = []
    for member, run in found['runs'].items():
        if run.get('phase') != 'blocked' or run.get('reason') not in ('needs', 'need_failed') or 'needs' not in run:
            continue
        deaf = set(needs_of(member, run)) & step.deaf
        if state_of_needs(found, member, run)[0] and not deaf and 'started_at' not in run:
            lines.append('%s: all that it needs is done, and it is blocked' % member)
        if 'started_at' not in run and int(run['due']) > step.now + RECHECK_MS:
            lines.append('%s: nobody looks at it for more than a minute' % member)
    return lines


def check_released(before, found, ttls, step):
    """A run is released after the last of its needs was done, and says what that gave. One that keeps the result that
    stood there is made of the same, and waits for no deployment that comes before."""
    lines = []
    for member, run in found['runs'].items():
        old = before['runs'].get(member, {})
        released = old.get('phase') == 'blocked' and run.get('phase') == 'queued' and run.get('run') == old['run'] and \
            'started_at' not in run
        kept = old.get('status') != 'done' and run.get('status') == 'done' and run.get('reason') == 'reused'
        if not released and not kept:
            continue
        done, basis = state_of_needs(found, member, run, with_order=not kept)
        if not done:
            lines.append('%s: it is released before its needs are done' % member)
        if run.get('basis', '') != basis and not (kept and run.get('basis') == ANY):
            lines.append('%s: it is released for something else than its needs give' % member)
    return lines


def goes_on(run):
    """Whether a step of a deployment goes on without anybody's help."""
    return run.get('status') == 'running' and run.get('reason') != 'need_failed'


def check_deployments(before, found, ttls, step):
    lines = []
    for name, one in found['deployments'].items():
        app, old = app_of(name), before['deployments'].get(name, {})
        runs = [found['runs']['%s:site:%s' % (app, action)] for action in one.get('steps', '').split()]
        status = one.get('status')
        mine = [run for run in runs if run.get('deployment') == one.get('deployment')]
        became_done = {**old, **WITHOUT_REQUESTS} != {**one, **WITHOUT_REQUESTS} and status == 'done'
        if became_done and not (mine == runs and all(run.get('status') == 'done' for run in runs)):
            lines.append('%s: it is done, and not all its steps are' % name)
        if status in ('running', 'error') and (status == 'running') != any(goes_on(run) for run in mine):
            lines.append('%s: it is %s, and that is not what its steps say' % (name, status))
        ended = old.get('status') == 'done' and one.get('deployment') == old['deployment']
        if ended and one != old and not (step.text.startswith('start ') and '"what": "retry"' in step.text):
            lines.append('%s: it was done and changed' % name)
        if old and one and int(one['version']) < int(old['version']):
            lines.append('%s: its version fell' % name)
    return lines
