import { complaintOf } from './convergence.ts'
import { drawDisasters, endDisasters, strike } from './disaster.ts'
import { type Incumbent, type Plant, takeOffice } from './incumbent.ts'
import { beginLife, type Life } from './life.ts'
import { edit, settleWishes } from './operator.ts'
import { type Oversight, openOversight, type Violation } from './oversight.ts'
import { createWorld, type World } from './world.ts'

export type Outcome = {
  seed: number
  violation: Violation | undefined
  /** Of the whole trace: the same seed has the same. */
  digest: string
  lines: string[]
  steps: number
  /** Virtual time from the end of the disasters until all was as declared, in ms. */
  convergedMs: number | undefined
}

/** Disasters and edits of a run, and how far apart they are, in ms. */
const actions = { least: 5, most: 20, gapsMs: [20, 300, 2000, 8000, 20_000] } as const

/** The first rollouts of a run are left alone for so long, in ms, in most runs. */
const prologueMs = 8000

/**
 * Once the world is well, all is as declared after at most this, in ms: two rollouts of 20 s, waits of 5 minutes by back-off, and the
 * time in which a revision that failed is found out.
 */
const convergenceMs = 900_000

/** How often it is looked whether all is as declared, in ms. */
const lookMs = 2000

/** Looks after which the operator asks once more for what has failed. */
const looksToRetry = 100

/** What waits for its last look has it in the first; the second has two resyncs with their jitter; the third a restart and one resync; in ms. */
const quietMs = { before: 12_000, resyncs: 24_000, restart: 15_000 } as const

/** Dead controllers are started again after up to so long, in ms. */
const slowestRestartMs = 3000

/** Runs one seed. Everything in it follows from the seed; `plant` puts a bug in. */
export async function simulate(seed: number, plant?: Plant): Promise<Outcome> {
  const world = createWorld(seed)
  const oversight = openOversight(world)
  const run = beginRun(world, oversight, plant)
  await disasters(run)
  const convergedMs = await converge(run)
  if (convergedMs !== undefined) await staysQuiet(run)
  run.end()
  const { trace, scheduler, database } = world
  database.close()
  const { violation } = oversight
  return { seed, violation, digest: trace.digest(), lines: trace.lines, steps: scheduler.steps, convergedMs }
}

type RunState = ReturnType<typeof beginRun>

function beginRun(world: World, oversight: Oversight, plant: Plant | undefined) {
  const { scheduler, random, trace } = world
  let lives = 0
  let isOver = false
  let incumbent: Incumbent
  const start = () => {
    if (isOver) return
    trace.add('controller', `begins life ${++lives}`)
    // A back-off ends with the queue that it was in.
    oversight.troubled.clear()
    incumbent = takeOffice(world, beginLife(lives, scheduler, onEnd), oversight, plant)
  }
  const onEnd = (life: Life) => {
    if (isOver) return
    trace.add('controller', `life ${life.number} ends`)
    scheduler.after(random.between(1, slowestRestartMs), start)
  }
  start()
  return {
    world,
    oversight,
    incumbent: () => incumbent,
    /** Lets time pass; returns whether a violation ended it. */
    async pass(ms: number): Promise<boolean> {
      await scheduler.run(scheduler.now() + ms, () => {
        oversight.check(incumbent.queue)
        return oversight.violation !== undefined
      })
      return oversight.violation !== undefined
    },
    end() {
      isOver = true
      incumbent.life.end()
    },
  }
}

async function disasters({ world, incumbent, pass }: RunState): Promise<void> {
  const { random, trace } = world
  const known = drawDisasters(random)
  if (random.chance(0.8) && (await pass(prologueMs))) return
  const count = actions.least + random.below(actions.most - actions.least)
  for (let done = 0; done < count; done++) {
    if (random.chance(0.45)) edit(world)
    else if (random.chance(0.1)) incumbent().life.end()
    else strike(world, known)
    if (await pass(random.between(1, random.pick(actions.gapsMs)))) return
  }
  trace.add('world', 'the disasters are over')
}

/** Virtual ms until all is as declared, or `undefined` after a violation. */
async function converge(run: RunState): Promise<number | undefined> {
  const { world, oversight, incumbent, pass } = run
  if (oversight.violation) return undefined
  const { scheduler, trace } = world
  endDisasters(world)
  settleWishes(world)
  const began = scheduler.now()
  for (let looks = 1; scheduler.now() - began < convergenceMs; looks++) {
    if (await pass(lookMs)) return undefined
    // A rollout whose time ran out in the last disaster may fail only now: the operator asks again.
    if (looks % looksToRetry === 0) settleWishes(world)
    if (world.view.isHeld()) incumbent().approve()
    if (isOver(run) && !complaintOf(world)) return scheduler.now() - began
  }
  const { invariant, message } = complaintOf(world) ?? unfinished(run)
  oversight.violation = { invariant, message: `${message}, ${convergenceMs / 1000} s after the disasters were over` }
  trace.add('VIOLATION', `${invariant}: ${oversight.violation.message}`)
  return undefined
}

/** The last of the disasters are calls that hang or are yet to land, errors that nobody has come back to yet, and edits not yet taken over. */
function isOver({ world: { astray }, oversight: { troubled }, incumbent }: RunState): boolean {
  return astray.size === 0 && troubled.size === 0 && incumbent().isRead()
}

function unfinished({ oversight: { troubled }, incumbent }: RunState): Violation {
  if (!incumbent().isRead()) return { invariant: 'edit-answered', message: 'the newest snapshot of the folder is not taken over' }
  return { invariant: 'edit-answered', message: `${[...troubled].join(', ')} can still not be looked at without an error` }
}

/** What has converged writes nothing, whoever looks at it. */
async function staysQuiet({ world, oversight, incumbent, pass }: RunState): Promise<void> {
  if (await pass(quietMs.before)) return
  const before = { writes: oversight.writes, disk: world.disk.writes }
  if (await pass(quietMs.resyncs)) return
  incumbent().life.end()
  if (await pass(quietMs.restart)) return
  const complaint = complaintOf(world)
  const [writes, disk] = [oversight.writes - before.writes, world.disk.writes - before.disk]
  if (complaint) oversight.violation = complaint
  else if (writes + disk > 0)
    oversight.violation = {
      invariant: 'quiet-when-converged',
      message: `${writes} writes to engines and feeds, ${disk} to the disk${disk > 0 ? `, such as ${world.disk.written}` : ''}`,
    }
}
