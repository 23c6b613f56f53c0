-- Gives back what one request was charged by decide.lua, never more than is still counted of it: a limit that was
-- refunded admits at most what it would have admitted without that request.
--
-- KEYS: of the limits. ARGV[1]: the moment of the charge, in microseconds of this server's clock. ARGV[2]: for each key
-- (algorithm, span, cost, what its charge was told as the time) as doubles, little-endian; algorithms as in decide.lua,
-- and 6 for a queue: a turn that others stand behind is not given back.
-- Returns how many keys gave something back.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local floor, ceil, max, min, pack, unpacked = math.floor, math.ceil, math.max, math.min, struct.pack, struct.unpack
local moment, given = tonumber(ARGV[1]), 0

local function keep(key, value)
  redis.call('SET', key, value, 'KEEPTTL')
  given = given + 1
end

local function spacing(key, span, cost, told, queue)
  local ahead = tonumber(redis.call('GET', key) or 0)
  if ahead <= now or queue and ahead ~= moment + told then return end
  -- What has run off since then may have been another's room by now.
  local back = min(cost * span, cost * span - (now - moment))
  if back <= 0 then return end
  if ahead - back <= now then redis.call('DEL', key) else redis.call('SET', key, ahead - back, 'KEEPTTL') end
  given = given + 1
end

local function sliding_window(key, cost)
  local value = redis.call('GET', key)
  if not value then return end
  local total, start, last, count = unpacked('<dddd', value)
  local older, at = value:sub(33), 1
  while at < #older do
    local ended, size = unpacked('<dd', older, at)
    if ended >= moment then
      local back = min(cost, size)
      older = older:sub(1, at - 1) .. pack('<dd', ended, size - back) .. older:sub(at + 16)
      keep(key, pack('<dddd', total - back, start, last, count) .. older)
      return
    end
    at = at + 16
  end
  if start <= moment and moment <= last then
    local back = min(cost, count)
    keep(key, pack('<dddd', total - back, start, last, count - back) .. older)
  end
end

local function sliding_counter(key, span, cost)
  local value = redis.call('GET', key)
  if not value then return end
  local number, current, previous, last, previous_last = unpacked('<ddddd', value)
  local charged = floor(moment / span)
  if charged == number then
    current = max(0, current - cost)
  elseif charged == number - 1 then
    previous = max(0, previous - cost)
  else
    return
  end
  keep(key, pack('<ddddd', number, current, previous, last, previous_last))
end

local function fixed_window(key, span, cost)
  local value = redis.call('GET', key)
  if not value then return end
  local ends, used = unpacked('<dd', value)
  if ends <= now or moment < ends - span then return end
  if used > cost then
    keep(key, pack('<dd', ends, used - cost))
  else
    redis.call('DEL', key)
    given = given + 1
  end
end

for number, key in ipairs(KEYS) do
  local algorithm, span, cost, told = unpacked('<dddd', ARGV[2], number * 32 - 31)
  if algorithm == 1 or algorithm == 6 then
    spacing(key, span, cost, told, algorithm == 6)
  elseif algorithm == 2 then
    sliding_window(key, cost)
  elseif algorithm == 3 then
    if redis.call('LREM', key, -cost, ARGV[1]) > 0 then given = given + 1 end
  elseif algorithm == 4 then
    sliding_counter(key, span, cost)
  else
    fixed_window(key, span, cost)
  end
end
return given
