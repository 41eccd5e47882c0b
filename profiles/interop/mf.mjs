// A producer of nmf-mrm on Node's own http2 and TLS: another stack than the reference lab's, so that a mistake that
// tester and lab share cannot hide. Node's defaults stay as they are. Without --tls it serves plain HTTP/1.1 to a front.
//
//     node mf.mjs --listen 127.61.1.10:8443 --pki DIR --tls [--wrong FLAW[,FLAW...]] [--odd WAY[,WAY...]]
//
// Odd, but right: goodbye (GOAWAY after each answer), keeps (nothing can be deleted), throttle (429 beyond ten requests
// a second), curt (every refusal of a token is 403 without a word).
// Flaws: token, audience, expiry, subject (not checked); duplicates, depth, size, types, patch (of JSON).

import crypto from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import { parseArgs } from 'node:util'

import { MAX_BODY, parse } from './json.mjs'
import { applyPatch, Bad, checkContext } from './context.mjs'

const { values: options } = parseArgs({ options: {
  listen: { type: 'string' }, pki: { type: 'string' }, tls: { type: 'boolean' }, wrong: { type: 'string', default: '' },
  odd: { type: 'string', default: '' },
} })
const wrong = new Set(options.wrong.split(',').filter(Boolean))
const odd = new Set(options.odd.split(',').filter(Boolean))
let tokens = 20, filled = Date.now()
const right = (name) => !wrong.has(name)
const file = (name) => fs.readFileSync(`${options.pki}/${name}`)
const INSTANCE = '6d0f1c1e-0000-4000-8000-000000000050'
const NRF = '6d0f1c1e-0000-4000-8000-000000000070'
const nrfKey = crypto.createPublicKey(file('nrf-token.pub.pem'))
const ROOT = '/nmf-mrm/v1/contexts'
const contexts = new Map()

class Refused extends Error {
  constructor(status, detail, challenge) { super(detail); this.status = status; this.challenge = challenge }
}

function consumerOf(headers, client) {
  const given = headers.authorization
  if (!given) {
    if (right('token')) throw new Refused(401, 'no access token', '')
    return ''
  }
  const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(given)
  if (!token) throw new Refused(401, 'no token', 'invalid_token')
  const [head, body, signature] = token[1].split('.')
  const limits = { duplicates: true, depth: true }
  let header, claims
  try {
    header = parse(Buffer.from(head, 'base64url'), limits)
    claims = parse(Buffer.from(body, 'base64url'), limits)
  } catch { throw new Refused(401, 'not a token', 'invalid_token') }
  const good = header.alg === 'ES256' && !('crit' in header) && crypto.verify('sha256', Buffer.from(`${head}.${body}`),
    { key: nrfKey, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))
  const now = Date.now() / 1000
  if (!good || claims.iss !== NRF) throw new Refused(401, 'signature or issuer', 'invalid_token')
  const audience = claims.aud === 'MF' || (Array.isArray(claims.aud) && claims.aud.includes(INSTANCE))
  if (right('audience') && !audience) throw new Refused(401, 'audience', 'invalid_token')
  if (right('expiry') && !(claims.exp > now)) throw new Refused(401, 'expired', 'invalid_token')
  if ((claims.iat ?? 0) > now + 5 || (claims.nbf ?? 0) > now + 5) throw new Refused(401, 'not yet valid', 'invalid_token')
  if (right('subject') && client !== null && claims.sub !== client) throw new Refused(401, 'subject', 'invalid_token')
  if (!String(claims.scope).split(' ').includes('nmf-mrm')) throw new Refused(403, 'scope', 'insufficient_scope')
  return claims.sub
}

function instanceOf(certificate) {
  const names = certificate ? [...String(certificate.subjectAltName ?? '').matchAll(/URI:urn:uuid:([0-9a-f-]{36})/gi)] : []
  return names.length === 1 ? names[0][1].toLowerCase() : ''
}

function json(headers, body, type) {
  if ((headers['content-type'] ?? '').split(';')[0].trim().toLowerCase() !== type) throw new Refused(415, `expected ${type}`)
  try { return parse(body, { duplicates: right('duplicates'), depth: right('depth') }) }
  catch (error) { throw new Refused(400, error.message) }
}

