#!lua flags=allow-oom
--- @include arguments
--- @include clock
-- The one app that has a thing at a provider, and those that share it. A claim comes before the row of the ledger, a
-- release after it. What the app gives up is that of the first that shares it.
--
-- KEYS: slipway:owner:<provider>:<type>:<id>; its value is the app, when it claimed the thing (ms since 1970), and the
--   apps that share it
-- Arguments:
--   what  claim, share, look or release
--   app   who asks
--   from  the app whose claim may be taken over ('': nobody's)
-- Returns {app that has it now ('': nobody), ms since it claimed it, those that share it}.

local SHARERS_MAX = 16
local key = KEYS[1]
local holder, at, rest = (redis.call('GET', key) or ''):match('^(%S+) (%d+)(.*)$')
local what, app, sharers = arg.what, arg.app, {}
for other in (rest or ''):gmatch('%S+') do
	if other ~= app or what == 'look' then
		sharers[#sharers + 1] = other
	end
end

local function keep(owner, since)
	redis.call('SET', key, table.concat({ owner, string.format('%d', since), unpack(sharers) }, ' '))
	return { owner, now - since, unpack(sharers) }
end

if what == 'claim' and (not holder or holder == arg.from) then
	return keep(app, now)
elseif what == 'share' and holder and holder ~= app and #sharers < SHARERS_MAX then
	sharers[#sharers + 1] = app
	return keep(holder, tonumber(at))
elseif what == 'release' and holder == app and #sharers == 0 then
	redis.call('DEL', key)
	return { '', 0 }
elseif what == 'release' and holder == app then
	return keep(table.remove(sharers, 1), now)
elseif what == 'release' and holder then
	return keep(holder, tonumber(at))
end
return { holder or '', holder and now - at or 0, unpack(sharers) }
