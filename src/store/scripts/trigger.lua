#!lua
--- @include arguments
--- @include basis
--- @include transitions
--- @include layout
--- @include retention
--- @include ring
-- idle, done, error -> queued or blocked. Refused while memory is full (no allow-oom), as start.lua is: these add work.
--
-- A live run with the same input is returned as it is; with another input it is a conflict. A done run with the same
-- input, the same definition and the same outputs of what it needs is returned unless forced. What was removed since it
-- was done is done no longer, neither here nor as a need. A trigger that has an id of its own, and is sent again
-- because its answer was lost, gets the run that it made, whatever has become of it.
--
-- KEYS: of the run (run.lua); the hash of each step that it needs.
-- Arguments:
--   app, workflow, step  of the run
--   run                  id of a new one
--   input                JSON
--   digest               of the input
--   definition           digest of what the step means to this build
--   outputs              names of its outputs, each between blanks
--   uses                 for each need the names of its outputs that are used, ended by `;`
--   force                '1' or ''
--   hold                 for how many ms a need that is not done may hold the run as blocked ('': it refuses it)
--   needs                names of the needs, app:workflow:step, in the order of their keys
--   run_ms               until its deadline
--   attempts             that may fail
--   retention            in seconds
--   trigger              id of the trigger ('': none)
--   request              id of the HTTP request ('': none)
-- Returns {word, now, hash as a flat list, numbers of the needs that are not done, counted from 1}: new, same, reused,
-- conflict, needs_not_done; ring (it would wait for itself; then the names around it).

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

local missing, _, basis = read_needs(arg.uses)
if #missing > 0 and arg.hold == '' then
	return answer('needs_not_done', missing)
end
local ring = #missing > 0 and find_ring({ [arg.app .. ':' .. arg.workflow .. ':' .. arg.step] = arg.needs })
if ring then
	return answer('ring', ring)
end
if status == 'done' and #missing == 0 and not get('removed') and arg.force ~= '1' and get('digest') == arg.digest and
	(get('definition') or '') == arg.definition and is_made_of(get('basis'), basis) then
	return answer('reused')
end

expect_queue()
mark_layout()
trim_apps(arg.retention)
-- The same input goes on with the deployment that the step belongs to; another one is none of what that was asked for.
local of_deployment = redis.pcall('HMGET', deployment_key(arg.app, arg.workflow), 'deployment', 'status')
local goes_on = not of_deployment.err and of_deployment[2] ~= 'done' and get('digest') == arg.digest and
	of_deployment[1] and get('deployment') == of_deployment[1]
create({ app = arg.app, workflow = arg.workflow, step = arg.step, run = arg.run, input = arg.input,
	digest = arg.digest, definition = arg.definition, outputs = arg.outputs, attempts = arg.attempts,
	run_ms = arg.run_ms, retention = arg.retention, trigger = arg.trigger, request = arg.request, needs = arg.needs,
	uses = arg.uses,
	deployment = goes_on and of_deployment[1] or '' })
if #missing > 0 then
	set('run_deadline', now + arg.hold)
	block(look_at_needs(arg.needs, arg.uses))
else
	set('basis', basis)
	enqueue()
	changed('queued')
	tell_others()
end
return answer('new')
