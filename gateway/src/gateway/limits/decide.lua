-- Decides a batch of requests: all limits of a request are charged, or none. Every algorithm keeps what it knows of a
-- key in one string (the log: in a list), so that a batch reads once and writes each key once.
--
-- KEYS: one a limit, all limits of the first request, then of the second, and so on.
-- ARGV: a byte a request, the number of its plan; then each plan: (algorithm, figure, span, cost) of each of its limits
-- as doubles, little-endian. Times are in microseconds.
--   1 spacing          figure: how far ahead of the clock a key may run; span: what a unit adds to that (GCRA)
--   2 sliding_window   figure: quota; span: window
--   3 sliding_log, 4 sliding_counter, 5 fixed_window: the same
-- Returns two numbers a limit, in the order of KEYS: what is left and a time. Admitted: what is left after it, and the
-- time until more is (of spacing: what the key now runs ahead). Refused: -1 - left of every limit of the request, and
-- for a limit that refused it the time until it would not.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local floor, ceil, max, min, pack, unpacked = math.floor, math.ceil, math.max, math.min, struct.pack, struct.unpack

-- The whole part of a * b / c; a division alone could round it up.
local function share(a, b, c)
  local product = a * b
  return (product - math.fmod(product, c)) / c
end

-- What is known of a key: five places as its algorithm fills them, then algorithm, span, and whether it changed.
local function read(algorithm, span, value, key)
  if algorithm == 1 then
    return {max(now, tonumber(value or 0)), 0, 0, 0, 0, 1, span, false}
  elseif algorithm == 2 then
    -- Requests in runs of a sixtieth of the window. The newest: start, last moment, count. The older: last moment, count.
    if not value then return {0, 0, 0, 0, '', 2, span, false} end
    local total, start, last, count = unpacked('<dddd', value)
    local at = 33
    while at < #value do
      local moment, size = unpacked('<dd', value, at)
      if moment > now - span then break end
      total, at = total - size, at + 16
    end
    if last <= now - span then total, count = 0, 0 end
    return {total, start, last, count, value:sub(at), 2, span, false}
  elseif algorithm == 3 then
    -- A moment for each unit of cost. Trimmed in pieces: what leaves came one by one.
    local first = tonumber(redis.call('LINDEX', key, 0))
    while first and first <= now - span do
      local moments, gone = redis.call('LRANGE', key, 0, 63), 0
      while moments[gone + 1] and tonumber(moments[gone + 1]) <= now - span do gone = gone + 1 end
      redis.call('LTRIM', key, gone, -1)
      first = moments[gone + 1] and tonumber(moments[gone + 1]) or tonumber(redis.call('LINDEX', key, 0))
    end
    return {first and redis.call('LLEN', key) or 0, first or now, 0, 0, 0, 3, span, false}
  elseif algorithm == 4 then
    -- Two windows of the clock, and the last moment in each: what is older than a window counts no more.
    local number = floor(now / span)
    if not value then return {number, 0, 0, 0, 0, 4, span, false} end
    local known, current, previous, last, previous_last = unpacked('<ddddd', value)
    if known < number then
      previous, previous_last, current, last = current, last, 0, 0
    end
    if previous_last + span <= now then previous = 0 end
    return {max(number, known), current, previous, last, previous_last, 4, span, false}
  end
  local ends, used = 0, 0
  if value then ends, used = unpacked('<dd', value) end
  if ends <= now then ends, used = 0, 0 end
  return {ends, used, 0, 0, 0, 5, span, false}
end

-- How long until a sliding counter has room for so many more.
local function counter_wait(state, quota, span, more)
  local number, current, previous, last, previous_last = unpack(state, 1, 5)
  local start, free = number * span, quota - more - current
  if free >= 0 then
    if previous == 0 then return 0 end
    return max(0, min(start + span - share(free, span, previous), previous_last + span) - now)
  end
  return min(start + 2 * span - share(quota - more, span, current), last + span) - now
end

