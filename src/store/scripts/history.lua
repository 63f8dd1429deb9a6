--- @include clock
--- @include run
--- @include retention
-- What stays readable of runs and deployments that have ended, when their hashes are those of others.
local HISTORY_KEPT = 1000      -- ended runs of an app
local DEPLOYMENTS_KEPT = 200   -- of an app
local FAILURES_KEPT = 10       -- attempts of a run
local HISTORY_VALUE_MAX = 4096 -- bytes of one value that is kept of a run
local INPUTS_KEPT_MAX = 16384  -- bytes of the inputs that are kept of a deployment, the same of those configured

-- Each ended run stays readable when its hash is that of another. What is large stays out of it.
local function record_end(status, output, problem)
	local of_app = ledger:sub(1, -#'ledger' - 1)
	local entry = { 'status', status }
	local function keep(field, value)
		if value and value ~= '' and value ~= '{}' and #value <= HISTORY_VALUE_MAX then
			entry[#entry + 1], entry[#entry + 2] = field, value
		end
	end
	for _, field in ipairs({ 'workflow', 'action', 'run', 'deployment', 'reason', 'digest', 'definition', 'attempt',
		'crashes', 'queued_at', 'started_at', 'request', 'actor', 'failures', 'input' }) do
		keep(field, get(field))
	end
	keep('output', output)
	keep('error', problem)
	local seconds = seconds_kept()
	redis.pcall('XADD', of_app .. 'history', 'MAXLEN', '~', HISTORY_KEPT, '*', unpack(entry))
	redis.pcall('XTRIM', of_app .. 'history', 'MINID', '~', now - seconds * 1000)
	redis.pcall('EXPIRE', of_app .. 'history', seconds)
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
