import { keyOf } from '../../crds/contract/resource.ts'
import { type KindName, kinds } from '../../crds/kinds.ts'
import type { ResourceView } from '../api/contract.ts'
import type { Context } from './context.ts'
import { trouble } from './exit.ts'

/** The kind that a word means: its name, plural or a short name, in any case. Throws trouble with the words that would do. */
export function kindOf(word: string): KindName {
  const wanted = word.toLowerCase()
  for (const [name, kind] of Object.entries(kinds)) {
    if ([name.toLowerCase(), kind.plural, ...kind.shortNames].includes(wanted)) return name as KindName
  }
  const known = Object.values(kinds).map(kind => [kind.plural, ...kind.shortNames].join(' or '))
  throw trouble(`there is no kind "${word}"`, `kinds are ${known.join(', ')}`)
}

/** `NAMESPACE/NAME` or `NAME`, with the namespace of `-n` where the name brings none. */
export function splitName(text: string, namespace: string | undefined): { name: string; namespace: string | undefined } {
  const slash = text.indexOf('/')
  return slash === -1 ? { name: text, namespace } : { name: text.slice(slash + 1), namespace: text.slice(0, slash) }
}

/** The one resource that a name means. Without a namespace the name must be the only one of its kind. */
export async function resourceOf(context: Context, kind: KindName, text: string): Promise<ResourceView> {
  const found = await findResource(context, kind, text)
  if (found !== undefined) return found
  const { name, namespace } = splitName(text, context.namespace)
  const where = namespace === undefined ? 'in any namespace' : `in namespace ${namespace}`
  throw trouble(`there is no ${kind} ${name} ${where}`, `\`feedctl get ${kinds[kind].plural} -A\` lists what there is`)
}

/** The same; undefined where there is none. */
export async function findResource(context: Context, kind: KindName, text: string): Promise<ResourceView | undefined> {
  const wanted = splitName(text, context.namespace)
  const items = await context.controller.resources({ kind, ...wanted })
  if (items.length <= 1) return items[0]
  throw trouble(
    `${items.length} ${kinds[kind].plural} are named ${wanted.name}: ${items.map(item => keyOf(item.metadata)).join(', ')}`,
    'write NAMESPACE/NAME, or name the namespace with -n',
  )
}
