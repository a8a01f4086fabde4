/** The command lines in the fenced `sh` blocks of a page, each as its words. */
export function commandsOf(page: string): string[][] {
  const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block)
  return blocks.flatMap(block => block.trimEnd().split('\n')).map(line => line.split(' '))
}
