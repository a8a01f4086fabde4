import { describe, expect, it } from 'vitest'
import { addressOf, isNewEnough, type StackModel, sourcesOf } from './compose.ts'

const model: StackModel = {
  name: 'feedplane',
  services: {
    controller: {
      environment: {},
      ports: [{ target: 9181, published: '19181' }],
      volumes: [
        { type: 'bind', source: '/opt/feedplane/manifests' },
        { type: 'volume', source: 'controller' },
      ],
    },
    nats: { volumes: [{ type: 'bind', source: '/opt/feedplane/manifests' }] },
  },
  secrets: { accounts: { file: '/etc/feedplane/secrets/stack/nats-accounts.conf' } },
}

describe('the model of a stack', () => {
  it('names the files of the machine that it reads, each once', () => {
    expect(sourcesOf(model)).toEqual(['/opt/feedplane/manifests', '/etc/feedplane/secrets/stack/nats-accounts.conf'])
  })

  it('tells where a service answers, and that another is not part of it', () => {
    expect(addressOf(model, 'controller')).toBe('http://127.0.0.1:19181')
    expect(addressOf(model, 'pushgateway')).toBeUndefined()
  })
})

it.each([
  ['2.24.0', true],
  ['v2.26.1-4', true],
  ['3.0.0', true],
  ['2.23.3', false],
  ['1.29.2', false],
])('Compose %s is new enough: %s', (version, expected) => {
  expect(isNewEnough(version)).toBe(expected)
})