local function measure(algorithm, state, figure, span, cost, key)
  local left, wait
  if algorithm == 1 then
    local ahead = state[1] - now
    return max(0, floor((figure - ahead) / span)), ahead + cost * span - figure
  elseif algorithm == 4 then
    local rest = state[1] * span + span - now
    left = max(0, figure - state[2] - ceil(state[3] * rest / span))
    return left, left < cost and counter_wait(state, figure, span, cost) or 0
  elseif algorithm == 5 then
    return max(0, figure - state[2]), state[1] - now
  end
  left, wait = max(0, figure - state[1]), 0
  if left < cost then
    local over = state[1] + cost - figure
    if algorithm == 3 then return left, redis.call('LINDEX', key, over - 1) + span - now end
    local older, at, moment, size = state[5], 1, 0, 0
    while over > 0 and at < #older do
      moment, size = unpacked('<dd', older, at)
      over, at = over - size, at + 16
    end
    wait = (over > 0 and state[3] or moment) + span - now
  end
  return left, wait
end

local function charge(algorithm, state, figure, span, cost, key)
  if algorithm == 1 then
    state[1] = state[1] + cost * span
    return floor((figure - state[1] + now) / span), state[1] - now
  elseif algorithm == 2 then
    if state[4] > 0 and now - state[2] < span / 60 then
      state[4] = state[4] + cost
    else
      if state[4] > 0 then state[5] = state[5] .. pack('<dd', state[3], state[4]) end
      state[2], state[4] = now, cost
    end
    state[1], state[3] = state[1] + cost, now
    local oldest = state[5] ~= '' and unpacked('<d', state[5]) or now
    return figure - state[1], oldest + span - now
  elseif algorithm == 3 then
    local moments = {}
    for unit = 1, cost do moments[unit] = now end
    redis.call('RPUSH', key, unpack(moments))
    redis.call('PEXPIRE', key, ceil(span / 1000))
    state[1] = state[1] + cost
    return figure - state[1], state[2] + span - now
  elseif algorithm == 4 then
    state[2], state[4] = state[2] + cost, now
    local rest = state[1] * span + span - now
    local left = figure - state[2] - ceil(state[3] * rest / span)
    return left, counter_wait(state, figure, span, left + 1)
  end
  if state[1] == 0 then state[1] = now + span end
  state[2] = state[2] + cost
  return figure - state[2], state[1] - now
end

local function write(algorithm, state, span, key)
  if algorithm == 1 then
    redis.call('SET', key, state[1], 'PX', max(1, ceil((state[1] - now) / 1000)))
  elseif algorithm == 2 then
    redis.call('SET', key, pack('<dddd', state[1], state[2], state[3], state[4]) .. state[5], 'PX', ceil(span / 1000))
  elseif algorithm == 4 then
    redis.call('SET', key, pack('<ddddd', unpack(state, 1, 5)), 'PX', ceil(span / 500))
  elseif algorithm == 5 then
    redis.call('SET', key, pack('<dd', state[1], state[2]), 'PX', max(1, ceil((state[1] - now) / 1000)))
  end
end

local plans = {}
for number = 2, #ARGV do
  local packed, plan = ARGV[number], {}
  for at = 1, #packed, 32 do plan[#plan + 1] = {unpacked('<dddd', packed, at)} end
  plans[number - 1] = plan
end

local values = redis.call('MGET', unpack(KEYS))
local states, answers, first = {}, {}, 0
for request = 1, #ARGV[1] do
  local plan = plans[ARGV[1]:byte(request)]
  local admitted = true
  for number, limit in ipairs(plan) do
    local algorithm, figure, span, cost = limit[1], limit[2], limit[3], limit[4]
    local key = KEYS[first + number]
    local state = states[key]
    if not state then
      state = read(algorithm, span, values[first + number], key)
      states[key] = state
    end
    local left, wait = measure(algorithm, state, figure, span, cost, key)
    if left < cost then admitted = false end
    answers[2 * (first + number) - 1], answers[2 * (first + number)] = left, wait
  end
  for number, limit in ipairs(plan) do
    local answer, key = 2 * (first + number) - 1, KEYS[first + number]
    if admitted then
      local state = states[key]
      answers[answer], answers[answer + 1] = charge(limit[1], state, limit[2], limit[3], limit[4], key)
      state[8] = true
    else
      answers[answer] = -1 - answers[answer]
    end
  end
  first = first + #plan
end
for key, state in pairs(states) do
  if state[8] then write(state[6], state, state[7], key) end
end
return answers
