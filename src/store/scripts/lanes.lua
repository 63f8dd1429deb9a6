#!lua flags=no-writes
--- @include arguments
--- @include clock
--- @include run
--- @include holds
-- Who waits on the queue, and for what. Changes nothing.
--
-- KEYS: of a run (run.lua), whichever: those that all runs share.
-- Arguments:
--   most  how many apps at most
-- Returns {now, list of {tenant, app, how many, since when its first run is queued, what holds it}, how many apps there
-- are, how many runs that were begun are due, paused as a flat list, running as a flat list}.

local function list(command, ...)
	local found = redis.pcall(command, ...)
	return type(found) == 'table' and not found.err and found or {}
end

local lanes, count, seen = {}, 0, {}

local function add(root, tenant, app, aside)
	local lane = lanes_of(tenant, root) .. ':' .. app
	local length = redis.pcall('ZCARD', lane)
	if seen[lane] or type(length) ~= 'number' or length == 0 then
		return
	end
	seen[lane], count = true, count + 1
	if count > tonumber(arg.most) then
		return
	end
	local first = list('ZRANGE', lane, 0, 0)[1] or ''
	local since = redis.pcall('HGET', of_partition .. 'app:' .. tenant .. ':' .. app .. ':' .. first, 'ready_at')
	local why = list('HMGET', holds, 'app:' .. tenant .. ':' .. app, 'tenant:' .. tenant, aside or '')
	local paused_by = why_paused('tenant', tenant) or why_paused('workflow', first:match('^[^:]*'))
	lanes[#lanes + 1] = { tenant, app, length, tonumber(type(since) == 'string' and since or 0) or 0,
		paused_by or why[1] or why[2] or why[3] or '' }
end

local function add_all(root, tenants, aside)
	for _, tenant in ipairs(tenants) do
		for _, app in ipairs(list('ZRANGE', lanes_of(tenant, root), 0, 9999)) do
			add(root, tenant, app, aside)
		end
	end
end

local tenants = list('ZRANGE', ready, 0, 999)
local all_held = list('ZRANGE', held, 0, 999)
for _, what in ipairs(all_held) do
	local kind, tenant, app = what:match('^(%a+):([^:]*):?(.*)$')
	if kind == 'tenant' then
		tenants[#tenants + 1] = tenant
	elseif kind == 'app' then
		add(ready, tenant, app)
	end
end
add_all(ready, tenants)
for _, what in ipairs(all_held) do
	add_all(root_of(what), list('ZRANGE', root_of(what), 0, 999), what)
end
local due = redis.pcall('ZCARD', begun)
return { now, lanes, count, type(due) == 'number' and due or 0, list('HGETALL', paused), list('HGETALL', running) }
