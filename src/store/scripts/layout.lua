--- @include run
-- Which layout of keys the state has: a program that needs another one leaves it alone (see store/layout.h). Whatever
-- adds the first state of an app says so, for somebody may have emptied the database since the program connected.
local function mark_layout()
	local layout = queue:gsub('queue$', 'layout')
	redis.call('SET', layout, '2', 'NX')
end
