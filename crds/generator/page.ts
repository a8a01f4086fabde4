import { apiVersion, metadataSchema } from '../contract/resource.ts'
import type { Column, Kind } from '../kind.ts'
import { type Field, fieldsOf } from './fields.ts'
import { jsonSchemaOf } from './schema.ts'

/** The reference page of a kind (Markdown). `example` is the YAML of a valid file of that kind. */
export function pageOf(kind: Kind, example: string): string {
  return `${[
    generated,
    `# ${kind.kind}`,
    kind.description,
    `\`apiVersion: ${apiVersion}\`, \`kind: ${kind.kind}\`; ${kind.shortNames.map(name => `\`${name}\``).join(', ')} for short.`,
    '## Example',
    `From [\`examples/kinds/${kind.kind.toLowerCase()}.yaml\`](../../../examples/kinds/${kind.kind.toLowerCase()}.yaml):`,
    `\`\`\`yaml\n${withoutModeline(example).trim()}\n\`\`\``,
    '## Spec',
    'Required means: wherever the object that holds the field is written. Unknown fields are errors.',
    specTable(fieldsOf(jsonSchemaOf(kind.spec))),
    ...rulesOf(kind),
    ...annotationsOf(kind),
    '## Status',
    'Written by the controller only.',
    table(['field', 'type', 'meaning'], fieldsOf(jsonSchemaOf(kind.status)).map(statusRow)),
    '## Columns',
    'Of `feedctl get`, and of `kubectl get`, which adds the age.',
    table(['column', 'from', 'shown'], kind.columns.map(columnRow)),
  ].join('\n\n')}\n`
}

/** The page that lists the kinds. */
export function indexOf(kinds: Kind[]): string {
  const rows = kinds.map(({ kind, shortNames, description }) => [
    `[${kind}](${kind.toLowerCase()}.md)`,
    shortNames.map(code).join(', '),
    description,
  ])
  return `${[
    generated,
    '# Kinds',
    `All are \`${apiVersion}\`.`,
    table(['kind', 'short', 'declares'], rows),
    '## Metadata',
    'The same for every kind, under `metadata`.',
    specTable(fieldsOf(jsonSchemaOf(metadataSchema))),
  ].join('\n\n')}\n`
}

const generated = '<!-- Generated from crds/ by `npm run generate`: edit the schema, not this page. -->'

const withoutModeline = (example: string): string => example.replace(/^# yaml-language-server:.*\n/, '')

function specTable(fields: Field[]): string {
  return table(['field', 'type', 'default', 'constraints', 'meaning'], fields.map(specRow))
}

function specRow(field: Field): string[] {
  const fallback = field.default === undefined ? '' : code(JSON.stringify(field.default))
  return [
    code(field.path),
    field.type,
    field.required ? '**required**' : fallback,
    field.constraints.join('; '),
    field.description,
  ]
}

const statusRow = ({ path, type, description }: Field): string[] => [code(path), type, description]

const columnRow = ({ name, path, wide }: Column): string[] => [name, code(path), wide ? 'with `-o wide`' : 'always']

function rulesOf({ rules }: Kind): string[] {
  if (rules.length === 0) return []
  const rows = rules.map(({ path, message, cel }) => [path === '' ? 'the spec' : code(path), message, code(cel)])
  return ['### Rules that span fields', table(['error points at', 'says', 'CEL'], rows)]
}

function annotationsOf({ annotations = {} }: Kind): string[] {
  const rows = Object.entries(annotations).map(([name, meaning]) => [code(name), meaning])
  if (rows.length === 0) return []
  return ['## Annotations', 'Each new value asks once; the status remembers it.', table(['annotation', 'asks for'], rows)]
}

function table(header: string[], rows: string[][]): string {
  return [header, header.map(() => '---'), ...rows].map(cells => `| ${cells.map(cell).join(' | ')} |`).join('\n')
}

const code = (text: string): string => `\`${text}\``

// A table of GitHub's Markdown takes "|" for the end of a cell, in code too.
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
