import { expect, it } from 'vitest'
import { feedctl } from './mainjob/feedctl.ts'
import { key, startProcessStage } from './mainjob/processstage.ts'
import { until } from './services/deadline.ts'

it('shows what the feed itself warned of among the events of the Feed, once each, also after a restart of the controller', async () => {
  const stage = await startProcessStage()
  try {
    const { controller } = stage
    await controller.start()
    await until('the feed to be ready', async () => {
      const { conditions = [] } = (await controller.view(key)).status
      return conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
    })
    const { sessions, active } = await stage.report()
    const pid = sessions.find(({ account }) => account === active)?.pid
    process.kill(pid ?? 0, 'SIGKILL')
    const died = async () => (await controller.events(key)).filter(({ reason }) => reason === 'SessionDied')
    await until('the death to be told', async () => (await died()).length > 0)
    await controller.stop()
    await controller.start()
    await controller.looks(3)
    const events = await died()
    expect(events).toEqual([
      expect.objectContaining({ type: 'Warning', count: 1, message: expect.stringContaining(`account ${active}`) }),
    ])
    expect((await feedctl(controller.url, '-n', 'quickstart', 'events', 'demo')).out).toMatch(/! Warning +SessionDied +1 /)
  } finally {
    await stage.stop()
  }
})
