--- @include run
-- For what a result holds, and until when it waits to be kept.
--
-- A person may give one before it is known what it is made of, its input or what its needs give. It holds for what
-- these are first.
local DIGEST_OF_ANY = 'given' -- in the place of the digest of the input
local BASIS_OF_ANY = 'any'    -- in the place of the mark of what the needs give

-- The mark of what the needs give: '' where they give nothing, and then it does not stand in the hash.
local function basis_of(given)
	local text = table.concat(given, '\n')
	return text == '' and '' or redis.sha1hex(text)
end

local function set_basis(basis)
	if basis == '' then
		clear('basis')
	else
		set('basis', basis)
	end
end

-- Whether a result was made of what its needs give now.
local function is_made_of(basis, now_basis)
	return (basis or '') == now_basis or basis == BASIS_OF_ANY
end

-- Needs without the deployments that come before: those are an order, and no result is made from them.
local function without_order(names)
	return ((names or ''):gsub('%S+:_deployment', ''))
end
