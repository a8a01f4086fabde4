import type { Kind } from '../kind.ts'
import { crdOf } from './crd.ts'
import { anyKindSchema, editorSchemaOf, schemaFile } from './editor.ts'
import { indexOf, pageOf } from './page.ts'

/** Folders that hold nothing but what is generated: a file in them that is not in `outputs` is left over. */
export const generatedFolders = ['crds/generated/crds', 'crds/generated/schemas', 'docs/reference/kinds'] as const

/** File of a kind's example, from the root of the repository. */
export const exampleFile = (kind: Kind): string => `examples/kinds/${kind.kind.toLowerCase()}.yaml`

/** Every generated file, path from the root of the repository to text. `exampleOf` gives the text of a kind's example. */
export function outputs(kinds: Kind[], exampleOf: (kind: Kind) => string): Map<string, string> {
  const [crds, schemas, pages] = generatedFolders
  return new Map([
    ...kinds.map(kind => [`${crds}/${kind.plural}.yaml`, `${yamlHeader(kind)}${crdOf(kind)}`] as const),
    ...kinds.map(kind => [`${schemas}/${schemaFile(kind)}`, editorSchemaOf(kind)] as const),
    [`${schemas}/feedplane.json`, anyKindSchema(kinds)],
    ...kinds.map(kind => [`${pages}/${kind.kind.toLowerCase()}.md`, pageOf(kind, exampleOf(kind))] as const),
    [`${pages}/README.md`, indexOf(kinds)],
  ])
}

/** A committed file that is not what is generated, and how it differs. */
export type Difference = { path: string; how: 'missing' | 'differs' | 'left over' }

/** What a generation would change. `committed` holds the files of `generatedFolders`. */
export function differences(wanted: Map<string, string>, committed: Map<string, string>): Difference[] {
  const stale = [...wanted].filter(([path, text]) => committed.get(path) !== text)
  const leftOver = [...committed.keys()].filter(path => !wanted.has(path))
  return [
    ...stale.map(([path]): Difference => ({ path, how: committed.has(path) ? 'differs' : 'missing' })),
    ...leftOver.map((path): Difference => ({ path, how: 'left over' })),
  ]
}

const yamlHeader = (kind: Kind): string =>
  `# Generated from crds/${kind.kind.toLowerCase()}.ts by \`npm run generate\`: edit the schema, not this file.\n`
