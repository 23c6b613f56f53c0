-- Sliding window in sixty buckets. A bucket counts until the whole of it has left the window, so no window of the
-- policy's length ever holds more than its quota, and a key never holds more than sixty-one numbers.
--
-- KEYS: one a limit, all limits of the first request, then of the second, and so on.
-- ARGV: for each request the number of its limits, then quota and window (ms) of each.
-- Returns for each request {admitted, remaining, reset, remaining, reset, ...}; reset in ms until the oldest bucket
-- leaves. All limits of a request or none are charged; a rejected request costs nothing.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answers, first_key, argument = {}, 0, 1
while argument <= #ARGV do
  local count = tonumber(ARGV[argument])
  argument = argument + 1
  local answer, admitted = {1}, 1
  local bucket, width, window = {}, {}, {}
  for i = 1, count do
    local key = KEYS[first_key + i]
    local quota = tonumber(ARGV[argument])
    window[i] = tonumber(ARGV[argument + 1])
    argument = argument + 2
    width[i] = window[i] / 60
    bucket[i] = math.floor(now / width[i])
    local used, oldest, gone = 0, bucket[i], {}
    local fields = redis.call('HGETALL', key)
    for f = 1, #fields, 2 do
      local number = tonumber(fields[f])
      if number < bucket[i] - 60 then
        gone[#gone + 1] = fields[f]
      else
        used = used + tonumber(fields[f + 1])
        if number < oldest then oldest = number end
      end
    end
    if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
    if used >= quota then admitted = 0 end
    answer[#answer + 1] = quota - used
    answer[#answer + 1] = math.ceil((oldest + 61) * width[i] - now)
  end
  if admitted == 1 then
    for i = 1, count do
      local key = KEYS[first_key + i]
      redis.call('HINCRBY', key, bucket[i], 1)
      redis.call('PEXPIRE', key, math.ceil(window[i] + width[i]))
      answer[2 * i] = answer[2 * i] - 1
    end
  end
  answer[1] = admitted
  answers[#answers + 1] = answer
  first_key = first_key + count
end
return answers
