// MediaContext of nmf-mrm, checked, and JSON Patch (RFC 6902) on a copy of it.

export class Bad extends Error {}

const MAX_PATCHED = 4_000_000
const FINGERPRINT = /^(SHA-1|SHA-224|SHA-256|SHA-384|SHA-512|MD5) [0-9A-F]{2}(:[0-9A-F]{2})+$/i
const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value)
const need = (condition, what) => { if (!condition) throw new Bad(`${what} is missing or not right`) }
const integer = (value, least, most, what) => need(Number.isInteger(value) && value >= least && value <= most, what)

export function checkContext(context) {
  need(isObject(context), 'the context')
  need(Array.isArray(context.terminations) && context.terminations.length > 0, 'terminations')
  for (const termination of context.terminations) {
    need(isObject(termination) && Array.isArray(termination.medias) && termination.medias.length > 0, 'medias')
    for (const media of termination.medias) checkMedia(media)
  }
}

function checkMedia(media) {
  need(isObject(media) && typeof media.mediaId === 'string', 'mediaId')
  need(['DC', 'AR', 'AUDIO', 'VIDEO'].includes(media.mediaResourceType), 'mediaResourceType')
  const end = media.remoteMbEndpoint
  need(isObject(end) && isObject(end.ip), 'remoteMbEndpoint')
  need(/^127(\.\d{1,3}){3}$/.test(end.ip.ipv4Addr ?? '') || end.ip.ipv6Addr === '::1', 'ip')
  need(end.transport === 'UDP', 'transport')
  integer(end.portNumber, 1, 65535, 'portNumber')
  const dc = media.dcMedia
  need(isObject(dc) && isObject(dc.streams) && Object.keys(dc.streams).length > 0, 'streams')
  for (const stream of Object.values(dc.streams)) {
    need(isObject(stream), 'streams')
    integer(stream.streamId, 0, 65535, 'streamId')
  }
  need(['ACTIVE', 'PASSIVE', 'ACTPASS'].includes(dc.securitySetup ?? 'ACTPASS'), 'securitySetup')
  integer(dc.maxMessageSize ?? 64, 0, 64, 'maxMessageSize')
  need(['HTTP', 'UDP'].includes(dc.mediaProxyConfig ?? 'HTTP'), 'mediaProxyConfig')
  const remote = dc.remoteDcEndpoint
  need(isObject(remote), 'remoteDcEndpoint')
  integer(remote.sctpPort ?? 5000, 0, 65535, 'sctpPort')
  need(typeof remote.fingerprint === 'string' && FINGERPRINT.test(remote.fingerprint), 'fingerprint')
  need(remote.tlsId === undefined || (typeof remote.tlsId === 'string' && /^[\w+/-]{20,255}$/.test(remote.tlsId)), 'tlsId')
  need(dc.replaceHttpUrl === undefined, 'replaceHttpUrl (there are no application servers here)')
}

export function applyPatch(document, patch, strict) {
  need(Array.isArray(patch) && patch.length > 0 && patch.length <= 100, 'the patch')
  const root = structuredClone(document)
  let room = MAX_PATCHED
  for (const operation of patch) {
    need(isObject(operation) && typeof operation.path === 'string', 'path')
    const path = pointer(operation.path)
    need(path.length > 0, 'path')
    const { op, value } = operation
    if (op === 'test') need(JSON.stringify(get(root, path)) === JSON.stringify(value), 'test')
    else if (op === 'remove') remove(root, path, strict)
    else if (op === 'add') { need('value' in operation, 'value'); put(root, path, value, strict, true) }
    else if (op === 'replace') { need('value' in operation, 'value'); get(root, path, strict); put(root, path, value, strict, false) }
    else if (op === 'move' || op === 'copy') {
      need(typeof operation.from === 'string' && !`${operation.path}/`.startsWith(`${operation.from}/`), 'from')
      const moved = structuredClone(get(root, pointer(operation.from), strict))
      if (op === 'move') remove(root, pointer(operation.from), strict)
      put(root, path, moved, strict, true)
    } else need(false, 'op')
    room -= JSON.stringify(root).length
    need(room > 0, 'the patch (it grows beyond measure)')
  }
  return root
}

const pointer = (text) => {
  need(text === '' || text.startsWith('/'), 'path')
  const parts = text.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  need(!parts.includes('__proto__') && !parts.includes('constructor'), 'path')
  return parts
}
const has = (value, part) => Array.isArray(value)
  ? /^(0|[1-9]\d{0,8})$/.test(part) && Number(part) < value.length : isObject(value) && Object.hasOwn(value, part)

function get(root, path, strict = true) {
  let value = root
  for (const part of path) {
    if (strict) need(has(value, part), 'path')
    value = value?.[part]
  }
  return value
}

function put(root, path, value, strict, insert) {
  const parent = get(root, path.slice(0, -1), strict)
  const last = path.at(-1)
  if (Array.isArray(parent)) {
    const at = last === '-' && insert ? parent.length : Number(last)
    if (strict) need(last === '-' ? insert : /^(0|[1-9]\d{0,8})$/.test(last) && at < parent.length + (insert ? 1 : 0), 'path')
    if (insert) parent.splice(at, 0, value)
    else parent[at] = value
  } else if (isObject(parent)) parent[last] = value
  else need(!strict, 'path')
}

function remove(root, path, strict) {
  const parent = get(root, path.slice(0, -1), strict)
  const last = path.at(-1)
  if (strict) need(has(parent, last), 'path')
  if (Array.isArray(parent)) parent.splice(Number(last), 1)
  else if (isObject(parent)) delete parent[last]
}
