import { execFileSync } from 'node:child_process'
import { buildImages } from '../compose/image.ts'
import { startDocker } from '../test/services/docker.ts'
import type { Figure } from './figure.ts'
import { type Fleet, type Idle, processHost, startFleet } from './fleet.ts'
import type { Measurement } from './measurement.ts'

const seconds = 60
const processFeeds = 50
const dockerFeeds = 5

/** What a controller uses while nobody wants anything of it: 50 real feeds that play a recording, as processes. */
export const idle: Measurement = {
  name: 'idle',
  about: `${processFeeds} feeds on processes, ${seconds} s with nothing to do`,
  needs: [],
  limitMs: 300_000,
  async measure(signal) {
    const image = 'feedplane/feed:1.0'
    const fleet = await startFleet({ feeds: processFeeds, host: processHost, image, namespace: 'bench', signal })
    return measureFleet(fleet, 'processes')
  },
}

/** The same on a Docker engine, with fewer feeds. */
export const idleDocker: Measurement = {
  name: 'idle-docker',
  about: `${dockerFeeds} feeds on Docker, ${seconds} s with nothing to do`,
  onRequest: true,
  needs: ['docker'],
  limitMs: 300_000,
  async measure(signal) {
    const engine = await startDocker()
    try {
      await buildImages({ tag: engine.project, caFile: process.env.NODE_EXTRA_CA_CERTS || undefined, signal })
      return await measureFleet(await startFleet({ ...dockerFleet(engine.project, dockerFeeds), signal }), 'Docker')
    } finally {
      await engine.stop()
    }
  },
}

/** Spec of a Host whose containers' names begin with the project's. */
export const dockerHost = (project: string) => `engine: {type: docker}\n  network: ${project}-fleet\n  project: ${project}-fleet`

/** Feeds as containers of such a Host, from the feed's image of that tag. */
export function dockerFleet(project: string, feeds: number) {
  return { feeds, host: dockerHost(project), image: `feedplane/feed:${project}`, namespace: `${project}-fleet` }
}

async function measureFleet(fleet: Fleet, where: string): Promise<Figure[]> {
  try {
    return figuresOf(await (await fleet.idle())(seconds), where)
  } finally {
    await fleet.stop()
  }
}

function figuresOf({ feeds, looks, engineWrites, feedWrites, cpuPercent, memoryMB }: Idle, where: string): Figure[] {
  const name = `${feeds} feeds on ${where}, ${seconds} s of nothing to do`
  return [
    { name: `${name}: writes`, unit: 'count', value: engineWrites + feedWrites, n: looks, budget: { of: 'value', atMost: 0 } },
    { name: `${name}: controller`, unit: '% of a core', value: cpuPercent, n: 1, budget: { of: 'value', atMost: 2 } },
    {
      ...{ name: `${name}: memory`, unit: 'MB', value: memoryMB, n: 1, budget: { of: 'value', atMost: 150 } },
      beside: [{ kind: 'floor', name: 'a Node that runs nothing', value: bareNodeMB() }],
    },
  ]
}

const bareNodeMB = (): number => Number(execFileSync(process.execPath, ['-p', 'process.memoryUsage.rss() / 1e6']))
