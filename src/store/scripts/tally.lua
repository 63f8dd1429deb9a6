#!lua flags=no-writes
--- @include ended
-- How many runs of an app have ended, and can be read about. Changes nothing.
--
-- KEYS: of a run (run.lua) without workflow and step.
-- Returns the number.

local of_app = ledger:sub(1, -#'ledger' - 1)
local count = redis.pcall('LLEN', of_app .. 'history')
count = type(count) == 'number' and count or 0
each_end_told(of_app, function()
	count = count + 1
end)
return count
