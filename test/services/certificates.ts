import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { temporaryDirectory } from './directory.ts'

const run = promisify(execFile)

/** A certificate, its key, and the authority that signed it: paths of PEM files. */
export type Identity = { ca: string; cert: string; key: string }

/** A private certificate authority for a test. */
export type Authority = {
  /** A certificate of this name for 127.0.0.1. `days` may be 0: it has then expired at once. */
  issue(name: string, days?: number): Promise<Identity>
  remove(): Promise<void>
}

export async function startAuthority(): Promise<Authority> {
  const dir = await temporaryDirectory('ca')
  const [ca, caKey] = [join(dir.path, 'ca.pem'), join(dir.path, 'ca.key')]
  const elliptic = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await run('openssl', ['req', '-x509', ...elliptic, '-keyout', caKey, '-out', ca, '-subj', '/CN=test authority', '-days', '1'])
  const issue = async (name: string, days = 1): Promise<Identity> => {
    const [cert, key, request] = ['pem', 'key', 'csr'].map(end => join(dir.path, `${name}.${end}`)) as [string, string, string]
    const extensions = join(dir.path, `${name}.ext`)
    await writeFile(extensions, 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n')
    await run('openssl', ['req', '-new', ...elliptic, '-keyout', key, '-out', request, '-subj', `/CN=${name}`])
    const signing = ['-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-extfile', extensions, '-days', String(days)]
    await run('openssl', ['x509', '-req', '-in', request, '-out', cert, ...signing])
    return { ca, cert, key }
  }
  return { issue, remove: () => dir.remove() }
}
