import { userInfo } from 'node:os'
import { expect, it, vi } from 'vitest'
import type { Context } from '../context.ts'
import { approve } from './approve.ts'

vi.mock('node:os', async original => ({
  ...(await original<typeof import('node:os')>()),
  hostname: () => 'colo-1',
  userInfo: vi.fn(),
}))

it('names whoever approves, by number where no file gives the user a name', async () => {
  const approvals: string[] = []
  const controller = { approve: (_: string, by: string) => Promise.resolve({ removed: [approvals.push(by)] }) }
  const context = { controller, terminal: { out: () => undefined } } as unknown as Context
  vi.mocked(userInfo).mockReturnValueOnce({ username: 'alice' } as ReturnType<typeof userInfo>)
  await approve(context, 'abc', {})
  vi.mocked(userInfo).mockImplementationOnce(() => {
    throw new Error('uv_os_get_passwd returned ENOENT')
  })
  await approve(context, 'abc', {})
  expect(approvals).toEqual(['alice@colo-1', `${process.getuid?.()}@colo-1`])
})
