import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Users that the containers of docker-compose.yml run as, and so whom their secret files belong to. */
const users = { feedplane: 10001, alertmanager: 65534, grafana: 472 } as const

export type SecretSetOptions = {
  /** What becomes FEEDPLANE_SECRETS. Made where it is not there. */
  directory: string
  /** Also two accounts that only the simulator knows. A broker's accounts are for their owner to write. */
  simulator: boolean
  /** Whether files can be given to the containers' users. Otherwise all may read them, below a folder that only their owner enters. */
  isRoot: boolean
}

/**
 * Writes the secret files that docker-compose.yml names, with passwords drawn at random. What is there stays as it is, so a second run
 * adds what is missing. Returns the files that it wrote, relative to the directory.
 */
export async function writeSecretSet({ directory, simulator, isRoot }: SecretSetOptions): Promise<string[]> {
  const written: string[] = []
  const accounts = simulator ? ['nats', 'primary', 'backup'] : ['nats']
  await makeFolder(directory, isRoot ? 0o711 : 0o700)
  for (const folder of ['stack', 'accounts', ...accounts.map(name => `accounts/${name}`)]) await folderFor(folder, 'feedplane')
  await folderFor('alertmanager', 'alertmanager')
  await keep('stack/grafana-admin-password', password(), 'grafana')
  await natsAccounts()
  if (simulator) await simulatorAccounts()
  return written

  async function natsAccounts(): Promise<void> {
    const user = await keep('accounts/nats/USER', 'feedplane')
    const secret = await keep('accounts/nats/PASSWORD', password())
    await keep('stack/nats-accounts.conf', `authorization: {users: [${JSON.stringify({ user, password: secret })}]}\n`)
  }

  async function simulatorAccounts(): Promise<void> {
    const known = [await simulatorAccount('primary', '100001'), await simulatorAccount('backup', '100002')]
    await keep('stack/simulator-accounts.json', `${JSON.stringify(known, undefined, 2)}\n`)
  }

  async function simulatorAccount(name: string, userId: string): Promise<object> {
    return {
      BROKER_ID: await keep(`accounts/${name}/BROKER_ID`, '9999'),
      USER_ID: await keep(`accounts/${name}/USER_ID`, userId),
      PASSWORD: await keep(`accounts/${name}/PASSWORD`, password()),
    }
  }

  /** What the file says, which it is given where it is not there. */
  async function keep(file: string, text: string, owner: keyof typeof users = 'feedplane'): Promise<string> {
    const path = join(directory, file)
    const present = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    if (present !== undefined) return present.trimEnd()
    await writeFile(path, text, { flag: 'wx', mode: isRoot ? 0o400 : 0o444 })
    if (isRoot) await chown(path, users[owner], users[owner])
    written.push(file)
    return text
  }

  async function folderFor(folder: string, owner: keyof typeof users): Promise<void> {
    const path = join(directory, folder)
    await makeFolder(path, isRoot ? 0o700 : 0o755)
    if (isRoot) await chown(path, users[owner], users[owner])
  }
}

const password = (): string => randomBytes(18).toString('base64url')

async function makeFolder(path: string, mode: number): Promise<void> {
  await mkdir(path, { recursive: true })
  await chmod(path, mode)
}
