--- @include run
-- Which layout of keys the state has: a program that needs another one leaves it alone (see store/layout.h). Whatever
-- adds the first state of an app says so, for somebody may have emptied the database since the program connected: by a
-- command that changes nothing where it has been said, for the api's user may use no other.
local function mark_layout()
	redis.call('SETNX', of_partition .. 'layout', '7')
end
