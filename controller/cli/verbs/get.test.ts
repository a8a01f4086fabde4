import { expect, it } from 'vitest'
import type { Context } from '../context.ts'
import { get } from './get.ts'

it('-w tells of the deletion of what was asked for, and of nothing else', async () => {
  expect(await deletionsTold('ctp', {})).toBe('deleted: production/ctp\n')
  expect(await deletionsTold(undefined, {})).toBe('deleted: production/opt\ndeleted: production/ctp\n')
  expect(await deletionsTold(undefined, { allNamespaces: true })).toContain('staging/ctp')
})

async function deletionsTold(name: string | undefined, options: { allNamespaces?: boolean }): Promise<string> {
  const told: string[] = []
  const controller = {
    resources: () => Promise.resolve([{}]),
    async *watch() {
      for (const key of ['staging/ctp', 'production/opt', 'production/ctp'])
        yield await Promise.resolve({ event: 'deleted', data: JSON.stringify({ kind: 'Feed', key }) })
    },
  }
  const terminal = { err: (text: string) => void told.push(text), out: () => undefined }
  const signal = new AbortController().signal
  const context = { controller, terminal, signal, namespace: 'production' } as unknown as Context
  await get(context, 'feeds', name, { output: 'table', watch: true, ...options })
  return told.join('')
}
