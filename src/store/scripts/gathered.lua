-- What many runs of one call write to the same keys, such as `live`: a script that works on many gathers it, and makes
-- each command once, at its end.
local WORDS_MAX = 500 -- of one command

local gathered -- the commands: in order, and by how they begin; nil: each is made at once
each_call(function()
	gathered = nil
end)

local function begin_gathering()
	gathered = {}
end

-- Adds words to the command that begins so; `beginning`, with a blank between two words, goes behind its name, but
-- that may have some with it. Of one name and beginning there is one.
local function gather(name, beginning, first, second)
	local of_name = gathered[name]
	if not of_name then
		of_name = {}
		gathered[name] = of_name
	end
	local words = of_name[beginning]
	if not words or #words > WORDS_MAX then
		words = { name }
		for word in beginning:gmatch('%S+') do
			words[#words + 1] = word
		end
		of_name[beginning], gathered[#gathered + 1] = words, words
	end
	local count = #words
	words[count + 1], words[count + 2] = first, second
	return words
end

-- What is told by `next` of one is made where that has added anything.
local function make_gathered()
	for _, words in ipairs(gathered) do
		local added = redis.pcall(unpack(words))
		if words.next and type(added) == 'number' and added > 0 then
			redis.pcall(unpack(words.next))
		end
	end
end
