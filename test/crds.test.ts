// needs: etcd, kube-crd-apiserver
import { readdirSync, readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { kinds } from '../crds/kinds.ts'
import { type Cluster, generatedDefinitions, startCluster } from './crds/cluster.ts'
import { type Document, documentsOf, isForbidden, parsedSpec } from './crds/document.ts'
import { type Mutation, mutationsOf, nullsOf } from './crds/mutation.ts'
import { isLong } from './long.ts'

const requestsInFlight = 8
/** Of the single changes, each so many. */
const mutationStride = isLong ? 1 : 4
const invalidFolder = 'examples/invalid'
const statusWritten = 'schema-status-written.yaml'

const metadata = { name: 'small', namespace: 'default', labels: { site: 'shanghai' } }
const apiVersion = 'feedplane.dev/v1alpha1'
/** Nothing but what must be said: all else is defaults. */
const smallest: Document[] = [
  { apiVersion, kind: 'Host', metadata, spec: { engine: { type: 'docker' } } },
  { apiVersion, kind: 'FeedProfile', metadata, spec: { gateway: { type: 'simulator' } } },
  { apiVersion, kind: 'Credentials', metadata, spec: { env: { prefix: 'CTP_' } } },
  { apiVersion, kind: 'SubscriptionSet', metadata, spec: { catalogue: 'c.json', select: [{}] } },
  {
    ...{ apiVersion, kind: 'Feed', metadata },
    spec: { hostRef: 'h', profileRef: 'p', image: 'i:1', credentials: { primary: 'c' }, subscriptions: ['s'] },
  },
  { apiVersion, kind: 'FailoverDrill', metadata, spec: { feedRef: 'f' } },
  { apiVersion, kind: 'Stack', metadata, spec: { hostRef: 'h', project: 'p', files: ['c.yml'] } },
]
const examples = readdirSync('examples/kinds').flatMap(file => documentsOf(`examples/kinds/${file}`))
const valid = [...examples, ...smallest].map(
  (document): Mutation => ({ name: `${document.kind} ${document.metadata?.name}`, document }),
)

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster?.stop())

it('keeps the schema of every CRD as it was generated', async () => {
  const schemas = Object.fromEntries(
    (await cluster.definitions()).map(({ metadata, spec }) => [metadata.name, spec.versions[0]?.schema]),
  )
  const generated = generatedDefinitions().map(({ metadata, spec }) => [metadata.name, spec.versions[0]?.schema])
  expect(generated).toHaveLength(Object.keys(kinds).length)
  expect(schemas).toEqual(Object.fromEntries(generated))
})

it.each(valid)('accepts $name and fills in the same defaults as we do', async ({ document }) => {
  const { stored, refusal } = await cluster.judge(document)
  expect(refusal).toBeUndefined()
  expect(stored?.spec).toStrictEqual(parsedSpec(document))
})

it.each(schemaCorpus())('refuses %s, as we do', async file => {
  const documents = documentsOf(`${invalidFolder}/${file}`)
  const verdicts = await Promise.all(documents.map(document => cluster.judge(document)))
  expect(verdicts.filter(({ refusal }) => refusal !== undefined)).not.toEqual([])
  expect(documents.map(parsedSpec)).toContain(undefined)
})

it('agrees with us on every single change of a valid document', async () => {
  const all = valid.flatMap(({ document }) => mutationsOf(document)).filter(({ document }) => !isForbidden(document))
  const mutations = all.filter((_, index) => index % mutationStride === 0)
  const verdicts = await inTurn(mutations, async ({ name, document }) => {
    const { stored, refusal } = await cluster.judge(document)
    return { name, ours: parsedSpec(document), theirs: stored?.spec, refusal }
  })
  expect(verdicts.filter(({ ours, theirs }) => !isDeepStrictEqual(ours, theirs))).toEqual([])
  expect(verdicts.filter(({ theirs }) => theirs !== undefined).length).toBeGreaterThan(500 / mutationStride)
  expect(verdicts.filter(({ theirs }) => theirs === undefined).length).toBeGreaterThan(5000 / mutationStride)
})

