import { readdirSync, readFileSync } from 'node:fs'
import {
  ApiException,
  CustomObjectsApi,
  createConfiguration,
  type KubeConfig,
  type RequestContext,
  ServerConfiguration,
  setHeaderOptions,
} from '@kubernetes/client-node'
import { parse } from 'yaml'
import { until } from '../services/deadline.ts'
import { startKubernetes } from '../services/kubernetes.ts'
import type { Document } from './document.ts'

const folder = 'crds/generated/crds'
const definitions = { group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions' }
// Under strict validation the server refuses unknown fields instead of dropping them.
const strict = { fieldValidation: 'Strict', fieldManager: 'test' } as const
const asTable = setHeaderOptions('accept', 'application/json;as=Table;v=v1;g=meta.k8s.io')

/** An API server that has our CRDs. */
export type Cluster = {
  /** The definitions that it holds. */
  definitions(): Promise<Definition[]>
  /** What it would store, or what it says against it. Stores nothing. */
  judge(document: Document): Promise<Verdict>
  create(document: Document): Promise<Stored>
  replace(document: Document): Promise<Stored>
  /** By the status subresource. */
  replaceStatus(document: Document): Promise<Stored>
  /** A row for each object of a kind, by column, as `kubectl get -o wide` shows them. */
  table(kind: string, namespace: string): Promise<Record<string, unknown>[]>
  stop(): Promise<void>
}

export type Definition = {
  metadata: { name: string }
  spec: { names: { kind: string; plural: string }; versions: { schema: object }[] }
  status?: { conditions?: { type: string; status: string }[] }
}
type Stored = Document & { metadata: { generation: number; resourceVersion: string } }
type Verdict = { stored: Stored; refusal?: never } | { stored?: never; refusal: string }

/** Starts an API server and installs our CRDs. */
export async function startCluster(): Promise<Cluster> {
  const kubernetes = await startKubernetes()
  const api = clientOf(kubernetes.url, kubernetes.config)
  const plurals = await install(api).catch(async error => {
    await kubernetes.stop()
    throw error
  })
  const of = placeIn(plurals)
  const create = async (document: Document, dryRun?: 'All'): Promise<Stored> =>
    await api.createNamespacedCustomObject({ ...of(document), body: document, ...strict, ...(dryRun && { dryRun }) })
  return {
    definitions: () => listDefinitions(api),
    judge: document => create(document, 'All').then(stored => ({ stored }), toRefusal),
    create: document => create(document),
    replace: async document => await api.replaceNamespacedCustomObject({ ...of(document), body: document, ...strict }),
    replaceStatus: async document =>
      await api.replaceNamespacedCustomObjectStatus({ ...of(document), body: document, ...strict }),
    table: async (kind, namespace) =>
      rowsOf(
        await api.listNamespacedCustomObject(
          of({ apiVersion: 'feedplane.dev/v1alpha1', kind, metadata: { namespace } }),
          asTable,
        ),
      ),
    stop: kubernetes.stop,
  }
}

// The client makes a pool of its own for each request where the cluster has a CA: a handshake each, and no connection is used twice.
function clientOf(url: string, config: KubeConfig): CustomObjectsApi {
  let pool: ReturnType<RequestContext['getDispatcher']>
  const pre = async (request: RequestContext): Promise<RequestContext> => {
    pool ??= request.getDispatcher()
    if (pool !== undefined) request.setDispatcher(pool)
    return request
  }
  return new CustomObjectsApi(
    createConfiguration({
      baseServer: new ServerConfiguration(url, {}),
      authMethods: { default: config },
      promiseMiddleware: [{ pre, post: async response => response }],
    }),
  )
}

/** The definitions of `crds/generated/crds`, as their files have them. */
export function generatedDefinitions(): Definition[] {
  return readdirSync(folder).map(file => parse(readFileSync(`${folder}/${file}`, 'utf8')) as Definition)
}

/**
 * Installs every CRD; kind to plural once all are established. The typed client would drop what its model calls by another
 * name (`default` is `_default` there), so this goes by the untyped one.
 */
async function install(api: CustomObjectsApi): Promise<Map<string, string>> {
  const bodies = generatedDefinitions()
  await Promise.all(bodies.map(body => api.createClusterCustomObject({ ...definitions, body, ...strict })))
  await until('every CRD to be established', async () => (await listDefinitions(api)).every(isEstablished))
  return new Map(bodies.map(({ spec }) => [spec.names.kind, spec.names.plural]))
}

async function listDefinitions(api: CustomObjectsApi): Promise<Definition[]> {
  const list: { items: Definition[] } = await api.listClusterCustomObject(definitions)
  return list.items
}

const isEstablished = ({ status }: Definition): boolean =>
  status?.conditions?.some(condition => condition.type === 'Established' && condition.status === 'True') === true

// Where the document names no known kind, the path does not exist and the server answers 404.
const placeIn =
  (plurals: Map<string, string>) =>
  ({ apiVersion, kind, metadata }: Document) => {
    const [group = '', version = ''] = String(apiVersion).split('/')
    const plural = plurals.get(String(kind)) ?? 'unknown'
    return { group, version, plural, namespace: String(metadata?.namespace ?? 'default'), name: String(metadata?.name) }
  }

function toRefusal(error: unknown): Verdict {
  if (error instanceof ApiException && error.code >= 400 && error.code < 500) return { refusal: String(error.body) }
  throw error
}

type Table = { columnDefinitions: { name: string }[]; rows: { cells: unknown[] }[] }

const rowsOf = ({ columnDefinitions, rows }: Table): Record<string, unknown>[] =>
  rows.map(({ cells }) => Object.fromEntries(columnDefinitions.map(({ name }, index) => [name, cells[index]])))
