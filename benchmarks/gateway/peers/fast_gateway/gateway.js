// fast-gateway as its README sets one up. Verified tokens are remembered (fast-jwt's cache); the limit is a fixed window
// in Redis by one script call a request, put together by ioredis into pipelines: less than its users' middlewares do.
const crypto = require('crypto')
const fs = require('fs')
const gateway = require('fast-gateway')

const { PORT, UPSTREAM, POLICY, REDIS_PORT, PEM, ISSUER, AUDIENCE, QUOTA } = process.env
const middlewares = [(req, res, next) => {
  req.headers['x-request-id'] = crypto.randomUUID()
  res.setHeader('x-request-id', req.headers['x-request-id'])
  return next()
}]

function refuse (res, status, detail) {
  res.statusCode = status
  res.setHeader('content-type', 'application/problem+json')
  res.end(JSON.stringify({ status, detail }))
}

if (POLICY) {
  const { createVerifier } = require('fast-jwt')
  const Redis = require('ioredis')
  const verify = createVerifier({
    key: fs.readFileSync(PEM), algorithms: ['RS256'], allowedIss: ISSUER, allowedAud: AUDIENCE, cache: 10000
  })
  const redis = new Redis({ port: Number(REDIS_PORT), host: '127.0.0.1', enableAutoPipelining: true })
  redis.defineCommand('count', {
    numberOfKeys: 1,
    lua: "local n = redis.call('INCR', KEYS[1]) if n == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end return n"
  })
  const quota = Number(QUOTA)
  const standing = {
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
    'referrer-policy': 'no-referrer',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'x-xss-protection': '0'
  }
  middlewares.push((req, res, next) => {
    const sent = req.headers.authorization || ''
    let claims
    try {
      claims = verify(sent.startsWith('Bearer ') ? sent.slice(7) : '')
    } catch (error) {
      return refuse(res, 401, 'The token is not valid.')
    }
    for (const name in standing) res.setHeader(name, standing[name])
    const window = Math.floor(Date.now() / 3600000)
    redis.count(`limit:${claims.sub}:${window}`, 3600).then(
      n => {
        res.setHeader('x-ratelimit-remaining', Math.max(0, quota - n))
        return n > quota ? refuse(res, 429, 'The limit is used up.') : next()
      },
      () => refuse(res, 503, 'Limits cannot be checked.')
    )
  })
}

gateway({
  middlewares,
  routes: [{ prefix: '/api', prefixRewrite: '/api', target: `http://127.0.0.1:${UPSTREAM}` }]
}).start(Number(PORT), '127.0.0.1')