// The API server drops such a null before it looks: there it means "absent". In a file it is a line that somebody left unfinished.
it('accepts null only in place of an optional field, where we ask for a value', async () => {
  const nulls = valid.flatMap(({ document }) => nullsOf(document))
  const verdicts = await inTurn(nulls, ({ document }) => cluster.judge(document))
  const accepted = nulls.filter((_, index) => verdicts[index]?.stored !== undefined)
  expect(nulls.map(({ document }) => parsedSpec(document)).filter(spec => spec !== undefined)).toEqual([])
  expect(accepted.map(({ name }) => name)).toContain('Feed spec.suspend = null')
  expect(accepted.map(({ name }) => name)).not.toContain('Feed spec.image = null')
})

it('accepts as many instruments as a set may name', async () => {
  const instruments = Array.from({ length: 20_000 }, (_, index) => `SHFE.rb${index}`)
  const set = { apiVersion, kind: 'SubscriptionSet', metadata, spec: { catalogue: 'c.json', instruments, exclude: instruments } }
  expect((await cluster.judge(set)).refusal).toBeUndefined()
  instruments.push('SHFE.rb')
  expect((await cluster.judge(set)).refusal).toContain('must have at most 20000 items')
})

it('names the field and says what to do where a rule is broken', async () => {
  const document = { ...smallest[4], spec: { ...smallest[4]?.spec, credentials: { active: 'backup', primary: 'c' } } }
  const { refusal } = await cluster.judge(document)
  expect(refusal).toContain('spec.credentials.active: Invalid value')
  expect(refusal).toContain('no backup account is declared: set credentials.backup')
})

it('keeps spec and status apart', async () => {
  const name = 'apart'
  const status = { observedGeneration: 1, epoch: 3, active: 'primary', conditions: [ready] }
  const created = await cluster.create({ ...smallest[4], metadata: { name }, status })
  expect(created).not.toHaveProperty('status')
  const written = await cluster.replaceStatus({ ...created, status, spec: { ...created.spec, suspend: true } })
  expect(written).toMatchObject({ status, spec: { suspend: false }, metadata: { generation: 1 } })
  const edited = await cluster.replace({ ...written, spec: { ...written.spec, suspend: true }, status: { epoch: 9 } })
  expect(edited).toMatchObject({ status, spec: { suspend: true }, metadata: { generation: 2 } })
  await expect(cluster.replaceStatus({ ...edited, status: { epoch: 'three' } })).rejects.toThrow('status.epoch')
})

it('shows the columns', async () => {
  const namespace = 'columns'
  const status = { active: 'primary', epoch: 3, revision: 2, ticksPerSecond: 41.5, subscriptions, conditions: [ready] }
  const created = await cluster.create({ ...smallest[4], metadata: { name: 'shown', namespace } })
  await cluster.replaceStatus({ ...created, status })
  const [row] = await cluster.table('Feed', namespace)
  expect(row).toEqual({
    ...{ Name: 'shown', Active: 'primary', Epoch: 3, Revision: 2, Coverage: 0.5, 'Ticks/s': 41.5, Image: 'i:1' },
    ...{ Age: expect.any(String), Ready: 'True', Message: 'ticks flow' },
  })
  expect(Object.keys(row ?? {}).at(-1)).toBe('Message')
})

const subscriptions = { desired: 4, acknowledged: 2, ticking: 2, rejected: 0, coverage: 0.5 }
const ready = {
  ...{ type: 'Ready', status: 'True', reason: 'Live', message: 'ticks flow', observedGeneration: 1 },
  lastTransitionTime: '2026-11-02T01:00:00Z',
}

/** The manifests that one object alone shows to be wrong; the others need the rest of the tree, or are no YAML. */
function schemaCorpus(): string[] {
  const files = readdirSync(invalidFolder).filter(file => file.endsWith('.yaml') && file !== statusWritten)
  return files.filter(file => /^# expect: schema\b/.test(readFileSync(`${invalidFolder}/${file}`, 'utf8'))).toSorted()
}

it('drops a status that a manifest brings, where we refuse it', async () => {
  const [document = {}] = documentsOf(`${invalidFolder}/${statusWritten}`)
  expect(document).toHaveProperty('status')
  expect((await cluster.judge(document)).stored).not.toHaveProperty('status')
  expect(parsedSpec(document)).toBeUndefined()
})

it('has a corpus of invalid manifests', () => {
  expect(schemaCorpus().length).toBeGreaterThan(10)
})

async function inTurn<From, To>(all: From[], act: (one: From) => Promise<To>): Promise<To[]> {
  const results: To[] = []
  const rest = all.entries()
  const work = async () => {
    for (const [index, one] of rest) results[index] = await act(one)
  }
  await Promise.all(Array.from({ length: requestsInFlight }, work))
  return results
}
