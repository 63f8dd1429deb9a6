#!lua
-- idle, done, error -> queued. Refused while memory is full (no allow-oom): it is the only script that adds work.
--
-- A live run with the same input is returned as it is; with another input it is a conflict. A done run with the same
-- input, and the same outputs of what it needs, is returned unless forced. What was removed since it was done is done
-- no longer, neither here nor as a need. A trigger that has an id of its own, and is sent again because its answer was
-- lost, gets the run that it made, whatever has become of it.
--
-- ARGV: app, workflow, action, run id, input, digest of the input, force ('1' or ''), run deadline in ms from now,
-- attempts, retention in seconds, id of the trigger ('': none), id of the HTTP request ('': none), then the names of
-- needed steps, whose hashes are KEYS[9] and on.
-- Returns {word, now, hash as a flat list, names of needs that are not done}.
local app, workflow, action, id, input, digest, force = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local status = get('status')

local function answer(word, missing)
	return { word, now, redis.call('HGETALL', run), missing or {} }
end

if ARGV[11] ~= '' and get('trigger') == ARGV[11] then
	return answer('same')
end
if status == 'running' then
	return answer(get('digest') == digest and 'same' or 'conflict')
end

local missing, _, basis = read_needs()
if #missing > 0 then
	for i, number in ipairs(missing) do
		missing[i] = ARGV[12 + number]
	end
	return answer('needs_not_done', missing)
end
if status == 'done' and not get('removed') and force ~= '1' and get('digest') == digest and get('basis') == basis then
	return answer('reused')
end

expect_queue()
trim_apps(ARGV[10])
drop_entry()
clear('error', 'output', 'checkpoint', 'reason', 'detail', 'due', 'cancel', 'started_at', 'finished_at', 'trigger',
	'request', 'removed', 'used')
set('app', app, 'workflow', workflow, 'action', action, 'run', id, 'status', 'running', 'retention', ARGV[10])
set('input', input, 'digest', digest, 'basis', basis, 'attempt', 1, 'attempts', ARGV[9], 'crashes', 0)
set('queued_at', now, 'run_deadline', now + ARGV[8])
set_unless_empty('trigger', ARGV[11])
set_unless_empty('request', ARGV[12])
enqueue()
changed('queued')
return answer('new')
