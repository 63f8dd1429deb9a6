#!lua flags=allow-oom
-- The one app that has a thing at a provider, and those that share it. KEYS[1] is slipway:owner:<provider>:<type>:<id>;
-- its value is the app, when it claimed the thing (ms since 1970), and the others. A claim comes before the row of the
-- ledger, a release after it. What the app gives up is that of the first that shares it.
--
-- ARGV: claim, app, the app whose claim may be taken over ('': nobody's); or share, app; or look; or release, app.
-- Returns {app that has it now ('': nobody), ms since it claimed it, those that share it}.
local SHARERS_MAX = 16
local holder, at, rest = (redis.call('GET', KEYS[1]) or ''):match('^(%S+) (%d+)(.*)$')
local word, app, sharers = ARGV[1], ARGV[2], {}
for other in (rest or ''):gmatch('%S+') do
	if other ~= app or word == 'look' then
		sharers[#sharers + 1] = other
	end
end

local function keep(owner, since)
	redis.call('SET', KEYS[1], table.concat({ owner, string.format('%d', since), unpack(sharers) }, ' '))
	return { owner, now - since, unpack(sharers) }
end

if word == 'claim' and (not holder or holder == ARGV[3]) then
	return keep(app, now)
elseif word == 'share' and holder and holder ~= app and #sharers < SHARERS_MAX then
	sharers[#sharers + 1] = app
	return keep(holder, tonumber(at))
elseif word == 'release' and holder == app and #sharers == 0 then
	redis.call('DEL', KEYS[1])
	return { '', 0 }
elseif word == 'release' and holder == app then
	return keep(table.remove(sharers, 1), now)
elseif word == 'release' and holder then
	return keep(holder, tonumber(at))
end
return { holder or '', holder and now - at or 0, unpack(sharers) }
