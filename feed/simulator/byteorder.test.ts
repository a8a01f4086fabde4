import { expect, it, vi } from 'vitest'
import { startSimulator } from './simulator.ts'

vi.mock('node:os', async original => ({ ...(await original<typeof import('node:os')>()), endianness: () => 'BE' }))

it('the simulator does not start on a big-endian machine, where each of its records would be wrong', async () => {
  await expect(startSimulator()).rejects.toMatchObject({ class: 'stalled', reason: 'ByteOrder' })
})
