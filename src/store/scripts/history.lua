--- @include clock
--- @include ended
--- @include retention
--- @include run
-- What stays readable of runs and deployments that have ended, when their hashes are those of others.
local HISTORY_KEPT = 1000      -- ended runs of an app
local HISTORY_LOOKED_AT = 8    -- in one go
local DEPLOYMENTS_KEPT = 200   -- of an app
local FAILURES_KEPT = 10       -- attempts of a run
local INPUTS_KEPT_MAX = 16384  -- bytes of the inputs that are kept of a deployment, the same of those configured

local function line_of_end(found)
	local words = { found.id }
	for i, name in ipairs(ENDED_WORDS) do
		words[i + 1] = found[name] or '-'
	end
	local lines = { table.concat(words, ' ') }
	for _, name in ipairs(ENDED_LINES) do
		for value in (found[name] or ''):gmatch('[^\n]+') do
			lines[#lines + 1] = name .. ' ' .. value
		end
	end
	return table.concat(lines, '\n')
end

-- By when they ended, the newest first: most often that is the first place, or one close to it.
local function put_in_order(history, line)
	local from, others = 0, nil
	repeat
		others = redis.call('LRANGE', history, from, from + HISTORY_LOOKED_AT - 1)
		for i, other in ipairs(others) do
			if is_newer(line, other) then
				return from + i == 1 and redis.call('LPUSH', history, line) or
					redis.call('LINSERT', history, 'BEFORE', other, line)
			end
		end
		from = from + #others
	until #others < HISTORY_LOOKED_AT
	return redis.call('RPUSH', history, line)
end

local function trim_history(history, count, since)
	while count > 0 do
		if count <= HISTORY_KEPT and parts_of_id(redis.call('LINDEX', history, -1)) >= since then
			return
		end
		redis.call('RPOP', history)
		count = count - 1
	end
end

-- Before the hash of a run is that of another. No run is to suffer from what somebody has done to the history.
local function record_end()
	local found, history = end_told_by(run), ledger:sub(1, -#'ledger' - 1) .. 'history'
	if not found or redis.pcall('LRANGE', history, 0, 0).err then
		return
	end
	local seconds = seconds_kept()
	trim_history(history, put_in_order(history, line_of_end(found)), now - seconds * 1000)
	expire_not_before(history, seconds, SPARE)
end

-- The same where the run stays, and its hash is to tell of something else.
local function record_end_here()
	record_end()
	set('in_history', 1)
end

-- An attempt that failed and is tried again: the history of the run says why. A line is of attempt, time, class and
-- message; the last ones are kept.
local function note_failure(class, message)
	local lines = { ('%d %d %s %s'):format(number('attempt'), now, class, (message:sub(1, 300):gsub('%c', ' '))) }
	for line in (get('failures') or ''):gmatch('[^\n]+') do
		table.insert(lines, #lines, line)
	end
	set('failures', table.concat(lines, '\n', math.max(#lines - FAILURES_KEPT + 1, 1)))
end

-- A deployment that goes on has not ended: its entry goes, so that none stands in the list twice.
local function forget_end(key)
	local recorded = redis.call('HGET', key, 'recorded')
	if recorded then
		redis.pcall('XDEL', key:match('^(.*:)[^:]+:_deployment$') .. 'deployments', recorded)
		redis.call('HDEL', key, 'recorded')
	end
end

-- Each deployment that has ended stays readable when its hash is that of another.
local function record_deployment(key, seconds)
	local list = key:match('^(.*:)[^:]+:_deployment$') .. 'deployments'
	local fields = { 'deployment', 'workflow', 'status', 'reason', 'inputs', 'configured', 'digest', 'definition',
		'after', 'started_at', 'retried_at', 'finished_at', 'version', 'request', 'actor', 'steps' }
	local entry, values = {}, redis.call('HMGET', key, unpack(fields))
	for i, field in ipairs(fields) do
		if values[i] and values[i] ~= '' and #values[i] <= INPUTS_KEPT_MAX then
			entry[#entry + 1], entry[#entry + 2] = field, values[i]
		end
	end
	forget_end(key)
	local recorded = redis.pcall('XADD', list, 'MAXLEN', '~', DEPLOYMENTS_KEPT, '*', unpack(entry))
	if type(recorded) == 'string' then
		redis.call('HSET', key, 'recorded', recorded)
	end
	redis.pcall('XTRIM', list, 'MINID', '~', now - seconds * 1000)
	redis.pcall('EXPIRE', list, seconds)
end
