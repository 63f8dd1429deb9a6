#!lua
--- @include arguments
--- @include basis
--- @include transitions
--- @include layout
--- @include retention
-- idle, done, error -> queued. Refused while memory is full (no allow-oom): it is the only script that adds work.
--
-- A live run with the same input is returned as it is; with another input it is a conflict. A done run with the same
-- input, and the same outputs of what it needs, is returned unless forced. What was removed since it was done is done
-- no longer, neither here nor as a need. A trigger that has an id of its own, and is sent again because its answer was
-- lost, gets the run that it made, whatever has become of it.
--
-- KEYS: of the run (run.lua); the hash of each step that it needs.
-- Arguments:
--   app, workflow, step  of the run
--   run                  id of a new one
--   input                JSON
--   digest               of the input
--   force                '1' or ''
--   run_ms               until its deadline
--   attempts             that may fail
--   retention            in seconds
--   trigger              id of the trigger ('': none)
--   request              id of the HTTP request ('': none)
-- Returns {word, now, hash as a flat list, numbers of the needs that are not done, counted from 1}: new, same, reused,
-- conflict, needs_not_done.

local status = get('status')

local function answer(word, missing)
	return { word, now, redis.call('HGETALL', run), missing or {} }
end

if arg.trigger ~= '' and get('trigger') == arg.trigger then
	return answer('same')
end
if status == 'running' then
	return answer(get('digest') == arg.digest and 'same' or 'conflict')
end

local missing, _, basis = read_needs()
if #missing > 0 then
	return answer('needs_not_done', missing)
end
if status == 'done' and not get('removed') and arg.force ~= '1' and get('digest') == arg.digest and
	get('basis') == basis then
	return answer('reused')
end

expect_queue()
mark_layout()
trim_apps(arg.retention)
drop_entry()
clear('error', 'output', 'checkpoint', 'reason', 'detail', 'due', 'cancel', 'started_at', 'finished_at', 'trigger',
	'request', 'removed', 'used', 'outage_at')
set('app', arg.app, 'workflow', arg.workflow, 'action', arg.step, 'run', arg.run, 'status', 'running')
set('input', arg.input, 'digest', arg.digest, 'basis', basis, 'attempt', 1, 'attempts', arg.attempts, 'crashes', 0)
set('queued_at', now, 'run_deadline', now + arg.run_ms, 'retention', arg.retention)
set_unless_empty('trigger', arg.trigger)
set_unless_empty('request', arg.request)
enqueue()
changed('queued')
return answer('new')
