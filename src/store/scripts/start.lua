#!lua
--- @include arguments
--- @include layout
--- @include obstacles
--- @include requests
--- @include stopping
--- @include untouched
-- none, done, error -> running: a deployment, one execution of a whole workflow for one app. Makes all its runs at
-- once: what needs nothing is queued, the rest is blocked on its needs and released by the script that ends the last of
-- them. Refused while memory is full (no allow-oom), as trigger.lua is.
--
-- To start anew looks at the world again: each step runs, but for those that keep their result. To retry goes on with a
-- deployment: what is done stays done while its input, its definition and what it was made from stay the same. Where
-- that is so of all steps, it is returned as it is.
--
-- A live deployment with the same digest is returned as it is; with another digest, or while it is being cancelled, it
-- is a conflict. A start or retry that has an id of its own, and is sent again because its answer was lost, gets the
-- deployment that it got, whatever has become of it since: see requests.lua. A step that runs already, with the same
-- input, becomes part of the deployment. Steps that the one before had, and this build has no longer, end: nobody would
-- reach them any more.
--
-- KEYS: of a run (run.lua), whose step is `_deployment`: its hash is that of the deployment.
-- Arguments:
--   app, workflow       of the deployment
--   what                'start' or 'retry'
--   deployment          start: id of a new one; retry: id of the one that is meant ('': the last one)
--   start               id of the request ('': none)
--   seen                retry: digest of the deployment whose inputs were read
--   digest, definition  of all inputs; of the workflow
--   inputs, configured  JSON: inputs that were given; those that the app had configured
--   after               names of deployments that have to be done first, app:workflow:_deployment, with spaces between
--   plan                JSON: what it is to find as a plan did ('': nothing)
--   force               '1': no step keeps its result
--   steps               JSON: a list of {step, run, input, digest, definition, outputs, needs, uses, keep, run_ms,
--                       attempts}
--   unbegun, begun      error JSON for a step that the workflow no longer has: see stopping.lua
--   hold_ms             for how long a step may be blocked on its needs
--   retention           in seconds
--   replaces            '1': whoever asks ends a live one with other inputs, and asks again
--   budgets             of its tenant: see budget.lua
--   request, actor      id of the HTTP request, who asked ('': unknown)
-- Returns {word, now, hash of the deployment as a flat list, steps that differ}: new; same; conflict; none (retry:
-- there is no such deployment); changed (retry: its inputs are no longer those that were read); busy (a step runs with
-- another input, or is being cancelled); ring (it would wait for itself; then the names around it); forgotten; over (a
-- budget is used up; then which: see budget.lua).

local of_workflow = arg.app .. ':' .. arg.workflow .. ':'
local deployment, steps = run, cjson.decode(arg.steps)
local retry = arg.what == 'retry'
settle(of_workflow) -- somebody may have deleted the last step that was live: nobody has told the deployment
local kind = retry and 'retries' or 'starts'
local was = redis.call('HMGET', deployment, 'deployment', 'status', 'digest', 'cancel', 'steps')
local was_id, was_status, was_digest, was_cancel, was_steps = unpack(was)

local function answer(word, differing)
	return { word, now, redis.call('HGETALL', deployment), differing or {} }
end

-- Whoever sends it once more gets this one, also when it has ended.
local function answer_same()
	remember_request(kind, arg.start, was_id)
	return answer('same')
end

local before = answer_of_before(kind, arg.start)
if before then
	return before
end
if retry and (not was_id or arg.deployment ~= '' and arg.deployment ~= was_id) then
	return answer('none')
end
if retry and arg.seen ~= was_digest then
	return answer('changed')
end

if retry and was_status == 'done' and was_digest == arg.digest and is_untouched(steps, of_workflow) then
	return answer_same()
end
local more = more_of_budgets(steps, of_workflow)
if not retry and was_status == 'running' then
	if was_digest == arg.digest and not was_cancel then
		return answer_same()
	end
	-- What stands there is not to be ended for one that cannot be made.
	local over = arg.replaces == '1' and over_budget(more)
	return answer(over and 'over' or 'conflict', over or differing_steps(steps, of_workflow, false))
end
local busy = differing_steps(steps, of_workflow, true)
if #busy > 0 then
	return answer('busy', busy)
end

local ring = find_ring(waits_of_all(steps, of_workflow))
if ring then
	return answer('ring', ring)
end

local over = over_budget(more)
if over then
	return answer('over', over)
end

expect_queue()
mark_layout()
trim_apps(arg.retention)
local id = retry and was_id or arg.deployment
local restarted = not retry or was_status ~= 'running'
if retry then
	forget_end(deployment)
else
	leave_to_the_list()
	redis.call('HDEL', deployment, 'retried_at', 'recorded')
end
redis.call('HDEL', deployment, 'finished_at', 'reason', 'cancel', 'request', 'actor', 'plan')
redis.call('HSET', deployment, 'deployment', id, 'app', arg.app, 'workflow', arg.workflow, 'status', 'running',
	'digest', arg.digest, 'definition', arg.definition, 'inputs', arg.inputs, 'configured', arg.configured,
	'after', arg.after, 'retention', arg.retention, 'changed_at', now)
for name, value in pairs({ request = arg.request, actor = arg.actor, plan = arg.plan }) do
	if value ~= '' then
		redis.call('HSET', deployment, name, value)
	end
end
remember_request(kind, arg.start, id)
if restarted then
	redis.call('HSET', deployment, retry and 'retried_at' or 'started_at', now)
end
local names, listed = {}, {}
for i, step in ipairs(steps) do
	names[i], listed[step.step] = step.step, true
end
redis.call('HSET', deployment, 'steps', table.concat(names, ' '))
redis.call('HINCRBY', deployment, 'version', 1)
tell_waiting(arg.app)
redis.call('EXPIRE', deployment, arg.retention + math.ceil(arg.hold_ms / 1000))

-- The steps of the one before that have no place any more.
local function left_over()
	local left = {}
	for _, step in ipairs(words_of(was_steps)) do
		local key = of_tenant .. of_workflow .. step
		if not listed[step] and redis.pcall('HGET', key, 'deployment') == was_id then
			left[#left + 1] = step
		end
	end
	return left
end

local made
change_steps(of_workflow, function()
	made = place_all(steps, id, of_workflow, retry)
	stop_steps(of_workflow, left_over())
end)
if made or restarted then
	count_use(more, true)
end
return answer((made or restarted) and 'new' or 'same')
