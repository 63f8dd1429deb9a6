#!lua
--- @include arguments
--- @include layout
--- @include new_run
--- @include transitions
-- idle, error, blocked, queued, waiting, retrying -> done: a person gives the result of a step. It is as if the step
-- had run with the input that it was asked for last; where nobody has asked for it yet, with the one that the caller
-- names, or with the first that it is asked for. It holds until that changes, or what its needs give.
--
-- KEYS: of the run (run.lua).
-- Arguments:
--   app, workflow, step  of the run
--   run                  id of a new one, where none is live
--   output               JSON
--   gives                digest of what it gives to others, a blank, and `given`, for it is no worker's
--   definition, outputs  of the step, by which the output was checked; as for trigger.lua
--   digest, needs, uses  of the input that the step would have now; as for start.lua. 'given': it is not known yet
--   attempts, run_ms, retention  as for trigger.lua
--   request, actor       id of the HTTP request, who asked ('': unknown)
--   budgets              of its tenant: see budget.lua
-- Returns {word, now, hash as a flat list}: given; executing (a worker has it); done (it has a result already);
-- over (a budget is used up; then, as a fourth, which: see budget.lua).

local status = get('status')

local function answer(word, over)
	return { word, now, redis.call('HGETALL', run), over }
end

if status == 'running' and get('phase') == 'executing' then
	return answer('executing')
end
if status == 'done' and not get('removed') then
	return answer('done')
end
local more = { bytes = #arg.output + RUN_BYTES }
local over = over_budget(more)
if over then
	return answer('over', over)
end
count_use(more, true)
if status == 'running' then
	clear('outputs')
	set('definition', arg.definition)
	set_unless_empty('outputs', arg.outputs)
else
	mark_layout()
	local of_deployment = redis.pcall('HMGET', deployment_key(arg.app, arg.workflow), 'deployment', 'status')
	local asked = get('digest')
	create({ app = arg.app, workflow = arg.workflow, step = arg.step, run = arg.run, input = '',
		digest = asked or arg.digest, definition = arg.definition, outputs = arg.outputs,
		attempts = arg.attempts, run_ms = arg.run_ms, retention = arg.retention, request = arg.request,
		actor = arg.actor, needs = asked and get('needs') or not asked and arg.needs or '',
		uses = asked and get('uses') or not asked and arg.uses or '' },
		not of_deployment.err and of_deployment[2] ~= 'done' and of_deployment[1])
end
local missing, _, _, basis = look_at_needs(get('needs'), get('uses'))
set_basis(#missing == 0 and get('digest') ~= DIGEST_OF_ANY and basis or BASIS_OF_ANY)
finish('done', arg.output, '', 'given', arg.gives)
return answer('given')
