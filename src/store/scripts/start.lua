#!lua
--- @include arguments
--- @include layout
--- @include place
--- @include ring
-- none, done, error -> running: a deployment, one execution of a whole workflow for one app. Makes all its runs at
-- once: what needs nothing is queued, the rest is blocked on its needs and released by the script that ends the last of
-- them. Refused while memory is full (no allow-oom), as trigger.lua is.
--
-- To start anew looks at the world again: each step runs, but for those that keep their result. To retry goes on with a
-- deployment: what is done stays done while its input, its definition and what it was made from stay the same.
--
-- A live deployment with the same digest is returned as it is; with another digest, or while it is being cancelled, it
-- is a conflict. A start that has an id of its own, and is sent again because its answer was lost, gets the deployment
-- that it made, also where that was retried since. A step that runs already, with the same input, becomes part of the
-- deployment.
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
--   hold_ms             for how long a step may be blocked on its needs
--   retention           in seconds
--   request, actor      id of the HTTP request, who asked ('': unknown)
-- Returns {word, now, hash of the deployment as a flat list, steps that differ}: new; same; conflict; none (retry:
-- there is no such deployment); changed (retry: its inputs are no longer those that were read); busy (a step runs with
-- another input, or is being cancelled); ring (it would wait for itself; then the names around it).

local of_workflow = arg.app .. ':' .. arg.workflow .. ':'
local deployment, steps = run, cjson.decode(arg.steps)
local retry = arg.what == 'retry'
settle(of_workflow) -- somebody may have deleted the last step that was live: nobody has told the deployment
local id_field = retry and 'retry' or 'start' -- what knows the request when it is sent again
local was = redis.call('HMGET', deployment, 'deployment', 'status', 'digest', id_field, 'cancel')
local was_id, was_status, was_digest, was_start, was_cancel = unpack(was)

local function answer(word, differing)
	return { word, now, redis.call('HGETALL', deployment), differing or {} }
end

if arg.start ~= '' and was_start == arg.start then
	return answer('same')
end
if retry and (not was_id or arg.deployment ~= '' and arg.deployment ~= was_id) then
	return answer('none')
end
if retry and arg.seen ~= was_digest then
	return answer('changed')
end

-- Steps with another input than asked for: all of them, or those that cannot be changed any more. What is being
-- cancelled will not be done.
local function differing(only_begun)
	local names = {}
	for _, step in ipairs(steps) do
		local found = redis.call('HMGET', of_tenant .. of_workflow .. step.step, 'status', 'digest', 'phase',
			'started_at', 'cancel')
		local replaceable = only_begun and found[3] == 'blocked' and not found[4]
		if found[1] == 'running' and (found[5] or found[2] ~= step.digest and not replaceable) or
			not only_begun and found[2] ~= step.digest then
			names[#names + 1] = step.step
		end
	end
	return names
end

if retry and was_status == 'done' and was_digest == arg.digest then
	return answer('same')
end
if not retry and was_status == 'running' then
	if was_digest == arg.digest and not was_cancel then
		return answer('same')
	end
	return answer('conflict', differing(false))
end
local busy = differing(true)
if #busy > 0 then
	return answer('busy', busy)
end

-- What each step waits for that is to be made. One that is done and stays so needs only what is done: it is part of no
-- ring, whether it is made or not.
local function waits_of_all()
	local waits, all = {}, {}
	for _, step in ipairs(steps) do
		local name = of_workflow .. step.step
		local found = redis.call('HMGET', of_tenant .. name, 'status', 'phase', 'started_at')
		if found[1] ~= 'running' or found[2] == 'blocked' and not found[3] then
			waits[name] = step.needs
		end
		all[#all + 1] = name
	end
	waits[of_workflow .. '_deployment'] = table.concat(all, ' ')
	return waits
end

local ring = find_ring(waits_of_all())
if ring then
	return answer('ring', ring)
end

expect_queue()
mark_layout()
trim_apps(arg.retention)
local id = retry and was_id or arg.deployment
local restarted = not retry or was_status ~= 'running'
if retry then
	forget_end(deployment)
else
	redis.call('HDEL', deployment, 'start', 'retried_at', 'recorded')
end
redis.call('HDEL', deployment, 'finished_at', 'reason', 'cancel', 'retry', 'request', 'actor', 'plan')
redis.call('HSET', deployment, 'deployment', id, 'app', arg.app, 'workflow', arg.workflow, 'status', 'running',
	'digest', arg.digest, 'definition', arg.definition, 'inputs', arg.inputs, 'configured', arg.configured,
	'after', arg.after, 'retention', arg.retention, 'changed_at', now)
for name, value in pairs({ [id_field] = arg.start, request = arg.request, actor = arg.actor, plan = arg.plan }) do
	if value ~= '' then
		redis.call('HSET', deployment, name, value)
	end
end
if restarted then
	redis.call('HSET', deployment, retry and 'retried_at' or 'started_at', now)
end
local names = {}
for i, step in ipairs(steps) do
	names[i] = step.step
end
redis.call('HSET', deployment, 'steps', table.concat(names, ' '))
redis.call('HINCRBY', deployment, 'version', 1)
redis.call('EXPIRE', deployment, arg.retention + math.ceil(arg.hold_ms / 1000))

local made = place_all(steps, id, of_workflow, retry)
return answer((made or restarted) and 'new' or 'same')
