import { execFile } from 'node:child_process'

const main = new URL('../../controller/cli/feedctl.ts', import.meta.url).pathname

export type Answer = { code: number; out: string; err: string }

/** Runs feedctl as an operator does, in a process of its own. */
export function feedctl(url: string, ...args: string[]): Promise<Answer> {
  return new Promise(resolve => {
    execFile(process.execPath, [main, '--server', url, ...args], { maxBuffer: 16 * 1024 * 1024 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err })
    })
  })
}
