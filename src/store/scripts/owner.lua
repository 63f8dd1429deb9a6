#!lua flags=allow-oom
-- The one app that has a thing at a provider. KEYS[1] is slipway:owner:<provider>:<type>:<id>; its value is the app and
-- when it claimed the thing (ms since 1970). A claim comes before the row of the ledger, a release after it.
--
-- ARGV: claim, app, the app whose claim may be taken over ('': nobody's); or look; or release, app.
-- Returns {app that has it now ('': nobody), ms since it claimed it}.
local holder, at = (redis.call('GET', KEYS[1]) or ''):match('^(%S+) (%d+)$')

if ARGV[1] == 'claim' and (not holder or holder == ARGV[3]) then
	redis.call('SET', KEYS[1], ARGV[2] .. ' ' .. string.format('%d', now))
	return { ARGV[2], 0 }
elseif ARGV[1] == 'release' and holder == ARGV[2] then
	redis.call('DEL', KEYS[1])
	return { '', 0 }
end
return { holder or '', holder and now - at or 0 }
