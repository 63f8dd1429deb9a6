--- @include changes
--- @include clock
--- @include run
--- @include deployment
--- @include names
--- @include uses
--- @include results
--- @include telling
-- What a change of one step means to others: runs that wait for it go on, results that were made from what it gave
-- before are stale, and the deployment that it belongs to may be over.
--
-- Each step that others need has a set of its users: the runs that wait for it or have used its output. It only says
-- where to look: the truth is in the hashes of the users, and what waits is looked at every minute besides. Of a large
-- set, the first ones are told at once, the others a little later.
local NEEDS_RECHECK_MS = 60000
local USERS_MAX = 10000

local function users_of(name)
	return of_partition .. 'users:' .. run_tenant .. ':' .. name
end

local reconsider -- transitions.lua

-- Needs are names with a space between them. A deployment has no output; nobody uses what `as-planned` gives.
local function each_need(names, call)
	for name in (names or ''):gmatch('%S+') do
		call(name, not name:match(':_deployment$') and not name:match(':as%-planned$'))
	end
end

local function use(names, user, seconds)
	each_need(names, function(name)
		local key = users_of(name)
		local count = redis.pcall('ZCARD', key)
		if type(count) == 'number' and count < USERS_MAX then
			redis.call('ZADD', key, now, user)
			expire_not_before(key, seconds)
		end
	end)
end

-- What has become of a need that does not come by itself, or nil. Where the server drives the workflow, each of its
-- steps has been made: one that is not there has been deleted.
local function what_failed(name, status, removed, reason, lacks)
	local _, own = own_names()
	if status == 'error' or status == 'running' and reason == 'need_failed' then
		return 'failed'
	elseif status == 'done' and removed then
		return 'was removed'
	elseif status == 'done' and lacks then
		return 'another build has made without the outputs that are used'
	elseif not status and get('deployment') and name:sub(1, #own) == own then
		return 'is gone'
	end
end

-- The names of the needs that are not done; the first of them that failed, and how; whether it is not known now what
-- they give; and the mark by which a result that is made of that is known: the same as in basis.lua, as is uses.
local function look_at_needs(names, uses)
	local missing, failed, unknown, given = {}, nil, false, {}
	local line = (uses or ''):gmatch('([^;]*);')
	each_need(names, function(name, has_output)
		local need = redis.pcall('HMGET', of_tenant .. name, 'status', 'gives', 'removed', 'reason', 'outputs',
			'output')
		local status = not need.err and need[1]
		local lacks = has_output and not has_outputs(need[5], line() or '', need[6])
		if status ~= 'done' or need[3] or lacks then
			missing[#missing + 1] = name
		end
		local how = what_failed(name, status, need[3], need[4], lacks)
		if how then
			failed = failed or { name = name, how = how }
		end
		unknown = unknown or status ~= 'done'
		if has_output then
			given[#given + 1] = (not need.err and need[2] or ''):match('^%S*')
		end
	end)
	return missing, failed, unknown, basis_of(given)
end

-- A result that was made from something else than what stands there now is stale. While it is not known what
-- one of its needs gives, nothing is said. Gives whether that has changed.
local function mark_stale(needs, basis)
	local missing, _, unknown, now_basis = look_at_needs(without_order(needs), get('uses'))
	if basis == BASIS_OF_ANY and not unknown and #missing == 0 and get('digest') ~= DIGEST_OF_ANY then
		set_basis(now_basis)
	end
	local stale = #missing > 0 or not is_made_of(basis, now_basis)
	if unknown or stale == (get('stale') == '1') then
		return false
	end
	if stale then
		set('stale', 1)
	else
		clear('stale')
	end
	return true
end

local function tell_of_staleness(needs, basis)
	if not mark_stale(needs, basis) then
		return
	end
	set('changed_at', now, 'version', version_after(get('version')))
	tell_waiting((own_names()))
end

local function tell_user(name)
	local found = redis.pcall('HMGET', run, 'status', 'phase', 'reason', 'needs', 'basis')
	local status, phase, reason, needs, basis = unpack(found.err and {} or found)
	if not (' ' .. (needs or '') .. ' '):find(' ' .. name .. ' ', 1, true) then
		return false
	end
	if status == 'running' and phase == 'blocked' and (reason == 'needs' or reason == 'need_failed') then
		reconsider()
	elseif status == 'done' then
		tell_of_staleness(needs, basis)
	end
	return true
end

local function tell_one(name, user)
	as_run(user, function()
		if not tell_user(name) then
			redis.call('ZREM', users_of(name), user)
		end
	end)
end

-- Tells those that need a run, or a deployment, that it has changed.
local function tell_users(name)
	for _, user in ipairs(first_users(name, users_of(name))) do
		tell_one(name, user)
	end
end

-- Ends every change of a run that others may wait for.
local function tell_others()
	local _, of_workflow = own_names()
	tell_users(own_name())
	if settle(of_workflow) then
		tell_users(of_workflow .. '_deployment')
	end
end

-- Calls back to change many steps of one workflow; then its deployment is settled, and those are told that come after
-- it. Within another one it only calls back.
local function change_steps(of_workflow, call)
	if suspended == of_workflow then
		return call()
	end
	suspended = of_workflow
	call()
	suspended = nil
	settle(of_workflow)
	tell_users(of_workflow .. '_deployment')
end