function checked(value) {
  if (right('types')) checkContext(value)
  return value
}

function serve(method, target, headers, body, client) {
  const consumer = consumerOf(headers, client)
  const path = target.split('?')[0]
  if (path === ROOT) {
    if (method !== 'POST') throw new Refused(405, 'not here')
    const value = checked(json(headers, body, 'application/json'))
    const id = crypto.randomUUID()
    contexts.set(id, { owner: consumer, value: { ...value, contextId: id } })
    return [201, { location: `https://${headers[':authority'] ?? headers.host}${ROOT}/${id}` }, contexts.get(id).value]
  }
  const found = new RegExp(`^${ROOT}/([0-9a-f-]{36})$`).exec(path)
  const context = found && contexts.get(found[1])
  if (!context || (context.owner && context.owner !== consumer)) throw new Refused(404, 'no such context')
  if (method === 'DELETE' && odd.has('keeps')) throw new Refused(405, 'nothing is deleted here')
  if (method === 'DELETE') { contexts.delete(found[1]); return [204, {}] }
  if (method !== 'PATCH') throw new Refused(405, 'not here')
  const changed = applyPatch(context.value, json(headers, body, 'application/json-patch+json'), right('patch'))
  if (right('patch') && changed.contextId !== found[1]) throw new Refused(403, 'contextId cannot be changed')
  context.value = checked(changed)
  return [200, {}, context.value]
}

function throttled() {
  const now = Date.now()
  tokens = Math.min(20, tokens + (now - filled) / 100)
  filled = now
  return tokens < 1 || (tokens--, false)
}

function answer(request, response, client) {
  const session = request.stream?.session
  const pieces = []
  let size = 0, over = false
  const send = (status, headers, value) => {
    const text = value === undefined ? '' : JSON.stringify(value)
    const type = status < 300 ? 'application/json' : 'application/problem+json'
    response.writeHead(status, { ...headers, ...(text ? { 'content-type': type } : {}) })
    response.end(text)
    if (odd.has('goodbye')) session?.close()
  }
  if (odd.has('throttle') && throttled()) return send(429, { 'retry-after': '1' })
  request.on('data', (piece) => {
    size += piece.length
    if (right('size') && size > MAX_BODY) {
      if (!over) send(413, {}, { status: 413 })
      over = true
      pieces.length = 0
    } else pieces.push(piece)
  })
  request.on('error', () => {})
  response.on('error', () => {})
  request.on('end', () => {
    if (over || request.aborted || response.writableEnded) return
    const curt = (error) => odd.has('curt') && error.challenge !== undefined
    try { send(...serve(request.method, request.url, request.headers, Buffer.concat(pieces), client)) } catch (error) {
      if (curt(error)) return send(403, {})
      const status = error instanceof Refused ? error.status : error instanceof Bad ? 400 : 500
      const challenge = error.challenge === undefined ? {} : { 'www-authenticate':
        `Bearer realm="mf"${error.challenge ? `, error="${error.challenge}"` : ''}` }
      send(status, challenge, { status, detail: error.message })
    }
  })
}

function behindFront(headers) {
  const escaped = headers['x-client-certificate']
  if (!escaped) return null
  try { return instanceOf(new crypto.X509Certificate(decodeURIComponent(escaped))) } catch { return '' }
}

const [host, port] = options.listen.split(':')
const server = options.tls
  ? http2.createSecureServer({
    key: file('mf.key'), cert: file('mf.pem'), ca: file('ca.pem'), crl: file('ca.crl'), requestCert: true,
    rejectUnauthorized: true, allowHTTP1: false,
  }, (request, response) => answer(request, response, instanceOf(request.stream.session.socket.getPeerX509Certificate())))
  : http.createServer((request, response) => answer(request, response, behindFront(request.headers)))
server.on('sessionError', () => {})
server.listen(Number(port), host, () => console.log('ready'))
process.on('SIGTERM', () => process.exit(0))
