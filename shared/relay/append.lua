-- Compare and append: add entries to a topic only if it ends where the relay believes it ends.
-- A client that reconnects to an emptied server, or a second relay, is answered with where it really ends.
--
-- KEYS[1]  the topic
-- ARGV[1]  the position the topic is believed to end at; 0 = it is empty or absent
-- ARGV[2]  "append", or "restart" to drop what is there first (only if the comparison holds)
-- ARGV[3..] position, document, position, document, ...
-- Answers {1, last} when all were added, {0, last} when the comparison failed, {2, last, error} when the server
-- refused one half-way: what stands before it stays, nothing is added behind it.

local key, expected = KEYS[1], tonumber(ARGV[1])

local function ends_at()
  local info = redis.pcall('XINFO', 'STREAM', key)
  if info.err then return 0 end
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return tonumber(string.match(info[i + 1], '^%d+')) end
  end
  return 0
end

local last = ends_at()
if last ~= expected then return {0, last} end
if ARGV[2] == 'restart' then
  redis.call('DEL', key)
  last = 0
end

for i = 3, #ARGV, 2 do
  local reply = redis.pcall('XADD', key, ARGV[i] .. '-0', '__data__', ARGV[i + 1])
  if type(reply) == 'table' and reply.err then return {2, last, reply.err} end
  last = tonumber(ARGV[i])
end
return {1, last}
