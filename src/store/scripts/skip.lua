#!lua
--- @include arguments
--- @include layout
--- @include transitions
-- idle, error, blocked, queued, waiting, retrying -> done: a person gives the result of a step.
--
-- KEYS: of the run (run.lua).
-- Arguments:
--   app, workflow, step  of the run
--   run                  id of a new one, where none is live
--   output               JSON
--   gives                digest of what it gives to others
--   needs                names of what it needs, with spaces between
--   attempts, run_ms, retention  as for trigger.lua
--   request, actor       id of the HTTP request, who asked ('': unknown)
-- Returns {word, now, hash as a flat list}: given; executing (a worker has it); done (it has a result already).

local status = get('status')

local function answer(word)
	return { word, now, redis.call('HGETALL', run) }
end

if status == 'running' and get('phase') == 'executing' then
	return answer('executing')
end
if status == 'done' and not get('removed') then
	return answer('done')
end
if status ~= 'running' then
	mark_layout()
	local of_deployment = redis.pcall('HMGET', deployment_key(arg.app, arg.workflow), 'deployment', 'status')
	create({ app = arg.app, workflow = arg.workflow, step = arg.step, run = arg.run, input = '',
		digest = get('digest') or 'given', definition = get('definition'), attempts = arg.attempts,
		run_ms = arg.run_ms, retention = arg.retention, request = arg.request, actor = arg.actor,
		needs = get('needs') or arg.needs, uses = get('uses'),
		deployment = not of_deployment.err and of_deployment[2] ~= 'done' and of_deployment[1] or '' })
end
-- The input stays the one that was asked for: who asks for the same again gets this result.
local missing, _, _, basis = look_at_needs(get('needs'), get('uses'))
set('basis', #missing == 0 and basis or BASIS_OF_ANY)
finish('done', arg.output, '', 'given', arg.gives)
return answer('given')
