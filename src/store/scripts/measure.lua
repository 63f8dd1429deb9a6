--- @include counts
--- @include run
-- How many bytes of Redis an app takes: what MEMORY USAGE says of its keys, which looks at a few of the members of a
-- large one.
local OF_APP = { 'payload', 'ledger', 'makers', 'events', 'history', 'deployments', 'steps' }

-- nil where the caller may not ask.
local function bytes_of_app(app)
	local of_app, users = of_tenant .. app .. ':', of_partition .. 'users:' .. run_tenant .. ':' .. app .. ':'
	local bytes, seen = 0, {}

	local function add(key)
		local size = redis.pcall('MEMORY', 'USAGE', key)
		if type(size) == 'table' then
			bytes = nil
		end
		bytes = bytes and bytes + (size or 0)
	end

	local function add_step(step)
		if not seen[step] then
			seen[step] = true
			add(of_app .. step)
			add(users .. step)
		end
	end

	for _, name in ipairs(OF_APP) do
		add(of_app .. name)
	end
	local steps = redis.pcall('HKEYS', of_app .. 'steps')
	for _, step in ipairs(steps.err and {} or steps) do
		add_step(step)
		add_step(step:match('^[^:]*') .. ':_deployment')
	end
	return bytes
end

-- Puts what an app takes in the place of what was counted of it, and into the sum of its tenant.
local function measure_app(app)
	local key, bytes = key_of_tenant('bytes'), bytes_of_app(app)
	local was = bytes and (tonumber(redis.call('HGET', key, app) or 0) or 0)
	if bytes == was then
		return
	end
	if bytes > 0 then
		redis.call('HSET', key, app, bytes)
	else
		redis.call('HDEL', key, app)
	end
	add_to_count(key_of_tenant('used'), 'bytes', bytes - was)
end
