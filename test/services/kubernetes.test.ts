// needs: etcd, kube-crd-apiserver
import { ApiextensionsV1Api } from '@kubernetes/client-node'
import { expect, it, onTestFinished } from 'vitest'
import { until } from './deadline.ts'
import { startKubernetes } from './kubernetes.ts'

it('establishes a CustomResourceDefinition', async () => {
  const kubernetes = await startKubernetes()
  onTestFinished(kubernetes.stop)
  const api = kubernetes.config.makeApiClient(ApiextensionsV1Api)
  const name = 'things.test.feedplane.dev'
  await api.createCustomResourceDefinition({ body: definition(name) })
  const established = await until('the definition to be established', async () => {
    const { status } = await api.readCustomResourceDefinition({ name })
    return status?.conditions?.find(condition => condition.type === 'Established' && condition.status === 'True')
  })
  expect(established.reason).toBe('InitialNamesAccepted')
})

const definition = (name: string) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name },
  spec: {
    group: 'test.feedplane.dev',
    names: { plural: 'things', singular: 'thing', kind: 'Thing' },
    scope: 'Namespaced',
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
})
