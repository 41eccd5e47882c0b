// JSON that says what JSON.parse keeps to itself: members that stand twice, how deep, how many leaves.

export const MAX_BODY = 16_000_000
const MAX_DEPTH = 32
const MAX_LEAVES = 2_097_152
const SPACE = /[ \t\n\r]*/y
const TOKEN = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[[\]{}:,]/y

export function parse(octets, { duplicates, depth }) {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets)
  const value = JSON.parse(text)
  scan(text, { duplicates, depth })
  return value
}

// The text is JSON already; this only follows its structure.
function scan(text, { duplicates, depth }) {
  const open = []
  let leaves = 0, at = 0, key = null
  while (at < text.length) {
    SPACE.lastIndex = at
    SPACE.exec(text)
    TOKEN.lastIndex = SPACE.lastIndex
    const token = TOKEN.exec(text)?.[0]
    if (token === undefined) break
    at = TOKEN.lastIndex
    const inside = open.at(-1)
    if (token === '{' || token === '[') {
      open.push(token === '{' ? { names: new Set(), name: true } : {})
      if (depth && open.length > MAX_DEPTH) throw new Error('nested too deep')
      key = null
    } else if (token === '}' || token === ']') open.pop()
    else if (token === ',') { if (inside?.names) inside.name = true }
    else if (token === ':') { if (inside) inside.name = false }
    else if (inside?.names && inside.name) {
      key = JSON.parse(token)
      if (duplicates && inside.names.has(key)) throw new Error('a member stands twice')
      inside.names.add(key)
    } else if (++leaves > MAX_LEAVES && depth) throw new Error('too many values')
  }
}
