--- @include clock
--- @include run
-- The requests with an id of their own that started or retried the deployments of a workflow: one that is sent again,
-- because its response was lost, is known, whatever has become of its deployment.
--
-- The hash of the deployment has the last of each kind, in `starts` and `retries`: words of id:deployment:entry, the
-- newest first. The entry is that in the list of ended deployments, once another one has taken the place.
local REQUESTS_KEPT = 8
local REQUEST = '([^:%s]+):([^:%s]*):(%S*)'

local function find_request(list, request)
	for id, of, entry in (list or ''):gmatch(REQUEST) do
		if id == request then
			return of, entry
		end
	end
end

-- What a request is answered that has been sent before; nothing where it is not known. The answer is as that of
-- start.lua: same, with what has become of the deployment that it got; or forgotten, with the one that stands there now
-- and the id of its own, of which nothing is known any more.
local function answer_of_before(kind, request)
	local list, current = unpack(redis.call('HMGET', run, kind, 'deployment'))
	local of, entry = find_request(list, request)
	if not of or of == current then
		return of and { 'same', now, redis.call('HGETALL', run), {} }
	end
	local ended = ledger:sub(1, -#'ledger' - 1) .. 'deployments'
	local found = entry ~= '' and redis.pcall('XRANGE', ended, entry, entry)
	if found and found[1] then
		return { 'same', now, found[1][2], {} }
	end
	return { 'forgotten', now, redis.call('HGETALL', run), { of } }
end

local function remember_request(kind, request, of)
	if request == '' then
		return
	end
	local words = { request .. ':' .. of .. ':' }
	for word in (get(kind) or ''):gmatch('%S+') do
		if #words < REQUESTS_KEPT then
			words[#words + 1] = word
		end
	end
	set(kind, table.concat(words, ' '))
end

-- Another deployment takes the place of the one that stands there, which stays readable in the list of ended ones.
local function leave_to_the_list()
	local id, entry = unpack(redis.call('HMGET', run, 'deployment', 'recorded'))
	for _, kind in ipairs({ 'starts', 'retries' }) do
		local list = get(kind)
		if list and entry then
			set(kind, (list:gsub(REQUEST, function(request, of, known)
				return of == id and known == '' and request .. ':' .. of .. ':' .. entry or nil
			end)))
		end
	end
end
